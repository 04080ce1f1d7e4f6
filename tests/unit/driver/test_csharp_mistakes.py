"""Code of C# that does not compile, at its own lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.diagnostics import Failure, Span
from klotho.driver.build import build
from klotho.driver.local_cloud import image_builder
from klotho.driver.program import find_program

PROJECT = "<Project><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>\n"
PROGRAM = """var app = WebApplication.Create(args);
app.MapGet("/", () => new Pet(1));
app.MapGet("/x", () => Missing.X);
// @klotho::expose { id = "api" }
app.Run();
"""
FAKE = """#!/bin/sh
case $1 in
--list-sdks) echo "8.0.404 [/opt/dotnet/sdk]" ;;
--list-runtimes) echo "Microsoft.AspNetCore.App 8.0.11 [/opt/dotnet/shared/Microsoft.AspNetCore.App]" ;;
publish) for twice in 1 2; do
    echo "Program.cs(2,23): error CS1729: \'Pet\' has none [$PWD/Shop/Shop.csproj]"
    echo "$PWD/Shop/obj/Made.cs(1,1): error CS1000: made [$PWD/Shop/Shop.csproj]"
    echo "$PWD/Shop/Program.cs(3,24): error CS0103: no \'Missing\' [$PWD/Shop/Shop.csproj::TargetFramework=net8.0]"
    echo "$PWD/Shop/Program.cs(3,9): warning CS0000: fine [$PWD/Shop/Shop.csproj]"
done; exit 1 ;;
esac
"""


def test_what_a_build_refuses_is_told_in_the_files_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    folder, programs = tmp_path / "code", tmp_path / "programs"
    (folder / "Shop").mkdir(parents=True)
    programs.mkdir()
    (programs / "dotnet").write_text(FAKE)
    (programs / "dotnet").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("DOTNET_ROOT", raising=False)
    (folder / "Shop" / "Shop.csproj").write_text(PROJECT)
    (folder / "Shop" / "Program.cs").write_text(PROGRAM)
    (asset,) = build(find_program(folder), None).manifest.assets
    with pytest.raises(Failure) as raised:
        image_builder(folder, "code", "dev")(asset, lambda line: None)
    told = raised.value.diagnostic
    *places, step = told.labels
    assert told.code == "image-not-built"
    assert [(label.span, label.text) for label in places] == [
        (Span("Shop/Program.cs", 2, 23), "CS1729: 'Pet' has none"),
        (Span("Shop/Program.cs", 3, 24), "CS0103: no 'Missing'"),
    ]
    dockerfile = (folder / "compiled/main/Dockerfile").read_text().splitlines()
    assert step.span.file == "compiled/main/Dockerfile"
    assert dockerfile[step.span.line - 1].startswith("RUN dotnet publish")
