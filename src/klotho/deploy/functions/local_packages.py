"""Packages that lie beside the program: members of a workspace and dependencies named by a path.

Input: their folders. Output: a digest of what they are made of, and a wheel each, built once per content by uv. Refuses
(`Failure`) a folder that is no package, one outside of the program's repository, and one whose wheel holds machine code
that would not run on the target.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from klotho.deploy.functions.run import Log, run_installer, uv
from klotho.diagnostics import Failure, Span

_NO_INPUT = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "compiled", "build", "dist", ".tox", ".nox"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache"}
)
"""Folders that are made from the rest, or say nothing about it."""


def folders_up(file: Path, end: Path) -> Iterator[Path]:
    """The folders from a file's own to `end`; none when it lies elsewhere."""
    folder = file.parent
    while folder.is_relative_to(end):
        yield folder
        if folder == end:
            return
        folder = folder.parent


def checked_local(folder: Path, repository: Path, at: Span, named: str) -> Path:
    """The folder, when a package can be built from it; Failure (`dependency-is-local`)."""
    folder = folder.resolve()
    if not folder.is_relative_to(repository):
        why = f"`{named}` lies outside of the program's repository, so it would not be there on another machine"
    elif not any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
        why = f"`{named}` is no package: it has neither a pyproject.toml nor a setup.py"
    else:
        return folder
    helps = ("import its files directly (they are found and shipped), or make it a package in this repository",)
    raise Failure("dependency-is-local", why, at=at, helps=helps)


def source_files(folder: Path) -> list[tuple[str, Path]]:
    """What a package is made of, sorted, by path relative to its folder."""
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NO_INPUT and not name.endswith(".egg-info"))
        here = Path(base)
        found += [((here / name).relative_to(folder).as_posix(), here / name) for name in names]
    return sorted(item for item in found if item[1].is_file())


def source_digest(folder: Path) -> str:
    """Over names and contents."""
    digest = hashlib.sha256()
    for name, path in source_files(folder):
        content = path.read_bytes()
        digest.update(f"{len(name)}:{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def built_wheel(folder: Path, cache: Path, *, for_host: bool, log: Log) -> Path:
    """The package's wheel, from the cache when its content was built before."""
    kept = cache / "wheels" / source_digest(folder)
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".new-") as name:
            log(f"building the package in {folder.name}")
            source, out = Path(name) / "source", Path(name) / "out"
            for relative, path in source_files(folder):  # a copy: setuptools leaves things in the folder it builds
                (source / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, source / relative)
            run_installer([uv(), "build", "--quiet", "--wheel", "--out-dir", str(out), "."], source, log)
            for extra in out.iterdir():
                if extra.suffix != ".whl":
                    extra.unlink()
            if not kept.exists():  # another process may have been faster; both hold the same
                out.rename(kept)
    wheel = next(kept.glob("*.whl"))
    if not for_host and not wheel.name.endswith("-none-any.whl"):
        raise Failure(
            "wheels-missing",
            f"the package in `{folder.name}` holds machine code, which is built for this machine only",
            helps=("publish wheels of it for Linux, or make the function a `Compute.Container`",),
        )
    return wheel
