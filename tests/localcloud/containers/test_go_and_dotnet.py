"""Which images of Go and .NET stand on this machine's programs, how their commands run here, and what is refused."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from container_bench import Bench

from klotho.localcloud.planes.containers import ImageError, dotnet, golang
from klotho.localcloud.planes.containers.bases import base
from klotho.localcloud.planes.containers.dockerfile import Instruction
from klotho.localcloud.planes.containers.image import load_image
from klotho.localcloud.planes.containers.toolchain import Base
from klotho.localcloud.planes.containers.validation import validate_image

LINE = Instruction(7, "FROM", (), "")
GO = "#!/bin/sh\necho go1.24.2\n"
DOTNET = """#!/bin/sh
case $1 in
--list-sdks) echo "8.0.404 [/opt/dotnet/sdk]"; echo "9.0.100 [/opt/dotnet/sdk]" ;;
--list-runtimes) for v in 8.0.11 9.0.0; do
    echo "Microsoft.AspNetCore.App $v [/opt/dotnet/shared/Microsoft.AspNetCore.App]"
    echo "Microsoft.NETCore.App $v [/opt/dotnet/shared/Microsoft.NETCore.App]"
done ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has Go 1.24 and .NET 8 and 9."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("go", GO), ("dotnet", DOTNET)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("DOTNET_ROOT", raising=False)
    return folder


@pytest.mark.parametrize(
    ("image", "note"),
    [
        ("golang", None),
        ("golang:1.24-bookworm", None),
        ("public.ecr.aws/docker/library/golang:1.24.1-alpine3.20", None),
        ("golang:1.23", "the image has Go 1.23, this machine builds with 1.24.2"),
        ("mcr.microsoft.com/dotnet/sdk:9.0", None),
        ("mcr.microsoft.com/dotnet/sdk", None),
        ("mcr.microsoft.com/dotnet/sdk:8.0-alpine", "the image has the .NET SDK 8.0, this machine builds with 9.0.100"),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", None),
        ("mcr.microsoft.com/dotnet/runtime:9.0-noble-chiseled", None),
        ("mcr.microsoft.com/dotnet/core/aspnet:3.1", "the image has ASP.NET Core 3.1, this machine runs it on 9.0.0"),
    ],
)
def test_another_version_is_noted(programs: Path, image: str, note: str | None) -> None:
    found = base(image, LINE)
    assert found.note == note
    assert Path(found.interpreter).parent == programs


def test_a_program_for_a_version_that_is_not_here_runs_on_the_next_one(programs: Path) -> None:
    assert dict(base("mcr.microsoft.com/dotnet/core/aspnet:3.1", LINE).environment) == {
        "ASPNETCORE_URLS": "http://+:80",
        "DOTNET_RUNNING_IN_CONTAINER": "true",
        "DOTNET_ROLL_FORWARD": "Major",
    }
    assert dict(base("mcr.microsoft.com/dotnet/aspnet:8.0", LINE).environment) == {
        "APP_UID": "1654",
        "ASPNETCORE_HTTP_PORTS": "8080",
        "DOTNET_RUNNING_IN_CONTAINER": "true",
    }
    assert dotnet.process_environment(base("mcr.microsoft.com/dotnet/aspnet:8.0", LINE), 512) == {
        "COMPlus_GCHeapHardLimit": "18000000",
        "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
        "DOTNET_GCHeapHardLimit": "18000000",
        "DOTNET_ROOT": "/opt/dotnet",
    }


@pytest.mark.parametrize(
    ("image", "message"), [("golang:1.24", "no Go"), ("mcr.microsoft.com/dotnet/sdk:8.0", "no .NET")]
)
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str, message: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOTNET_ROOT", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ImageError, match=f"there is {message}") as caught:
        base(image, LINE)
    assert "install" in caught.value.hint


def test_dotnet_is_found_by_its_root_too(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOTNET_ROOT", str(programs))
    assert dotnet.base("mcr.microsoft.com/dotnet/sdk:9.0", LINE) is not None


def place(path: str) -> Path:
    """As in a stage at /root whose command works in /src."""
    return Path(path.replace("/", "/root/", 1) if path.startswith("/") else f"/root/src/{path}")


@pytest.mark.parametrize(
    ("line", "run"),
    [
        (["build", "./cmd/api"], ["build", "./cmd/api"]),
        (["install", "-ldflags", "-X main.at=/x", "./..."], ["install", "-ldflags", "-X main.at=/x", "./..."]),
        (["build", "-modfile=/src/go.mod", "/src/cmd"], ["build", "-modfile=/root/src/go.mod", "/root/src/cmd"]),
        (["mod", "download", "-x"], ["mod", "download", "-x"]),
        (["clean", "-modcache"], None),
    ],
)
def test_the_words_of_a_go_command(line: list[str], run: list[str] | None) -> None:
    assert golang.arguments("go", ["go", *line], place) == (None if run is None else ["go", *run])


def test_what_go_builds_lands_in_the_image(tmp_path: Path) -> None:
    def at(path: str) -> Path:
        return tmp_path / path.strip("/")

    assert golang.arguments("go", ["go", "build", "-o", "/out/bin/"], at) == [
        "go",
        "build",
        "-o",
        f"{tmp_path}/out/bin/",
    ]
    assert golang.arguments("go", ["go", "build", "-o=/deep/app"], at) == ["go", "build", f"-o={tmp_path}/deep/app"]
    assert (tmp_path / "out/bin").is_dir()
    assert (tmp_path / "deep").is_dir()
    assert golang.folder_of(["go", "build", "-C", "/a", "."], tmp_path, at) == (["go", "build", "."], tmp_path / "a")


def test_go_builds_for_this_machine_with_the_caches_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOFLAGS", raising=False)
    monkeypatch.setenv("GOCACHE", "/home/me/cache")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    (tmp_path / "src/.git").mkdir(parents=True)
    told: list[str] = []
    image = {"GOOS": "linux", "GOARCH": "s390x", "GOCACHE": "/cache", "GOFLAGS": "-mod=vendor", "CGO_ENABLED": "0"}
    found = golang.settings(image, tmp_path, tmp_path / "src", image, told.append)
    assert {name: value for name, value in found.items() if name in (*image, "GOPROXY", "GOBIN", "GOWORK")} == {
        "CGO_ENABLED": "0",
        "GOBIN": f"{tmp_path}/go/bin",
        "GOCACHE": "/home/me/cache",
        "GOFLAGS": "-mod=vendor",
        "GOPROXY": "https://proxy.example",
        "GOWORK": "off",
    }
    assert golang.settings({}, tmp_path, tmp_path, {}, told.append)["GOFLAGS"] == "-buildvcs=false"
    assert told == []
    browser = {"GOOS": "js", "GOARCH": "wasm"}
    found = golang.settings(browser, tmp_path, tmp_path, browser, told.append)
    assert (found["GOOS"], found["GOARCH"]) == ("js", "wasm")
    assert told == ["go builds for js: what it makes does not run here"]


def test_the_words_of_a_dotnet_command(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/App.csproj").touch()

    def at(path: str) -> Path:
        return tmp_path / path.strip("/")

    line = ["publish", "/src/App.csproj", "-c", "Release", "-o", "/app", "/p:UseAppHost=false", "-p:PublishDir=/x/"]
    assert dotnet.arguments("dotnet", ["dotnet", *line], at) == [
        "dotnet", "publish", f"{tmp_path}/src/App.csproj", "-c", "Release", "-o", f"{tmp_path}/app",
        "/p:UseAppHost=false", f"-p:PublishDir={tmp_path}/x/",
    ]  # fmt: skip
    assert dotnet.arguments("dotnet", ["dotnet", "build", "--output=/out"], at) == [
        "dotnet", "build", f"--output={tmp_path}/out",
    ]  # fmt: skip
    assert dotnet.arguments("dotnet", ["dotnet", "nuget", "locals", "all", "--clear"], at) is None


PROJECT = "<Project><PropertyGroup><TargetFramework>{}</TargetFramework></PropertyGroup></Project>"


@pytest.mark.parametrize(
    ("target", "words", "refused"),
    [
        ("net10.0", ["publish"], "net10.0"),
        ("net9.0", ["publish"], None),
        ("netcoreapp3.1", ["build", "App.sln"], None),
        ("netstandard2.1", ["build"], None),
        ("net48", ["build"], None),
        ("net10.0", ["restore", "App.sln"], "net10.0"),
        ("net10.0-windows", ["publish", "App"], "net10.0-windows"),
        ("net8.0;net10.0", ["publish", "App/App.csproj"], "net10.0"),
        ("net8.0;net10.0", ["publish", "App/App.csproj", "-f", "net8.0"], None),
        ("", ["publish", "App"], "net11.0"),
        ("net10.0", ["clean"], None),
    ],
)
def test_a_project_for_a_newer_net_than_the_newest_sdk_is_refused_by_both_versions(
    tmp_path: Path, target: str, words: list[str], refused: str | None
) -> None:
    (tmp_path / "App").mkdir()
    (tmp_path / "App.sln").write_text('Project("{F}") = "App", "App\\App.csproj", "{1}"\nEndProject\n')
    (tmp_path / "App/App.csproj").write_text(PROJECT.format(target) if target else "<Project/>")
    (tmp_path / "Directory.Build.props").write_text(PROJECT.format("net11.0"))
    sdk = Base("dotnet", "dotnet", "9.0.100", None)
    try:
        dotnet.check_target(LINE, sdk, ["dotnet", *words], tmp_path)
    except ImageError as error:
        assert error.reason == f"App.csproj is for {refused}, and the newest .NET SDK of this machine is 9.0.100"
    else:
        assert refused is None


def test_asp_net_core_is_told_its_own_port() -> None:
    said = {
        "ASPNETCORE_URLS": "http://+:8080;https://*:8081/base;http://localhost:80",
        "ASPNETCORE_HTTP_PORTS": "8080;9",
        "X_URLS": "http://+:8080",
    }
    assert dotnet.listening(said, {8080: 41000}) == {
        "ASPNETCORE_URLS": "http://+:41000;https://*:8081/base;http://localhost:80",
        "ASPNETCORE_HTTP_PORTS": "41000;9",
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("FROM golang:1.24\nRUN go generate ./...\n", 2, "`go generate` is not carried"),
        ("FROM golang:1.24\nRUN go env -w GOPROXY=x\n", 2, "changes the settings of this machine's user"),
        ("FROM golang:1.24\nRUN apt-get install -y git\n", 2, "`apt-get install -y git` is not carried"),
        ("FROM golang:1.24\nRUN npm ci\n", 2, "`npm` is not in the Go image `golang:1.24`"),
        ("FROM python:3\nRUN go build\n", 2, "`go` is not in the Python image"),
        ("FROM golang:1.24 AS a\nRUN go build\nFROM alpine:3\nRUN apk add curl\n", 4, "`apk add curl` is not carried"),
        ("FROM debian:12-slim\nRUN go build\n", 2, "`go` is not in the plain image `debian:12-slim`"),
        ("FROM scratch\nRUN mkdir /x\n", 2, "`scratch` has no shell"),
        ("FROM gcr.io/distroless/static-debian12:nonroot\nCMD /app\n", 2, "has no shell to run it with"),
        ("FROM gcr.io/distroless/static\nENTRYPOINT /app\n", 2, 'write it as a list: ENTRYPOINT ["/app"]'),
        ("FROM mcr.microsoft.com/dotnet/runtime:9.0-noble-chiseled\nRUN mkdir x\n", 2, "has no shell"),
        ("FROM mcr.microsoft.com/dotnet/sdk:9.0\nRUN dotnet tool install -g x\n", 2, "`dotnet tool` is not carried"),
        ("FROM mcr.microsoft.com/dotnet/sdk:9.0\nRUN dotnet nuget add source x\n", 2, "COPY a NuGet.Config"),
        ("FROM mcr.microsoft.com/dotnet/framework/sdk:4.8\n", 1, "can't stand on this machine's programs"),
        ("FROM ubuntu:24.04\n", 1, "FROM takes images of Python"),
        ("FROM gcr.io/distroless/static:debug\nRUN mkdir /x\nCMD /app\n", 0, ""),
        ("FROM alpine\nRUN adduser -D me && mkdir /data\nCMD /app\n", 0, ""),
        ("FROM golang:1.24\nARG TARGETARCH\nRUN GOARCH=${TARGETARCH:?} go mod download && go test ./...\n", 0, ""),
        ("FROM mcr.microsoft.com/dotnet/sdk:9.0\nRUN dotnet restore && dotnet nuget locals all --clear\n", 0, ""),
    ],
)
def test_what_these_images_can_not_do_names_its_line(
    programs: Path, tmp_path: Path, text: str, line: int, message: str
) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    try:
        validate_image(tmp_path, tmp_path / "Dockerfile")
    except ImageError as error:
        assert (error.line, message in str(error)) == (line, True), str(error)
    else:
        assert line == 0


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('FROM scratch\nCOPY app /app\nENTRYPOINT ["/app"]\n', 3, "linked to the C library (glibc), which `scratch`"),
        ('FROM alpine:3.20\nCOPY app /usr/bin/\nCMD ["app"]\n', 3, "(glibc), which `alpine:3.20` does not have"),
        (
            'FROM alpine AS a\nCOPY a.txt /\nCMD ["python3", "a.txt"]\nFROM a\nUSER me\n',
            4,
            "`python3` is not in the image",
        ),
        ('FROM scratch\nCOPY a.txt /\nENTRYPOINT ["/server"]\n', 3, "`/server` is not in the image"),
        (
            'FROM public.ecr.aws/lambda/provided:al2023\nCOPY app ./\nCMD ["app"]\n',
            3,
            "starts an entrypoint of its own",
        ),
        ('FROM debian:12\nCOPY app /app\nCMD ["/app"]\n', 0, ""),
        ('FROM gcr.io/distroless/base-debian12\nCOPY app /app\nCMD ["/app"]\n', 0, ""),
        ("FROM alpine\nCOPY a.txt /\nCMD cat a.txt | wc\n", 0, ""),
        ('FROM public.ecr.aws/lambda/provided:al2023\nCOPY app ./\nENTRYPOINT ["./app"]\n', 0, ""),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the program of this machine that is copied in is no ELF file")
def test_a_program_that_could_not_start_in_the_image_does_not_start_here(
    bench: Bench, text: str, line: int, message: str
) -> None:
    context = bench.context({"Dockerfile": text, "a.txt": "a"})
    shutil.copy(shutil.which("true") or "/bin/true", context / "app")
    try:
        made = bench.image({})
    except ImageError as error:
        assert (error.line, message in str(error)) == (line, True), str(error)
    else:
        assert line == 0
        image = load_image(bench.state / "images", made.digest)
        assert image is not None and image.config.base.language == "none"
        assert not (image.root / "opt/klotho").exists()
