"""What an image is made from, as one digest: equal digests mean that nothing needs to be built.

Input: the context's folder, the Dockerfile, build arguments and the platform. Output: a SHA-256 over them and over the
names, modes, links and contents of all files that .dockerignore does not leave out. Refuses nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from klotho.application.dockerignore import Ignore

_FORMAT = "1"
"""Raise when the same input should give another image."""


def image_inputs(context: Path, dockerfile: Path, arguments: Mapping[str, str], platform: str) -> str:
    """The digest."""
    digest = hashlib.sha256(f"{_FORMAT} {platform}".encode())
    for name, value in sorted(arguments.items()):
        digest.update(f"{len(name)}:{name}={len(value)}:{value}".encode())
    _add(digest, "Dockerfile", dockerfile)
    for name, path in Ignore.of(context, dockerfile).files(context):
        if path.is_symlink():
            digest.update(f"link {name} {path.readlink()}".encode())
        elif path.is_file():
            _add(digest, name, path)
        else:
            digest.update(f"folder {name}".encode())
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, path: Path) -> None:
    content = path.read_bytes()
    digest.update(f"{len(name)}:{name}:{int(os.access(path, os.X_OK))}:{len(content)}:".encode() + content)
