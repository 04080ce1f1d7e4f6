"""What `.dockerignore` leaves out of a build context.

Input: the file's text. Output: whether a relative path is left out. Patterns are Docker's: `*`, `?`, `[…]` within a
path component, `**` across them, `!` to take something back; the last match decides, and a folder covers what is below.
Refuses nothing: Docker, too, takes any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


class Ignore:
    """The rules of one `.dockerignore`."""

    def __init__(self, text: str = "") -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for raw in text.splitlines():
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            back = line.startswith("!")
            pattern = str(PurePosixPath("/" + line.removeprefix("!").strip())).strip("/")
            if pattern:
                self._rules.append((not back, re.compile(_regex(pattern) + r"(?:/.*)?")))
        self._may_take_back = any(not left_out for left_out, _ in self._rules)

    @classmethod
    def of(cls, context: Path, dockerfile: Path) -> Ignore:
        """`<Dockerfile>.dockerignore` beside the Dockerfile if there is one, else the context's `.dockerignore`."""
        for path in (dockerfile.with_name(dockerfile.name + ".dockerignore"), context / ".dockerignore"):
            if path.is_file():
                return cls(path.read_text(encoding="utf-8", errors="replace"))
        return cls()

    def covers(self, path: str) -> bool:
        """Whether this path (relative, with `/`) is left out."""
        left_out = False
        for verdict, pattern in self._rules:
            if verdict != left_out and pattern.fullmatch(path):
                left_out = verdict
        return left_out

    def files(self, context: Path) -> Iterator[tuple[str, Path]]:
        """Every file, link and folder of the context that is not left out, sorted, with its relative path."""
        yield from self._below(context, "")

    def _below(self, folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
        for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
            relative = prefix + path.name
            left_out = self.covers(relative)
            if path.is_dir() and not path.is_symlink():
                # Something below may be taken back, so that the folder must be looked into all the same.
                if left_out and not self._may_take_back:
                    continue
                if not left_out:
                    yield relative, path
                yield from self._below(path, relative + "/")
            elif not left_out:
                yield relative, path


def glob_regex(pattern: str) -> re.Pattern[str]:
    """A pattern of COPY or ADD as a regular expression over relative paths."""
    return re.compile(_regex(pattern))


def _regex(pattern: str) -> str:
    out, i = "", 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**/", i):
            out, i = out + "(?:.*/)?", i + 3
        elif pattern.startswith("**", i):
            out, i = out + ".*", i + 2
        elif char == "*":
            out, i = out + "[^/]*", i + 1
        elif char == "?":
            out, i = out + "[^/]", i + 1
        elif char == "[" and (end := pattern.find("]", i + 2)) != -1:
            negated = pattern[i + 1] in "^!"
            inner = pattern[i + 1 + negated : end].replace("\\", "\\\\").replace("[", "\\[").replace("&&", "&\\&")
            try:
                re.compile(f"[{inner}]")
            except re.error:  # a range the wrong way round matches nothing, as in Go
                inner, negated = r"^\s\S", False
            out, i = out + f"[{'^' if negated else ''}{inner}]", end + 1
        elif char == "\\" and i + 1 < len(pattern):
            out, i = out + re.escape(pattern[i + 1]), i + 2
        else:
            out, i = out + re.escape(char), i + 1
    return out
