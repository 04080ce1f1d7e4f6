"""The Dockerfile of a unit: built by the SDK's image of its target framework, run by ASP.NET Core's.

Input: the unit's project and files. Output: `Dockerfile` and `.dockerignore`. The packages are restored before the code
is copied, so that a change of the code alone does not fetch them again. Sources: learn.microsoft.com/dotnet/core/docker
and mcr.microsoft.com/dotnet/aspnet, whose tags are versions, and which has `sh`.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Iterable

from klotho.annotations.languages.csharp.projects import ABOVE, ENDING, Project

MARKER = ".klotho-unit"
"""The file by which the folder of a unit is known."""
_RESTORED_BY = (*ABOVE, "packages.lock.json")
_IGNORED = ("Dockerfile", ".dockerignore", MARKER)


def image_files(
    unit: str, project: Project, framework: str, files: Iterable[str], assets: Iterable[str]
) -> dict[str, bytes]:
    """`framework`: such as `8.0`. `assets`: files that are found from the working directory, as the project's own."""
    restored = sorted(path for path in files if path.endswith(ENDING) or posixpath.basename(path) in _RESTORED_BY)
    # What a build on this machine leaves beside a project: a folder of that name elsewhere is the user's.
    built = [
        posixpath.join(posixpath.dirname(path), name)
        for path in restored
        if path.endswith(ENDING)
        for name in ("bin", "obj")
    ]
    named = shlex.quote(project.path)
    lines = [f"# Klotho: the unit {unit}.", f"FROM mcr.microsoft.com/dotnet/sdk:{framework} AS build", "WORKDIR /src"]
    lines += [f"COPY {json.dumps([path, f'./{path}'])}" for path in restored]
    lines += [" ".join(["RUN dotnet restore", named, *project.forms]), "COPY . ."]
    publish = "--no-restore -c Release -o /app -p:UseAppHost=false"
    lines += [" ".join(["RUN dotnet publish", named, publish, *project.forms]), ""]
    lines += [f"FROM mcr.microsoft.com/dotnet/aspnet:{framework}", "WORKDIR /app", "COPY --from=build /app ."]
    lines += [f"COPY {json.dumps([path, _place(path, project)])}" for path in sorted(assets)]
    start = f"ASPNETCORE_URLS=http://+:${{PORT:-8080}} exec dotnet {shlex.quote(project.assembly + '.dll')}"
    # Scheme and client are those that the API says. The user needs no name.
    lines += ["ENV ASPNETCORE_FORWARDEDHEADERS_ENABLED=true", "USER 1000", f"CMD {json.dumps(['sh', '-c', start])}", ""]
    return {"Dockerfile": "\n".join(lines).encode(), ".dockerignore": "\n".join([*built, *_IGNORED, ""]).encode()}


def _place(path: str, project: Project) -> str:
    """Where a file stands in the image: as it stands to the project's folder."""
    return posixpath.normpath(posixpath.join("/app", posixpath.relpath(path, project.folder or ".")))
