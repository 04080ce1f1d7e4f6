"""Reads a requirements.txt with everything it includes.

Input: the file, the function's root, the repository's folder. Output: all files by path relative to the first one's
folder, and the folders of local packages (`./libs/money`, `-e ./libs/money`) that they name. Refuses (`Failure`, at its
line) an include that is not there or lies outside of the folder, and local packages that can't be built.
"""

from __future__ import annotations

import re
from pathlib import Path

from klotho.deploy.functions.local_packages import checked_local
from klotho.diagnostics import Failure, Span

_LOCAL = re.compile(
    r"^\s*(?:(?:-e|--editable)[\s=]+)?(?:[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*)?(?P<path>(?:file:(?://)?)?\.{0,2}/[^\s;#]*|\.{1,2}(?=\s|$))"
)
_EDITABLE = re.compile(r"^\s*(-e|--editable)\b")
_INCLUDE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(?P<file>\S+)")


def read_requirements(
    file: Path, root: Path, repository: Path
) -> tuple[tuple[tuple[str, bytes], ...], tuple[Path, ...]]:
    """The files, the first one first, and the local packages."""
    base = file.parent.resolve()
    pending, seen = [file.resolve()], set()
    files: list[tuple[str, bytes]] = []
    local: list[Path] = []
    while pending:
        current = pending.pop(0)
        if current in seen:
            continue
        seen.add(current)
        shown = current.relative_to(root).as_posix() if current.is_relative_to(root) else current.name
        if not current.is_relative_to(base) or not current.is_file():
            raise Failure("dependencies-unreadable", f"`{shown}` is no file in the folder of requirements.txt")
        content = current.read_bytes()
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            folder = local_folder(line)
            if folder is not None:
                local.append(checked_local(current.parent / folder, repository, Span(shown, number), line.strip()))
            include = _INCLUDE.match(line)
            if include:
                pending.append((current.parent / include["file"]).resolve())
        files.append((current.relative_to(base).as_posix(), content))
    return tuple(files), tuple(dict.fromkeys(local))


def local_folder(line: str) -> str | None:
    """The path a line names; None for a package of an index."""
    line = line.split(" #")[0]
    found = _LOCAL.match(line)
    if found is not None:
        return found["path"].removeprefix("file:").removeprefix("//").partition("[")[0]
    editable = _EDITABLE.match(line)
    if editable is not None and "://" not in line:
        return line[editable.end() :].strip(" =\t")
    return None


def without_local(content: bytes) -> bytes:
    """The file's text without the lines that name local packages."""
    lines = content.decode("utf-8", "replace").splitlines()
    return "\n".join("" if local_folder(line) is not None else line for line in lines).encode() + b"\n"
