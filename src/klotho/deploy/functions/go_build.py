"""Builds a Go program for a target with the `go` of this machine, and says what the compiler said.

Input: a program's folder, its modules, the digest of all it is made of. Output: the binary, kept in the cache. The
user's settings (GOFLAGS, GOPROXY, GOMODCACHE, …) hold. Refuses (`Failure`) a machine without Go (`installer-missing`)
and what does not compile (`go-does-not-compile`, with every line the compiler named). No shell runs. Sources: `go help
build`, `go help environment`; AWS Lambda Developer Guide, "Deploy Go Lambda functions with .zip file archives" (a
static binary named `bootstrap`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from klotho.deploy.functions.go_module import MOD, GoModules
from klotho.deploy.functions.run import Log, last_lines, on_path, output_of
from klotho.deploy.target import Target
from klotho.diagnostics import Failure, Label, Span

BINARY = "bootstrap"
"""What Lambda's runtimes for programs start."""
_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")
_ROOT = "GOROOT"
_DECIDES = ("GOVERSION", "GOFLAGS", "GOEXPERIMENT", "GOAMD64", "GOARM64", "GOTOOLCHAIN")
_ERROR = re.compile(
    r"^(?:go: )?(?P<file>(?:[^\s:][^:\n]*/)?(?:[^/:\n]+\.(?:go|s)|go\.mod|go\.work|go\.sum))"
    r":(?P<line>\d+)(?::(?P<column>\d+))?: (?P<message>.+(?:\n\t.+)*)$",
    re.MULTILINE,
)
_TO_DO = re.compile(r"(?P<what>.*?);? to (?:add|update) (?:it|them):\n\t(?P<command>go [^\n]+)", re.DOTALL)
_AT_ONCE = 500
"""Files on one command line."""
_KEPT_S = 3600.0
"""Earlier binaries of a program go after that; nothing still reads them."""


class GoProgram(NamedTuple):
    """What is to be compiled."""

    root: Path
    """What a failure's lines are told from."""
    folder: Path
    """That of its `package main`."""
    modules: GoModules
    target: Target
    inputs: str
    """Digest of all that decides about the binary."""


class _Said(NamedTuple):
    """A line of the compiler's."""

    at: Span
    message: str
    command: str | None
    """What it says to run."""


class GoPrograms:
    """Binaries of one cache."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "go"
        self._compiled = cache / "go-build"
        self._toolchain: str | None = None
        self._root = ""
        """The folder of the toolchain; known with it."""
        self._guard = threading.Lock()
        self._parsed: set[tuple[Path, int, int]] = set()

    def toolchain(self, wanted_by: str) -> str:
        """What of this machine decides about a binary: Go's version and the user's settings. `wanted_by`: the file of
        a program, for who has no Go."""
        with self._guard:
            if self._toolchain is None:
                # Outside of any module: one that wants another version names it, and its go.mod decides, too.
                command = [_go(wanted_by), "env", "-json", _ROOT, *_DECIDES]
                done = output_of(command, Path(os.sep), {**os.environ, "GOWORK": "off"})
                if done.returncode:
                    raise Failure("go-does-not-compile", "`go env` does not work here", notes=last_lines(done))
                said = json.loads(done.stdout)
                self._root = str(said.pop(_ROOT, ""))
                self._toolchain = json.dumps(said, sort_keys=True)
            return self._toolchain

    def built(self, program: GoProgram, log: Log) -> Path:
        """The binary; compiled unless one of these inputs is there."""
        name = re.sub(r"\W+", "-", os.path.relpath(program.folder, program.modules.folder)).strip("-")
        folder = self._folder / (name or "main")
        final = folder / program.inputs / BINARY
        with contextlib.suppress(FileNotFoundError):
            os.utime(final.parent)  # it is in use: `_forget_earlier` spares it
        if not final.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as work:
                made = Path(work) / program.inputs
                made.mkdir()
                self._build(program, made / BINARY, log)
                _forget_earlier(folder, made.stat().st_mtime)
                with contextlib.suppress(OSError):  # another one may have been faster; both hold the same
                    made.rename(final.parent)
        return final

    def check(self, program: GoProgram, files: Iterable[Path]) -> None:
        """Failure for files that do not parse, which takes no build: told before anything is deployed. Where there is
        no gofmt, and of files with build constraints, which may be no Go for anybody, the compiler tells it."""
        beside = shutil.which("gofmt", path=str(Path(self._root) / "bin")) if self._root else None
        formatter = beside or shutil.which("gofmt")  # `go` alone may be on PATH, by a link
        if formatter is None:
            return
        try:
            fresh = {file: _stamp(file) for file in files if file.suffix == ".go"}
            fresh = {file: stamp for file, stamp in fresh.items() if stamp not in self._parsed}
            named = sorted(str(file) for file in fresh if b"//go:build" not in file.read_bytes())
        except OSError:  # gone meanwhile
            return
        for first in range(0, len(named), _AT_ONCE):
            done = output_of([formatter, "-l", "-e", *named[first : first + _AT_ONCE]], program.modules.folder)
            if done.returncode:
                raise _failure(program, done.stderr, last_lines(done))
        self._parsed |= set(fresh.values())

    def forget(self, binary: Path) -> None:
        """It is not what its inputs give."""
        shutil.rmtree(binary.parent, ignore_errors=True)

    def _build(self, program: GoProgram, out: Path, log: Log) -> None:
        ran_in, (system, processor) = program.modules.folder, program.target.go
        package = "." if program.folder == ran_in else f"./{program.folder.relative_to(ran_in).as_posix()}"
        log(f"compiling {package} for {system}/{processor}")
        environment = {"GOCACHE": str(self._compiled), **_filled(os.environ)}
        environment |= {"CGO_ENABLED": "0", "GOOS": system, "GOARCH": processor}
        environment["GOWORK"] = str(program.modules.workspace or "off")
        done = output_of([_go(), "build", *_FLAGS, "-o", str(out), package], ran_in, environment)
        if done.returncode:
            raise _failure(program, done.stderr or done.stdout, last_lines(done))


def _stamp(file: Path) -> tuple[Path, int, int]:
    status = file.stat()
    return file, status.st_mtime_ns, status.st_size


def _go(wanted_by: str | None = None) -> str:
    """`wanted_by`: the file of a program."""
    return on_path(
        "go",
        f"{f'`{wanted_by}`' if wanted_by else 'this function'} is a Go program, which is compiled on this machine",
        helps="install Go (https://go.dev/dl) and see that `go` is on PATH",
        at=Span(wanted_by, 1) if wanted_by else None,
    )


def _filled(environment: Mapping[str, str]) -> dict[str, str]:
    """An empty GOCACHE counts as none, as it does for `go`."""
    return {name: value for name, value in environment.items() if name != "GOCACHE" or value}


def _forget_earlier(folder: Path, now: float) -> None:
    """Binaries of what the program was some time ago: each saved line makes one."""
    for earlier in folder.iterdir():
        with contextlib.suppress(OSError):
            if now - earlier.stat().st_mtime > _KEPT_S:
                shutil.rmtree(earlier, ignore_errors=True)


def _failure(program: GoProgram, said: str, last: tuple[str, ...]) -> Failure:
    """With every line the compiler named."""
    root, ran_in = program.root, program.modules.folder
    found = list(_said(root, ran_in, said))
    cgo = "packages that need cgo can't be used: the program is built without a C compiler (CGO_ENABLED=0)"
    helps = [cgo] if "build constraints exclude all Go files" in said else []
    otherwise = "correct it: `go build` says the same, and what is deployed goes on serving"
    if not found:
        command = _TO_DO.search(said)
        helps += [f"run `{command['command']}` in the folder of go.mod"] if command else []
        shown = os.path.relpath(program.folder, root).replace(os.sep, "/")
        at = Span(os.path.relpath(ran_in / MOD, root).replace(os.sep, "/"), 1)
        return Failure(
            "go-does-not-compile",
            f"the program in `{shown}` can't be compiled",
            at=at,
            notes=last,
            helps=helps or [otherwise],
        )
    first = found[0]
    helps += [f"run `{item.command}` in the folder of go.mod" for item in found if item.command is not None]
    lines = first.message.splitlines()
    failure = Failure(
        "go-does-not-compile",
        f"`{first.at.file}` does not compile: {lines[0]}",
        at=first.at,
        notes=[line.strip() for line in lines[1:]],
        helps=list(dict.fromkeys(helps)) or [otherwise],
    )
    others = tuple(Label(item.at, " ".join(item.message.split())) for item in found[1:])
    failure.diagnostic = replace(failure.diagnostic, labels=(*failure.diagnostic.labels, *others))
    return failure


def _said(root: Path, ran_in: Path, said: str) -> Iterator[_Said]:
    for error in _ERROR.finditer(said):
        path = ran_in / error["file"]
        shown = os.path.relpath(path, root).replace(os.sep, "/")
        line = int(error["line"])
        todo = _TO_DO.fullmatch(error["message"])
        message, command = (todo["what"], todo["command"]) if todo else (error["message"], None)
        yield _Said(Span(shown, line, _column(path, line, error["column"])), message, command)


def _column(path: Path, line: int, byte: str | None) -> int:
    """Go counts bytes, and diagnostics characters."""
    if byte is None:
        return 1
    try:
        content = path.read_bytes().splitlines()[line - 1]
    except (OSError, IndexError):
        return int(byte)
    return len(content[: int(byte) - 1].decode(errors="replace")) + 1
