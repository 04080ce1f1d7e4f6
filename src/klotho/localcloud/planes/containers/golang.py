"""Go images: stages FROM golang:* build with the Go of this machine.

Input: a FROM image; the words of a `go` command in a RUN line. Output: a `Base`, the words and variables to run it with
here. Refuses, as `ImageError`: Go that is not installed, commands that change this machine or run other programs.

Programs are built for this machine whatever GOOS=linux and GOARCH say, since they run on it; modules and compiled
packages are in the caches of your own Go. Sources: github.com/docker-library/golang (what the image sets), `go help
build`, `go help environment`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from klotho.localcloud.planes.containers.dockerfile import Instruction
from klotho.localcloud.planes.containers.toolchain import OFFICIAL, Base

_IMAGE = re.compile(rf"{OFFICIAL}golang(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]+)?")
_FLAG = re.compile(r"--?[A-Za-z]\w*")
_WORKDIR = "/go"
_CARRIED = frozenset({"build", "install", "mod", "get", "list", "test", "vet", "version", "env", "work"})
_PASSED_OVER = frozenset({"clean"})
"""They would clear the caches of this machine's user."""
_OF_THIS_MACHINE = frozenset(
    [
        "GOARCH",
        "GOARM",
        "GOAMD64",
        "GOARM64",
        "GOBIN",
        "GOCACHE",
        "GOENV",
        "GOMODCACHE",
        "GOPATH",
        "GOROOT",
        "GOTMPDIR",
        "GOTOOLCHAIN",
    ]
)
"""Variables that mean another thing in the image than here, or a folder of the image."""


def base(image: str, instruction: Instruction) -> Base | None:
    """The stand-in for an image of Go; None for another one."""
    found = _IMAGE.fullmatch(image)
    if found is None:
        return None
    program = _go()
    if program is None:
        raise instruction.error("there is no Go on this machine", "install Go (go.dev/dl), then try again")
    tag, here = found["tag"] or "", _version(program)
    wanted = re.match(r"\d+\.\d+", tag)
    note = None
    if wanted is not None and wanted[0] != _short(here):
        note = f"the image has Go {wanted[0]}, this machine builds with {here}"
    # The small images have no C compiler: what they build is static, as Go does it without one.
    environment = {"CGO_ENABLED": "0"} if "alpine" in tag else {}
    return Base("go", program, here, note, image, environment, _WORKDIR, library="musl" if "alpine" in tag else "glibc")


def check(instruction: Instruction, words: list[str]) -> None:
    """`ImageError` for a `go` command that is not carried. `words`: from `go` on."""
    verb = _verb(words)
    if verb == "env" and {"-w", "-u"} & set(words):
        raise instruction.error("`go env -w` changes the settings of this machine's user", "use ENV")
    if verb not in _CARRIED | _PASSED_OVER:
        raise instruction.error(
            f"`go {verb}` is not carried", f"go carries {', '.join(sorted(_CARRIED))}: COPY what the line would make"
        )


def folder_of(words: list[str], folder: Path, place: Callable[[str], Path]) -> tuple[list[str], Path]:
    """The words without `-C FOLDER`, and the folder that the command then works in."""
    for index, word in enumerate(words):
        if word == "-C" and index + 1 < len(words):
            return [*words[:index], *words[index + 2 :]], place(words[index + 1])
        if word.startswith("-C="):
            return [*words[:index], *words[index + 1 :]], place(word[3:])
    return words, folder


def arguments(program: str, words: list[str], place: Callable[[str], Path]) -> list[str] | None:
    """What to run for `words` (from `go` on), paths of the image being paths here; None for nothing.

    `place`: the path here of one of the image, from the command's folder on.
    """
    if _verb(words) in _PASSED_OVER:
        return None
    return [program, *_placed(words[1:], place)]


def settings(
    image: Mapping[str, str], root: Path, folder: Path, own: Mapping[str, str], said: Callable[[str], None]
) -> dict[str, str]:
    """The variables of the command's process.

    `image`: what ENV, ARG and the line set; `own`: what a package manager's process gets; `said` is told what differs.
    """
    found = {name: value for name, value in own.items() if name not in _OF_THIS_MACHINE}
    found |= {name: value for name, value in os.environ.items() if name.startswith("GO") and name not in image}
    found |= {name: os.environ[name] for name in _OF_THIS_MACHINE & os.environ.keys()}
    system = image.get("GOOS", "linux")
    if system in ("", "linux"):
        found.pop("GOOS", None)
        for name in ("GOARCH", "GOARM", "GOAMD64", "GOARM64"):
            found.pop(name, None)
    else:  # for somewhere else: a program to download, WebAssembly for a browser
        found["GOOS"] = system
        found |= {"GOARCH": image["GOARCH"]} if image.get("GOARCH") else {}
        said(f"go builds for {system}: what it makes does not run here")
    found["GOBIN"] = str(root / "go" / "bin")
    # What lies above the image's folder on this machine is not in the image.
    found["GOWORK"] = image.get("GOWORK", "" if _above(folder, root, "go.work") else "off")
    flags = image.get("GOFLAGS", found.get("GOFLAGS", ""))
    found["GOFLAGS"] = flags if _above(folder, root, ".git") else f"{flags} -buildvcs=false".strip()
    return found


def _verb(words: list[str]) -> str:
    return next((word for word in words[1:] if not word.startswith("-")), "version")


def _placed(words: list[str], place: Callable[[str], Path]) -> Iterator[str]:
    before = ""
    for word in words:
        flag, equals, value = word.partition("=")
        if flag.lstrip("-") == "o" and equals:
            yield f"{flag}={_output(value, place)}"
        elif before.lstrip("-") == "o" and before.startswith("-"):
            yield _output(word, place)
        elif word.startswith("/"):
            yield str(place(word))
        elif equals and _FLAG.fullmatch(flag) and value.startswith("/"):
            yield f"{flag}={place(value)}"
        else:
            yield word
        before = word


def _output(value: str, place: Callable[[str], Path]) -> str:
    """A file, or a folder if it says so by a slash; Go makes the folders of neither in every version."""
    path = place(value)
    (path if value.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
    return f"{path}/" if value.endswith("/") else str(path)


def _above(folder: Path, root: Path, name: str) -> bool:
    """Whether the image has such a file beside the command's folder or above it."""
    return any((at / name).exists() for at in (folder, *folder.parents) if at.is_relative_to(root))


def _go() -> str | None:
    """The program: on the PATH, else one installed into Klotho's environment."""
    beside = Path(sys.executable).with_name("go")
    return shutil.which("go") or (str(beside) if beside.exists() else None)


@cache
def _version(program: str) -> str:
    """`1.27.3`."""
    shown = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    return shown.stdout.strip().removeprefix("go")


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])
