"""What earlier compiles read in files: one book a code base, so that a file that has not changed need not be parsed.

Input: a folder for all books and the code base's. A file is known again by the digest of its content; the book by the
digest of the code that reads and the versions of the grammars, so that no other Klotho believes it. Books are JSON
below a digest of their own: one that is damaged, or can't be read or written, is none. A book holds what the last
compile asked for and nothing else; the folder holds at most `MOST_BOOKS` of at most `LARGEST_BOOK` bytes, the latest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

MOST_BOOKS = 40
LARGEST_BOOK = 16_000_000
"""Bytes; a code base of more is read anew each time."""
_GRAMMARS = tuple(f"tree-sitter{name}" for name in ("", "-c-sharp", "-go", "-javascript", "-python", "-typescript"))


@dataclass
class Page:
    """What was read in one file, as JSON has it."""

    digest: str
    syntax: list[Any] | None = None
    """The first thing that is no code: what it is, where it starts and ends; empty where there is none."""
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the language read, by what its reading depends on besides the content."""


class Memory:
    """`folder`: of all books; None remembers nothing beyond this compile."""

    def __init__(self, folder: Path | None, root: Path) -> None:
        name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:32]
        self._book = folder / f"{name}.json" if folder is not None else None
        self._earlier = self._read()
        self._pages: dict[str, Page] = {}
        self._is_new = False

    def page(self, path: str, content: bytes) -> Page:
        """Of a file: what is known of it, to be added to."""
        if path not in self._pages:
            digest = hashlib.sha256(content).hexdigest()
            known, syntax, said = self._earlier.get(path, ("", None, {}))
            self._pages[path] = Page(digest, syntax, said) if known == digest else Page(digest)
        return self._pages[path]

    def added(self) -> None:
        """Something was added to a page."""
        self._is_new = True

    def keep(self) -> None:
        """Write the book for the next compile, where it changed."""
        if self._book is None or not (self._is_new or self._earlier.keys() - self._pages.keys()):
            return
        import orjson

        pages = {path: (page.digest, page.syntax, page.said) for path, page in sorted(self._pages.items())}
        body = orjson.dumps({"reader": _reader(), "pages": pages})
        if len(body) <= LARGEST_BOOK:
            with contextlib.suppress(OSError):
                self._write(self._book, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def _write(self, book: Path, content: bytes) -> None:
        book.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=book.parent, prefix=".writing-")
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            written.replace(book)
        finally:
            written.unlink(missing_ok=True)
        books = sorted(book.parent.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in books[MOST_BOOKS:]:
            old.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        if self._book is None:
            return {}
        import orjson

        try:
            digest, _, body = self._book.read_bytes().partition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() != digest:
                return {}
            book = orjson.loads(body)
            return dict(book["pages"]) if book["reader"] == _reader() else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


@cache
def _reader() -> str:
    """What decides how a file is read: this front-end's own code and the grammars."""
    from importlib.metadata import version

    found = hashlib.sha256()
    for path in _code():
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{found.hexdigest()} {' '.join(version(name) for name in _GRAMMARS)}"


def _code() -> Iterator[Path]:
    here = Path(__file__).parent
    yield from sorted(path for path in here.rglob("*.py") if "shims" not in path.parts)
