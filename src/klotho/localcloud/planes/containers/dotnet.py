"""Images of .NET: build stages FROM the SDK, and what runs FROM ASP.NET Core's or the runtime's image.

Input: a FROM image; the words of a `dotnet` command in a RUN line; the variables of a process. Output: a `Base`, the
words and variables to run it with here, where ASP.NET Core is to listen. Refuses, as `ImageError`: .NET that is not
installed, an SDK that is older than a project's target framework, commands that change this machine.

`dotnet` is the one on the PATH, else $DOTNET_ROOT's. Packages are in the cache of your own NuGet. Sources:
github.com/dotnet/dotnet-docker (what the images set), learn.microsoft.com/dotnet: "Target frameworks", "dotnet
publish", ".NET environment variables", "Runtime configuration options for garbage collection" (a container's heap may
have 75 % of its memory), "Configure endpoints for the ASP.NET Core Kestrel web server".
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from klotho.localcloud.planes.containers.dockerfile import Instruction, SourceMistake
from klotho.localcloud.planes.containers.toolchain import Base

Version = tuple[int, int]
_IMAGE = re.compile(
    r"mcr\.microsoft\.com/dotnet/(?:core/)?(?P<kind>sdk|aspnet|runtime-deps|runtime)(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]+)?"
)
_KINDS = {
    "sdk": "the .NET SDK",
    "aspnet": "ASP.NET Core",
    "runtime": "the .NET runtime",
    "runtime-deps": "the .NET runtime",
}
_SHELL_LESS = ("chiseled", "distroless")
_PORTS_SINCE: Version = (8, 0)
"""From here on the images name ports, and a user `app` by number."""
_CARRIED = frozenset({"restore", "build", "publish", "test", "clean", "--version", "--info"})
_TARGET = re.compile(r"<TargetFrameworks?[^>]*>([^<]*)</TargetFrameworks?>")
_MONIKER = re.compile(r"net(?:coreapp)?(\d+)\.(\d+)(?:-\w+)?")
_IN_SOLUTION = re.compile(r'"([^"]+\.(?:cs|fs|vb)proj)"')
_PROJECTS = (".csproj", ".fsproj", ".vbproj")
_SOLUTIONS = (".sln", ".slnx", ".slnf")
_PLACES = frozenset({"-o", "--output", "--packages", "--configfile", "--artifacts-path", "--results-directory"})
_PROPERTY = re.compile(r"((?:--?|/)(?:p|property):\w+=)(/.*)")
_QUIET = {
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "DOTNET_GENERATE_ASPNET_CERTIFICATE": "false",
    "DOTNET_NOLOGO": "true",
    "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
    # Servers that outlive a build would hold its log open, and the image's folder.
    "DOTNET_CLI_USE_MSBUILD_SERVER": "0",
    "MSBUILDDISABLENODEREUSE": "1",
    "UseSharedCompilation": "false",
}
_MISTAKE = re.compile(
    r"\s*(?P<file>[^()]+)\((?P<line>\d+),(?P<column>\d+)(?:,\d+,\d+)?\): error (?P<what>\w+: .+?)"
    r"(?: \[(?P<project>[^\[\]:]+)(?:::[^\[\]]*)?\])?"
)
"""MSBuild's form, learn.microsoft.com/visualstudio/msbuild/msbuild-diagnostic-format-for-tasks; some SDKs name the file
from the project's folder on."""
_HEAP = 0.75
_LISTENING = ("ASPNETCORE_URLS", "DOTNET_URLS", "ASPNETCORE_HTTP_PORTS", "DOTNET_HTTP_PORTS")


class _Installed(NamedTuple):
    """What `dotnet` has, by its own word."""

    sdks: Mapping[Version, str]
    """The full version by its first two numbers."""
    aspnet: Mapping[Version, str]
    runtimes: Mapping[Version, str]
    root: str
    """The folder that has them."""


def base(image: str, instruction: Instruction) -> Base | None:
    """The stand-in for an image of .NET; None for another one."""
    found = _IMAGE.fullmatch(image)
    if found is None:
        return None
    program = _dotnet()
    if program is None:
        raise instruction.error(
            "there is no .NET on this machine",
            "install the .NET SDK (dotnet.microsoft.com/download), or set DOTNET_ROOT to its folder; then try again",
        )
    kind, tag = found["kind"], found["tag"] or ""
    have = _installed(program)
    versions = {"sdk": have.sdks, "aspnet": have.aspnet}.get(kind, have.runtimes)
    if not versions:
        raise instruction.error(
            f"the .NET of this machine ({program}) has not {_KINDS[kind]}", "install the .NET SDK, which has all of it"
        )
    wanted = _version(tag) or max(versions)
    # Builds are done by the newest SDK there is; what runs asks for the version that it was built for.
    used = max(versions) if kind == "sdk" or wanted not in versions else wanted
    note = None
    if wanted != used:
        does = "builds with" if kind == "sdk" else "runs it on"
        note = f"the image has {_KINDS[kind]} {_shown(wanted)}, this machine {does} {versions[used]}"
    environment = _environment(kind, wanted if tag[:1].isdigit() else max(used, _PORTS_SINCE))
    if kind != "sdk" and wanted < used:
        environment["DOTNET_ROLL_FORWARD"] = "Major"
    return Base(
        "dotnet", program, versions[used], note, image, environment,
        shell=not any(word in tag for word in _SHELL_LESS), library="musl" if "alpine" in tag else "glibc",
    )  # fmt: skip


def _environment(kind: str, version: Version) -> dict[str, str]:
    found = {"DOTNET_RUNNING_IN_CONTAINER": "true"}
    if version >= _PORTS_SINCE:
        found |= {"APP_UID": "1654"}
        if kind != "sdk":
            found["ASPNETCORE_HTTP_PORTS"] = "8080"
    elif kind != "sdk":
        found["ASPNETCORE_URLS"] = "http://+:80"
    return found


def check(instruction: Instruction, words: list[str]) -> None:
    """`ImageError` for a `dotnet` command that is not carried. `words`: from `dotnet` on."""
    verb = " ".join(words[1:2])
    if words[1:3] == ["nuget", "locals"]:
        return
    if verb == "nuget":
        raise instruction.error(
            "`dotnet nuget` changes the settings of this machine's user", "COPY a NuGet.Config beside the solution"
        )
    if verb not in _CARRIED:
        carried = ", ".join(sorted(word for word in _CARRIED if not word.startswith("-")))
        raise instruction.error(f"`dotnet {verb}` is not carried", f"dotnet carries {carried}")


def arguments(program: str, words: list[str], place: Callable[[str], Path]) -> list[str] | None:
    """What to run for `words` (from `dotnet` on), paths of the image being paths here; None for nothing.

    `place`: the path here of one of the image, from the command's folder on.
    """
    if words[1:2] == ["nuget"]:
        return None  # it would clear the cache of this machine's user
    return [program, *_placed(words[1:], place)]


def _placed(words: list[str], place: Callable[[str], Path]) -> Iterator[str]:
    before = ""
    for word in words:
        property_of = _PROPERTY.fullmatch(word)
        option, equals, value = word.partition("=") if "=" in word else word.partition(":")
        if before in _PLACES:
            yield str(place(word))
        elif equals and option in _PLACES:
            yield f"{option}{equals}{place(value)}"
        elif property_of is not None:
            slash = "/" if property_of[2].endswith("/") else ""
            yield f"{property_of[1]}{place(property_of[2])}{slash}"
        elif word.startswith("/") and place(word).exists():
            yield str(place(word))  # else it is an option: `/p:UseAppHost=false`, `/m`
        else:
            yield word
        before = word


def check_target(instruction: Instruction, found: Base, words: list[str], folder: Path) -> None:
    """`ImageError` if a project that is to be built is for a newer .NET than the newest SDK here."""
    if words[1] not in ("restore", "build", "publish", "test"):
        return
    chosen = [after for word, after in pairwise(words) if word in ("-f", "--framework")]
    here = _version(found.version)
    for project in _projects(folder, words[2:]):
        for target in chosen or _targets(project, folder):
            moniker = _MONIKER.fullmatch(target.strip())
            if moniker is None or here is None or (int(moniker[1]), int(moniker[2])) <= here:
                continue
            raise instruction.error(
                f"{project.name} is for {target.strip()}, and the newest .NET SDK of this machine is {found.version}",
                f"install the .NET SDK {moniker[1]}.{moniker[2]} (dotnet.microsoft.com/download), "
                "or let the project target what is here",
            )


def _projects(folder: Path, words: list[str]) -> list[Path]:
    """The projects that a command without further words, or with a project, solution or folder, is about."""
    named = [folder / word for word in words if word.endswith((*_PROJECTS, *_SOLUTIONS)) or (folder / word).is_dir()]
    for at in named[:1] or [folder]:
        if at.is_dir():
            named = [path for path in sorted(at.iterdir()) if path.name.endswith((*_PROJECTS, *_SOLUTIONS))]
    found: list[Path] = []
    for path in named:
        if path.suffix in _SOLUTIONS and path.is_file():
            listed = _IN_SOLUTION.findall(path.read_text("utf-8", "replace"))
            found += [path.parent / name.replace("\\", "/") for name in listed]
        else:
            found.append(path)
    return [path for path in found if path.is_file()]


def _targets(project: Path, folder: Path) -> list[str]:
    """What a project says it is for, else the `Directory.Build.props` above it."""
    for file in (project, *(above / "Directory.Build.props" for above in (project.parent, folder))):
        said = _TARGET.search(file.read_text("utf-8", "replace")) if file.is_file() else None
        if said is not None:
            return [target for target in said[1].split(";") if target.strip()]
    return []


def mistakes(lines: Iterable[str]) -> list[SourceMistake]:
    """What a build refuses in source files, each once: MSBuild says it when it is found, and again at the end."""
    found = [item for line in lines if (item := _MISTAKE.fullmatch(line)) is not None]
    named = [(posixpath.join(posixpath.dirname(item["project"] or ""), item["file"].strip()), item) for item in found]
    told = (SourceMistake(path, int(item["line"]), int(item["column"]), item["what"]) for path, item in named)
    return [item for item in dict.fromkeys(told) if item.file.startswith("/")]


def settings(own: Mapping[str, str]) -> dict[str, str]:
    """The variables of a command's process; `own`: what a package manager's process gets."""
    return {**own, **_QUIET}


def process_environment(found: Base, memory_mb: int | None) -> dict[str, str]:
    """What the process of a container gets besides what its image says."""
    root = _installed(found.interpreter).root if Path(found.interpreter).exists() else ""
    told = {"DOTNET_ROOT": root} if root else {}
    told["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1"
    if memory_mb is not None:
        # A container's runtime reads its limit from the control group, which a plain process has not.
        heap = f"{int(memory_mb * 1024 * 1024 * _HEAP):x}"
        told |= {"DOTNET_GCHeapHardLimit": heap, "COMPlus_GCHeapHardLimit": heap}
    return told


def listening(variables: Mapping[str, str], ports: Mapping[int, int]) -> dict[str, str]:
    """Those of the variables that tell ASP.NET Core where to listen, changed to the process's own ports.

    `ports`: the container's port -> the process's.
    """

    def own(found: re.Match[str]) -> str:
        return str(ports.get(int(found[0]), found[0]))

    changed = {}
    for name in _LISTENING:
        if name in variables:
            number = r"(?<=:)\d+(?=[/;]|$)" if name.endswith("URLS") else r"\d+"
            changed[name] = re.sub(number, own, variables[name])
    return changed


def machine() -> tuple[str, str] | None:
    """`dotnet` of this machine and the version of its newest SDK, empty without one; None where there is no .NET."""
    program = _dotnet()
    if program is None:
        return None
    try:
        sdks = _installed(program).sdks
    except OSError:  # it is no program
        return program, ""
    return program, sdks[max(sdks)] if sdks else ""


def newer_sdk(dockerfile: str, here: str) -> str | None:
    """The newest SDK that a Dockerfile builds with where it is newer than the one here: `8.0`."""
    asked = [_version(found["tag"] or "") for found in _IMAGE.finditer(dockerfile) if found["kind"] == "sdk"]
    newest, own = max((item for item in asked if item is not None), default=None), _version(here)
    return _shown(newest) if newest is not None and own is not None and newest > own else None


def is_built_by_dotnet(dockerfile: str) -> bool:
    """Whether a Dockerfile needs .NET, for building or for running."""
    return _IMAGE.search(dockerfile) is not None


def _dotnet() -> str | None:
    root = os.environ.get("DOTNET_ROOT")
    found = shutil.which("dotnet")
    if found is None and root:
        found = shutil.which("dotnet", path=root)
    return found


@cache
def _installed(program: str) -> _Installed:
    def listed(option: str) -> list[str]:
        shown = subprocess.run([program, option], capture_output=True, text=True, check=False)
        return shown.stdout.splitlines()

    sdks: dict[Version, str] = {}
    aspnet: dict[Version, str] = {}
    runtimes: dict[Version, str] = {}
    root = ""
    for line in listed("--list-sdks"):
        version = line.split(" ")[0]
        sdks[_version(version) or (0, 0)] = version
    for line in listed("--list-runtimes"):
        name, version, place = [*line.split(" ", 2), "", ""][:3]
        kept = {"Microsoft.AspNetCore.App": aspnet, "Microsoft.NETCore.App": runtimes}.get(name, {})
        kept[_version(version) or (0, 0)] = version
        root = str(Path(place.strip("[] ")).parents[1]) if place else root
    return _Installed(sdks, aspnet, runtimes, root)


def _version(text: str) -> Version | None:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found is not None else None


def _shown(version: Version) -> str:
    return ".".join(map(str, version))
