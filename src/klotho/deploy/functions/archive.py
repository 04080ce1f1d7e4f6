"""A zip with the same bytes for the same content: sorted entries, one fixed time, only two file modes.

Input: zip paths with bytes or with files to read. Output: the zip's bytes written to a file. Refuses nothing.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold."""

Content = bytes | Path


def write_archive(out: BinaryIO, entries: Mapping[str, Content]) -> None:
    """Write `entries` (zip path to content) to a seekable file."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
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
