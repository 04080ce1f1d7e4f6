"""Images of Go and .NET as people write their Dockerfiles: built by this machine's toolchains, and run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from container_bench import Bench

from klotho.localcloud.planes.containers import ImageError, dotnet
from klotho.localcloud.planes.containers.image import Image, load_image, search_path
from tests.go_modules import FOLDER

pytestmark = [pytest.mark.localcloud, pytest.mark.usefixtures("go", "dotnet")]

HELLO = {
    "go.mod": "module example.com/hello\n\ngo 1.21\n\nrequire github.com/go-chi/chi/v5 {version}\n",
    "cmd/hello/main.go": """package main

import (
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
)

func main() {
	routes := chi.NewRouter()
	routes.Get("/hello", func(http.ResponseWriter, *http.Request) {})
	os.Stdout.WriteString(routes.Routes()[0].Pattern)
}
""",
}


def built(bench: Bench, dockerfile: str, files: Mapping[str, str]) -> Image:
    image = load_image(bench.state / "images", bench.image({"Dockerfile": dockerfile, **files}).digest)
    assert image is not None
    return image


def said(program: Path, image: Image, **environment: str) -> str:
    variables = {"PATH": search_path(image), **environment}
    return subprocess.run([program], cwd=image.root, env=variables, capture_output=True, text=True, check=True).stdout


def test_go_takes_modules_of_your_own_proxy_and_the_program_moves_to_alpine(bench: Bench) -> None:
    dockerfile = """FROM golang:1.27-alpine AS build
WORKDIR /go/src/hello
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
RUN go install -trimpath ./cmd/...
FROM alpine:3.20
RUN adduser -D hello && mkdir /data
COPY --from=build /go/bin/hello /usr/local/bin/
USER hello
CMD hello | cat
"""
    version = next((FOLDER / "proxy/github.com/go-chi/chi/v5/@v").glob("*.mod")).stem
    files = {"go.mod": HELLO["go.mod"].format(version=version), "go.sum": (FOLDER / "go.sum").read_text()}
    image = built(bench, dockerfile, {**HELLO, **files})
    assert said(image.root / "usr/local/bin/hello", image) == "/hello"
    assert (image.root / "data").is_dir()


def test_dotnet_restores_and_builds_by_steps_and_the_program_is_started_by_its_name(bench: Bench) -> None:
    dockerfile = """FROM mcr.microsoft.com/dotnet/sdk:3.1 AS build
WORKDIR /src
COPY Hello/Hello.csproj Hello/
RUN dotnet restore Hello
COPY . .
RUN dotnet build Hello -c Release --no-restore
FROM build AS publish
RUN dotnet publish Hello -c Release --no-build -o /app && dotnet nuget locals all --clear
FROM mcr.microsoft.com/dotnet/runtime:3.1
WORKDIR /app
COPY --from=publish /app .
ENTRYPOINT ["./Hello"]
"""
    project = (
        '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>'
        "<TargetFramework>netcoreapp3.1</TargetFramework></PropertyGroup></Project>"
    )
    code = 'class Program { static void Main() => System.Console.Write("hello"); }\n'
    image = built(bench, dockerfile, {"Hello/Hello.csproj": project, "Hello/Program.cs": code})
    environment = dotnet.process_environment(image.config.base, None)
    # The wrapper of the tests' SDK says this; a program with a name of its own does not go through it.
    environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"
    assert said(image.root / "app/Hello", image, **environment) == "hello"


def test_a_project_for_a_newer_net_names_both_versions(bench: Bench) -> None:
    target = "<PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup>"
    project = f'<Project Sdk="Microsoft.NET.Sdk.Web">{target}</Project>'
    dockerfile = "FROM mcr.microsoft.com/dotnet/sdk:8.0\nWORKDIR /src\nCOPY . .\nRUN dotnet publish -c Release\n"
    with pytest.raises(ImageError) as caught:
        bench.image({"Dockerfile": dockerfile, "Api.csproj": project})
    assert caught.value.reason == "Api.csproj is for net8.0, and the newest .NET SDK of this machine is 3.1.102"
    assert "install the .NET SDK 8.0" in caught.value.hint
