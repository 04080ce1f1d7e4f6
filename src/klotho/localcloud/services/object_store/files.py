"""The files of the object store.

A content is written under a fresh name among the incoming ones; once the database names it, it is renamed to its
place. What the database no longer names is in its table `garbage`. So a kill -9 at any point leaves either the old
content or the new one, and the next start finishes the renames and removes what nobody names, without reading it all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

_COPY_BYTES = 4 * 1024 * 1024


class Files:
    """Under `<root>/incoming` and `<root>/content/<two letters>`."""

    def __init__(self, root: Path) -> None:
        self._incoming = root / "incoming"
        self._content = root / "content"

    def prepare(self) -> None:
        for folder in (self._incoming, self._content):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):
            (self._content / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)

    def write(self, content: bytes, flush: bool) -> str:
        """A new incoming file; `flush`: also safe from a power cut, which takes milliseconds."""
        place = uuid.uuid4().hex
        descriptor = os.open(self._incoming / place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            if flush:
                os.fsync(file.fileno())
        return place

    def join(self, places: Iterable[tuple[str, int, int]]) -> tuple[str, str]:
        """A new incoming file of pieces of settled ones (name, start, length), and the MD5 of all of it."""
        place, digest = uuid.uuid4().hex, hashlib.md5(usedforsecurity=False)
        descriptor = os.open(self._incoming / place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as target:
            for name, start, length in places:
                with self.path(name).open("rb") as source:
                    source.seek(start)
                    while length:
                        piece = source.read(min(length, _COPY_BYTES))
                        if not piece:
                            raise OSError(f"the content {name} is shorter than it should be")
                        digest.update(piece)
                        target.write(piece)
                        length -= len(piece)
        return place, digest.hexdigest()

    def settle(self, place: str) -> None:
        """It belongs to an object now; doing it twice does no harm."""
        source = self._incoming / place
        if source.exists():
            source.rename(self.path(place))

    def adopt(self, source: Path, place: str) -> None:
        """A file from elsewhere becomes an incoming one."""
        shutil.move(source, self._incoming / place)

    def incoming(self, place: str) -> Path:
        """Where it is until it belongs to an object."""
        return self._incoming / place

    def path(self, place: str) -> Path:
        return self._content / place[:2] / place

    def discard(self, place: str) -> None:
        """Remove an incoming file that no object names."""
        (self._incoming / place).unlink(missing_ok=True)

    def remove(self, place: str) -> None:
        self.path(place).unlink(missing_ok=True)

    def recover(self, named: Callable[[str], bool]) -> None:
        """After a kill -9: settle the incoming files that the database names, remove the others."""
        for file in self._incoming.iterdir():
            if named(file.name):
                self.settle(file.name)
            else:
                file.unlink(missing_ok=True)
