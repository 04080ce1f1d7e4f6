"""Which code a supervisor runs: the installed version, and a fingerprint that changes when the code does.

Input: nothing but this package's own files. Output: texts to compare. Refuses nothing. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = ("localcloud", "catalogue/facts", "runtime")
"""What a supervisor has loaded or hands to the processes it starts."""
_SUFFIXES = (".py", ".mjs", ".toml", ".json")


def installed_version() -> str:
    """The version of this Klotho."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("klotho")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


def fingerprint() -> str:
    """The same as long as no file that a supervisor runs has changed; about 3 ms.

    Names, sizes and times of change: a source tree and a reinstalled package of the same version differ, too.
    """
    digest = hashlib.sha256(installed_version().encode())
    for folder in _FOLDERS:
        for path, size, changed in sorted(_files(str(_PACKAGE / folder))):
            digest.update(f"{path}\0{size}\0{changed}\n".encode())
    return digest.hexdigest()[:16]


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.name.endswith(_SUFFIXES):
                found = entry.stat()
                yield os.path.relpath(entry.path, _PACKAGE), found.st_size, found.st_mtime_ns
