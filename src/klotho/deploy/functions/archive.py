"""A zip with the same bytes for the same content: sorted entries, one fixed time, only two file modes.

Input: zip paths with bytes or with files to read, and what was packed before. Output: the zip's bytes written to a
file. Refuses nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold."""

_BLOCK = 1024 * 1024

Content = bytes | Path


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a zip."""

    entries: Mapping[str, Content]
    """All of it, by zip path."""
    packed: Callable[[], Path] | None = None
    """Makes, or finds, a zip of some of it by `write_archive`: its compressed bytes come first, as they are. To
    compress 100 MB of packages takes seconds, and a changed line of the user's code changes none of them."""
    layered: Mapping[str, Content] = field(default_factory=dict)
    """What of it may be in a layer instead, by path in the layer's zip."""
    alone: Mapping[str, Content] = field(default_factory=dict)
    """All the rest: the zip beside that layer."""


def write_contents(out: BinaryIO, contents: Contents) -> None:
    """Write a zip to a seekable file that can be read, too."""
    if contents.packed is None:
        write_archive(out, contents.entries)
        return
    path = contents.packed()
    with path.open("rb") as packed:
        shutil.copyfileobj(packed, out, _BLOCK)
    with zipfile.ZipFile(path) as archive:
        known = set(archive.namelist())
    write_archive(out, {name: item for name, item in contents.entries.items() if name not in known}, mode="a")


def write_archive(out: BinaryIO, entries: Mapping[str, Content], mode: Literal["w", "a"] = "w") -> None:
    """Write `entries` (zip path to content) to a seekable file, or after those of the zip in it."""
    with zipfile.ZipFile(out, mode, zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(entries):
            content = entries[name]
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix, on every machine: it decides how the mode below is read.
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100755 if _runs(content) else 0o100644) << 16
            archive.writestr(info, content if isinstance(content, bytes) else content.read_bytes())


def digest_of(entries: Mapping[str, Content]) -> str:
    """SHA-256 over names, modes and contents: equal digests mean equal archives."""
    digest = hashlib.sha256()
    for name in sorted(entries):
        content = entries[name]
        data = content if isinstance(content, bytes) else content.read_bytes()
        digest.update(f"{len(name)}:{name}:{int(_runs(content))}:{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def _runs(content: Content) -> bool:
    return isinstance(content, Path) and os.access(content, os.X_OK)
