"""Paths of an image as paths of this machine: `/app/main.py` is `<root>/app/main.py`.

Input: an image's root folder and a path or text of the image. Output: the path or text on this machine. Refuses, as
ValueError, a path that leads out of the root (`..` above it, or through a symbolic link).

Limits, because a process is no container: only text the image itself says (CMD, ENTRYPOINT, ENV, and the same in a
task definition) is rewritten, and only where the path's first folder exists in the image. A path that a program has
in its own code is a path of this machine.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_ABSOLUTE = re.compile(r"(?<![\w/.~@%-])/(?!/)[^\s:;,'\"=&|<>()*?]*")
"""An absolute path in a text; not the path of a URL, which follows a host name, a port or a second slash."""


def inside(root: Path, path: str, workdir: str = "/") -> Path:
    """The path on this machine; its parents may be links inside the image, but none out of it.

    A link to a cached environment (a virtual environment) is the one way out: only builds make such links.
    """
    pure = posixpath.normpath(posixpath.join("/", workdir, path))
    current = root
    for part in [piece for piece in pure.split("/") if piece]:
        current = current / part
        if current.is_symlink():
            target = current.readlink()
            if target.is_absolute() and not target.is_relative_to(root) and not _is_environment(target):
                raise ValueError(f"{path} leads out of the image through a link to {target}")
            if not target.is_absolute() and not _resolves_below(current, root):
                raise ValueError(f"{path} leads out of the image through a link to {target}")
    return current


def rewritten(text: str, root: Path) -> str:
    """The text with every absolute path of the image replaced by the path on this machine."""

    def local(found: re.Match[str]) -> str:
        path = found[0]
        first = path.strip("/").split("/", 1)[0]
        if not first or not (root / first).exists():
            return path
        return str(root) + path

    return _ABSOLUTE.sub(local, text)


def _is_environment(target: Path) -> bool:
    return target.parent.name == "environments" and target.name.startswith("python-")


def _resolves_below(path: Path, root: Path) -> bool:
    resolved = path.resolve()
    return resolved.is_relative_to(root.resolve()) or any(_is_environment(parent) for parent in resolved.parents)
