"""`klotho doctor`: what is looked at beside a program, and what is said of what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.cli.run import run
from klotho.driver import doctor
from klotho.driver.build import build
from klotho.driver.doctor import Check, examine, needs_of
from klotho.driver.program import find_program

PROGRAM = """\
import klotho
from klotho import Compute, Databases
klotho.Application("shop")
orders = Compute.Function(name="orders", handler="orders.handler")
orders.reads_from(Databases.Postgres(name="users_db"))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("state", "cache"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.setattr(doctor, "_said", lambda words: "1.0")
    (tmp_path / "program").mkdir()
    return tmp_path / "program"


def by_name(folder: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(folder)}


def test_without_a_program_everything_is_looked_at(folder: Path) -> None:
    assert {"Python", "Node.js", "npm", "uv", "PostgreSQL", "Redis", "MariaDB/MySQL", "container engine"} <= set(
        by_name(folder)
    )


def test_beside_a_program_only_what_it_needs_is_looked_at(folder: Path) -> None:
    (folder / "infra.py").write_text(PROGRAM)
    (folder / "orders.py").write_text("def handler(event, context): ...\n")
    assert needs_of(build(find_program(folder), None)) == {"python", "postgres"}
    found = by_name(folder)
    assert found["program"].found == "infra.py: shop"
    assert found["PostgreSQL"].result == "ok"
    assert not {"Node.js", "npm", "Redis", "MariaDB/MySQL", "container engine"} & set(found)


def test_go_is_looked_at_for_a_program_with_functions_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Go" not in by_name(folder)
    (folder / "infra.py").write_text(PROGRAM.replace("orders.handler", "orders/main.main"))
    (folder / "orders").mkdir()
    (folder / "orders/main.go").write_text("package main\n\nfunc main() {}\n")
    assert needs_of(build(find_program(folder), None)) == {"go", "python", "postgres"}  # what makes logins is Python
    monkeypatch.setenv("PATH", "")
    assert by_name(folder)["Go"] == Check("Go", "fail", "not found", "install Go (https://go.dev/dl)")


def test_beside_annotated_code_only_what_it_needs_is_looked_at(folder: Path) -> None:
    (folder / "main.js").write_text('// @klotho::execution_unit {\n//   id = "web"\n// }\nconsole.log("web");\n')
    (folder / "klotho.yaml").write_text("defaults:\n  execution_unit: {type: lambda}\n")
    found = by_name(folder)
    assert found["program"] == Check("program", "ok", "annotated code: program")
    assert "Node.js" in found and not {"PostgreSQL", "Redis", "MariaDB/MySQL"} & set(found)


@pytest.mark.parametrize(
    ("installed", "target", "result", "found", "advice"),
    [
        (None, "8.0", "fail", "not found", "install the .NET SDK (dotnet.microsoft.com/download), or set DOTNET_ROOT"),
        ("", "8.0", "fail", "dotnet has no SDK", "install the .NET SDK (dotnet.microsoft.com/download)"),
        ("6.0.36", "8.0", "warn", "6.0.36 (", "install the .NET SDK 8.0"),
        ("8.0.404", "8.0", "ok", "8.0.404 (", ""),
        ("9.0.100", "8.0", "ok", "9.0.100 (", ""),
    ],
)
def test_dotnet_is_looked_at_for_code_of_csharp(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: str | None,
    target: str,
    result: str,
    found: str,
    advice: str,
) -> None:
    assert ".NET" not in by_name(folder)
    monkeypatch.delenv("DOTNET_ROOT", raising=False)
    (folder.parent / "bin").mkdir()
    monkeypatch.setenv("PATH", str(folder.parent / "bin"))
    if installed is not None:
        program, listed = (
            folder.parent / "bin" / "dotnet",
            f"echo '{installed} [/usr/share/dotnet/sdk]'" * bool(installed),
        )
        program.write_text(f'#!/bin/sh\n[ "$1" = --list-sdks ] || exit 0\n{listed}\n')
        program.chmod(0o755)
    (folder / "Shop.csproj").write_text(
        f"<Project><PropertyGroup><TargetFramework>net{target}</TargetFramework></PropertyGroup></Project>\n"
    )
    (folder / "Program.cs").write_text('// @klotho::expose { id = "api" }\napp.Run();\n')
    check = by_name(folder)[".NET"]
    assert check.result == result
    assert found in check.found
    assert check.advice.startswith(advice) and bool(check.advice) == bool(advice)


def test_dotnet_is_not_needed_where_an_engine_builds_the_images(folder: Path) -> None:
    (folder / "klotho.yaml").write_text("environments:\n  prod:\n    target: aws\n    region: eu-central-1\n")
    (folder / "Shop.csproj").write_text(
        "<Project><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>\n"
    )
    (folder / "Program.cs").write_text('// @klotho::expose { id = "api" }\napp.Run();\n')
    assert "dotnet" in needs_of(build(find_program(folder), None))
    assert needs_of(build(find_program(folder), "prod")) == {"container"}


def test_a_program_with_mistakes_is_a_warning_and_everything_is_looked_at(folder: Path) -> None:
    (folder / "infra.py").write_text("import klotho\nklotho.Aplication('shop')\n")
    found = by_name(folder)
    assert (found["program"].result, found["program"].advice) == ("warn", "run `klotho check` to see what is wrong")
    assert "Redis" in found


def test_what_is_missing_fails_and_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda program, **_: None)
    monkeypatch.setattr(doctor, "find_spec", lambda module: None)
    found = by_name(folder)
    for name in ("Node.js", "npm", "local cloud", "PostgreSQL", "Redis"):
        assert (found[name].result, bool(found[name].advice)) == ("fail", True)
    assert found["container engine"].result == "warn"


def test_a_full_disk_and_a_folder_that_cannot_be_written_fail(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = doctor.shutil.disk_usage(folder)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    (folder.parent / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder.parent / "file"))
    found = by_name(folder)
    assert {found[name].result for name in ("state folder", "cache folder", "state folder writable")} == {"fail"}


def test_credentials_are_looked_at_for_each_environment_on_aws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "klotho.yaml").write_text("environments:\n  prod:\n    target: aws\n    region: eu-central-1\n")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(folder / "none"))
    check = by_name(folder)["AWS credentials for prod"]
    assert check.result == "warn", "who works on this machine only needs none"
    assert "no AWS credentials" in check.found and "aws sso login" in check.advice
    assert check.advice.endswith("needed for `--env prod` only")
    assert run(["doctor", str(folder)]) == 0
    (named,) = [item for item in examine(folder, "prod") if item.name == check.name]
    assert (named.result, named.found) == ("fail", check.found)
    assert run(["doctor", str(folder), "--env", "prod"]) == 1
    assert run(["doctor", str(folder), "--env", "prdo"]) == 6
