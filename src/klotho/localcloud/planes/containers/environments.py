"""Cached environments: what package managers install is made once per content and used by every image that asks.

Input: a chain of install steps with the content of the manifests they read. Output: a virtual environment folder
(Python), a `node_modules` tree (Node), made when it is not there yet. Refuses nothing itself; a failing package
manager is the caller's `ImageError`.

A key covers the interpreter, the earlier steps, the command and every manifest's content, so that a changed
requirement is another environment. A folder counts only once its marker is written, and one lock per key keeps two
builds from making the same one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from klotho.localcloud.planes.containers.toolchain import uv

_DONE = ".klotho-complete"


def key_of(*parts: str | bytes) -> str:
    """A digest of all parts, each with its length, so that no two lists share one."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock named after `path`; released by the system even after a kill -9."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tree_key(folder: Path) -> str:
    """A digest of everything below a folder: names, contents, executable bits, links."""
    parts: list[str | bytes] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            parts += [name, "link", str(path.readlink())]
        elif path.is_file():
            parts += [name, "x" if os.access(path, os.X_OK) else "-", path.read_bytes()]
    return key_of(*parts)


def python_environment(
    cache: Path, key: str, interpreter: str, earlier: Path | None, install: Callable[[Path], None] | None
) -> Path:
    """The virtual environment for `key`; when missing, a copy of `earlier` (or an empty one) that `install` adds to."""
    target = cache / "environments" / f"python-{key}"
    if (target / _DONE).exists():
        return target
    with locked(target):
        if (target / _DONE).exists():
            return target
        shutil.rmtree(target, ignore_errors=True)
        try:
            if earlier is None:
                _create(target, interpreter)
            else:
                _clone(earlier, target)
            if install is not None:
                install(target)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        (target / _DONE).touch()
    return target


def _create(target: Path, interpreter: str) -> None:
    program = uv()
    if program is not None:
        command = [program, "venv", "--quiet", "--no-project", "--no-config", "--python", interpreter, str(target)]
    else:
        command = [interpreter, "-m", "venv", str(target)]
    subprocess.run(command, check=True, capture_output=True)


def _clone(source: Path, target: Path) -> None:
    """Copy a virtual environment; the scripts in its `bin` name the interpreter by its full path."""
    shutil.copytree(source, target, symlinks=True)
    (target / _DONE).unlink(missing_ok=True)
    for script in (target / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        data = script.read_bytes()
        if bytes(source) in data[:4096]:
            mode = script.stat().st_mode
            script.write_bytes(data.replace(bytes(source), bytes(target)))
            script.chmod(mode)


def node_modules(cache: Path, key: str, folder: Path, install: Callable[[], None]) -> bool:
    """Put `node_modules` into `folder`: from the cache, or by `install`; whether it came from the cache."""
    target = cache / "environments" / f"node-{key}"
    with locked(target):
        if (target / _DONE).exists():
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            _link_tree(target / "node_modules", folder / "node_modules")
            return True
        install()
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        if (folder / "node_modules").exists():
            _link_tree(folder / "node_modules", target / "node_modules")
            (target / _DONE).touch()
    return False


def _link_tree(source: Path, target: Path) -> None:
    """Copy a tree by hard links: thousands of small files, and package managers replace files, never rewrite them."""
    shutil.copytree(source, target, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
    return target
