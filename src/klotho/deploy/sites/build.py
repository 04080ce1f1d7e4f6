"""Runs a site's build command, unless its input and its output are those of the last time.

Input: the command as words, the folder it runs in, the folder it writes. Output: the files it wrote. Refuses
(`Failure`) a program that is not there, one that fails (with its last lines) and one that does not end. No shell runs
it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from klotho.diagnostics import Failure

BUILD_SECONDS = 900.0
"""A build that takes longer hangs."""
_LAST_LINES = 30
_BLOCK = 1024 * 1024
_NO_INPUT = frozenset({"node_modules", "__pycache__", "compiled"})
"""Folders that say nothing new: what is in node_modules follows from the lock file."""
Log = Callable[[str], None]


class Builds:
    """The builds of this machine; what each was made from is kept in the cache folder."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def run(self, command: Sequence[str], root: Path, directory: Path, log: Log) -> bool:
        """Make the files; False when those of the last time are still right."""
        place = hashlib.sha256(json.dumps([str(root), str(directory)]).encode()).hexdigest()[:32]
        note = self._cache / f"{place}.json"
        made_from = _digest(root, directory, command)
        if directory.is_dir() and _remembered(note) == [made_from, _digest(directory, None, ())]:
            return False
        _run(command, root, log)
        # A build may change its own input (a lock file, say): remembered is what the next run will find.
        _remember(note, [_digest(root, directory, command), _digest(directory, None, ())])
        return True


def _run(command: Sequence[str], root: Path, log: Log) -> None:
    shown = shlex.join(command)
    program = shutil.which(command[0]) if "/" not in command[0] else str(root / command[0])
    if program is None or not os.access(program, os.X_OK):
        raise Failure(
            "site-not-built",
            f"`{command[0]}` of the build command `{shown}` is not on this machine",
            helps=("install it, or see that it is on PATH",),
        )
    log(f"running {shown}")
    try:
        done = subprocess.run(
            [program, *command[1:]], cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=BUILD_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Failure(
            "site-not-built",
            f"`{shown}` took longer than {BUILD_SECONDS:.0f} s and was stopped",
            notes=_last_lines(error.output),
            helps=("see that the command ends by itself: a development server does not",),
        ) from error
    except OSError as error:
        raise Failure("site-not-built", f"`{shown}` can't be started: {error.strerror or error}") from error
    if done.returncode:
        missing = (root / "package.json").is_file() and not (root / "node_modules").is_dir()
        raise Failure(
            "site-not-built",
            f"`{shown}` ended with exit code {done.returncode}",
            notes=_last_lines(done.stdout),
            helps=("run `npm install` in its folder first",) if missing else (f"run `{shown}` in its folder",),
        )


def _last_lines(output: bytes | None) -> tuple[str, ...]:
    lines = [line.rstrip() for line in (output or b"").decode("utf-8", "replace").splitlines() if line.strip()]
    return tuple(lines[-_LAST_LINES:])


def _digest(folder: Path, without: Path | None, command: Sequence[str]) -> str:
    """Of the names and contents below a folder."""
    digest = hashlib.sha256(json.dumps(list(command)).encode())
    for path in _inputs(folder, without):
        content = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                content.update(block)
        digest.update(
            f"{path.relative_to(folder).as_posix()}\0{content.hexdigest()}\0".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()


def _inputs(folder: Path, without: Path | None) -> Iterator[Path]:
    pending = [folder]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_dir() and not path.is_symlink():
                if path != without and path.name not in _NO_INPUT and not path.name.startswith("."):
                    pending.append(path)
            elif path.is_file():
                yield path


def _remembered(note: Path) -> object:
    try:
        return json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None


def _remember(note: Path, value: object) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    draft = note.with_name(f"{note.name}.{os.getpid()}")
    draft.write_text(json.dumps(value))
    draft.replace(note)
