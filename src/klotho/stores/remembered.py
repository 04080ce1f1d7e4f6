"""Bodies of objects that were read before, so that what did not change is not fetched again.

Input: an object's name and ETag. Output: its bytes, if this machine has seen this very state of it. One file an object,
in a folder of caches: losing it, or finding rubbish in it, costs a fetch. Refuses nothing.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path


class Remembered:
    """Of the objects of one store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str, etag: str) -> bytes | None:
        try:
            head, _, body = self._file(name).read_bytes().partition(b"\n")
        except OSError:
            return None
        return body if head == _head(etag, body) else None

    def put(self, name: str, etag: str, body: bytes) -> None:
        """Whoever reads at the same time sees the old file or the new one."""
        file = self._file(name)
        unfinished = file.with_name(f"{file.name}.{os.getpid()}-{os.urandom(4).hex()}")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.write_bytes(_head(etag, body) + b"\n" + body)
            unfinished.replace(file)

    def _file(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:40]


def _head(etag: str, body: bytes) -> bytes:
    return hashlib.sha256(etag.encode() + b"\0" + body).hexdigest().encode()
