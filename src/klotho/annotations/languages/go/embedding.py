"""Files that a program of Go takes in when it is built: `//go:embed templates/*.html`.

Source: pkg.go.dev/embed (patterns are of path.Match, relative to the file's folder; a folder is all that is in it but
names that begin with `.` or `_`, with `all:` those, too).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from klotho.annotations.languages.go.modules import GoFile
from klotho.annotations.languages.go.packages import folder_of
from klotho.annotations.reading import CodeBase

_DIRECTIVE = re.compile(rb"^//go:embed[ \t]+(.+?)\r?$", re.MULTILINE)
_PATTERN = re.compile(r'"([^"]*)"|`([^`]*)`|(\S+)')


def embedded(code: CodeBase, files: Iterable[GoFile]) -> Iterator[str]:
    """The files that the directives of a package name, once each."""
    found: dict[str, None] = {}
    for file in files:
        for line in _DIRECTIVE.findall(file.source.text.content):
            for parts in _PATTERN.findall(line.decode("utf-8", "replace")):
                pattern = next((part for part in parts if part), "")
                found |= dict.fromkeys(_matching(code.root, folder_of(file.path), pattern))
    yield from found


def _matching(root: Path, folder: str, pattern: str) -> Iterator[str]:
    hidden, plain = pattern.startswith("all:"), pattern.removeprefix("all:")
    if not plain or plain.startswith("/") or ".." in PurePosixPath(plain).parts:
        return
    home = root / folder
    try:
        matches = sorted(home.glob(plain))
    except (ValueError, NotImplementedError, OSError):
        return  # Go refuses it, too
    for match in matches:
        inside = sorted(match.rglob("*")) if match.is_dir() else [match]
        for path in inside:
            below = path.relative_to(match).parts
            if path.is_file() and not path.is_symlink() and (hidden or not any(part[0] in "._" for part in below)):
                yield path.relative_to(root).as_posix()
