"""Arm unless the image, its Dockerfile, the package or the user says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.resources import Asset
from tests.unit.engine.conftest import Builder


def processor(app: Builder) -> object:
    (definition,) = [item for item in app.resolve().graph if item.type == "AWS::ECS::TaskDefinition"]
    return definition.properties["RuntimePlatform"]["CpuArchitecture"]


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM python:3.12-slim\n", "ARM64"),
        ("# FROM --platform=linux/amd64 old\nFROM python:3.12-slim\n", "ARM64"),
        ("ARG X=1\nFROM --platform=linux/amd64 python:3.12-slim AS build\n", "X86_64"),
        ("FROM golang:1\nRUN CGO_ENABLED=0 GOOS=linux GOARCH=amd64 \\\n  go build\n", "X86_64"),
        ("FROM golang:1\nRUN GOARCH=$TARGETARCH go build # not GOARCH=arm\n# GOARCH=amd64\n", "ARM64"),
        ("FROM golang:1\nENV GOARCH=amd64\n", "X86_64"),
        ("FROM mcr.microsoft.com/dotnet/sdk:8.0\nRUN dotnet publish -c Release -r linux-musl-x64\n", "X86_64"),
        ("FROM mcr.microsoft.com/dotnet/sdk:8.0\nRUN dotnet publish --arch x64 -o /app\n", "X86_64"),
        ("FROM mcr.microsoft.com/dotnet/sdk:8.0\nRUN dotnet publish -a $TARGETARCH -o /x64\n", "ARM64"),
        ("from --platform=linux/arm64 python:3.12-slim\n", "ARM64"),
    ],
)
def test_a_dockerfile_says_which_processor(app: Builder, dockerfile: str, expected: str) -> None:
    (Path(app.root) / "services" / "web" / "Dockerfile").write_text(dockerfile)
    assert processor(app.add("container", "web")) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [("nginx:1.27", "ARM64"), ("amd64/nginx:1.27", "X86_64"), ("acme/tool:2-x86_64", "X86_64")],
)
def test_an_image_s_name_says_which_processor(app: Builder, image: str, expected: str) -> None:
    assert processor(app.add("container", "web", context=None, image=image)) == expected


def test_the_user_decides(app: Builder) -> None:
    assert processor(app.add("container", "web", architecture="x86_64")) == "X86_64"


def test_a_function_gets_what_its_package_was_made_for_unless_told(app: Builder) -> None:
    app.add("function", "work").add("function", "other", architecture="x86_64")
    found = {
        item.key: item.properties["Architectures"] for item in app.resolve().graph if "Architectures" in item.properties
    }
    assert found == {
        "Compute.Function/work:function": [Asset("Compute.Function/work", "architecture")],
        "Compute.Function/other:function": ["x86_64"],
    }
