"""Objects in a folder of this machine.

Input: a folder. Output: a `Store`. Every change holds flock(2) on a file beside the object and writes by rename, so
that readers see whole files and a killed process leaves no lock. Refuses a folder nobody can use (OSError, which the
command line explains). A folder shared between machines (NFS) is not promised to work: flock is local there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from klotho.stores.store import Kept

_LOCK = ".lock"
_ENDING = ".json"


class FolderStore:
    """Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> Kept | None:
        try:
            body = self._path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Kept(body, _etag(body))

    def create(self, name: str, body: bytes) -> str | None:
        with self._locked(name):
            if self.read(name) is not None:
                return None
            return self._write(name, body)

    def replace(self, name: str, body: bytes, etag: str) -> str | None:
        with self._locked(name):
            held = self.read(name)
            if held is None or held.etag != etag:
                return None
            return self._write(name, body)

    def delete(self, name: str, etag: str) -> bool:
        with self._locked(name):
            held = self.read(name)
            if held is None or held.etag != etag:
                return False
            self._path(name).unlink()
        return True

    def list(self, prefix: str) -> dict[str, str]:
        root = self._folder / prefix if prefix else self._folder
        names = (str(path.relative_to(self._folder))[: -len(_ENDING)] for path in root.rglob(f"*{_ENDING}"))
        kept = ((name, self.read(name)) for name in sorted(names))
        return {name: held.etag for name, held in kept if held is not None}

    def address(self, name: str) -> str:
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_ENDING}"

    def _write(self, name: str, body: bytes) -> str:
        """Within the lock, so that the draft's name is nobody else's."""
        path = self._path(name)
        draft = path.with_suffix(".new")
        draft.write_bytes(body)
        draft.replace(path)
        return _etag(body)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = self._path(name).parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
