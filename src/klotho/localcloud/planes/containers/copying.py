"""COPY and ADD: files of the context, or of an earlier stage, into the image.

Input: a source tree, patterns and a destination. Output: files in the image's root. Refuses, as `ImageError`: a source
that is not there or was left out by `.dockerignore`, a path or link that leads out of the context or the image,
ADD of a URL or a repository.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klotho.application.dockerignore import Ignore, glob_regex
from klotho.localcloud.planes.containers.dockerfile import Instruction
from klotho.localcloud.planes.containers.paths import inside

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_REMOTE = ("http://", "https://", "git@", "ssh://", "ftp://")


@dataclass(frozen=True, slots=True)
class Source:
    """A tree to copy from."""

    root: Path
    entries: dict[str, Path]
    """Everything in it by relative path."""
    what: str
    """For messages: `the context`, `stage builder`."""


def context_source(context: Path, ignore: Ignore) -> Source:
    """The build context without what `.dockerignore` leaves out."""
    return Source(context, dict(ignore.files(context)), "the build context")


def stage_source(root: Path, name: str) -> Source:
    """An earlier stage's files."""
    return Source(root, dict(Ignore().files(root)), f"stage {name}")


def copy(source: Source, instruction: Instruction, arguments: list[str], root: Path, workdir: str) -> list[Path]:
    """Copy `arguments[:-1]` to `arguments[-1]` as Docker does; returns what was written at the top."""
    *patterns, destination = arguments
    if not patterns:
        raise instruction.error("needs a source and a destination", f"write {instruction.keyword} source destination")
    found = [match for pattern in patterns for match in _matches(source, pattern, instruction)]
    into_folder = destination.endswith("/") or destination in (".", "..") or len(found) > 1
    try:
        target = inside(root, destination, workdir)
    except ValueError as error:
        raise instruction.error(str(error), "copy to a folder of the image") from error
    mode = instruction.flag("chmod")
    written = []
    for relative in found:
        path = source.entries[relative] if relative else source.root
        if instruction.keyword == "ADD" and path.name.endswith(_ARCHIVES) and path.is_file():
            _unpack(path, target, instruction)
            written.append(target)
        elif path.is_dir() and not path.is_symlink():
            for below, child in _below(source, relative):
                _put(child, target / below, source, root, instruction, mode)
            target.mkdir(parents=True, exist_ok=True)
            written.append(target)
        else:
            final = target / path.name if into_folder or (target.is_dir() and not path.is_symlink()) else target
            _put(path, final, source, root, instruction, mode)
            written.append(final)
    return written


def _matches(source: Source, pattern: str, instruction: Instruction) -> list[str]:
    if pattern.startswith(_REMOTE):
        raise instruction.error("fetches from the network", "download it beforehand and COPY it from the context")
    plain = posixpath.normpath(pattern.lstrip("/") or ".")
    if plain == ".." or plain.startswith("../"):
        raise instruction.error(f"`{pattern}` is outside of {source.what}", "move it into the context")
    if plain == ".":
        return [""]
    if plain in source.entries:
        return [plain]
    regex = glob_regex(plain)
    found = [relative for relative in source.entries if regex.fullmatch(relative)]
    if not found and any(relative.startswith(plain + "/") for relative in source.entries):
        return [plain]
    if not found:
        raise instruction.error(
            f"`{pattern}` is not in {source.what}", "check the path (relative to the context) and .dockerignore"
        )
    return found


def _below(source: Source, relative: str) -> Iterator[tuple[str, Path]]:
    prefix = f"{relative}/" if relative else ""
    for name, path in source.entries.items():
        if name.startswith(prefix):
            yield name[len(prefix) :], path


def _put(path: Path, target: Path, source: Source, root: Path, instruction: Instruction, mode: str | None) -> None:
    if path.is_symlink():
        _put_link(path, target, source, root, instruction)
        return
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    if not path.is_file():
        raise instruction.error(f"{path.name} is neither a file nor a folder", "leave it out by .dockerignore")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()  # never write through a link
    shutil.copy2(path, target)
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    target.chmod(int(mode, 8) if mode and mode.isdigit() else 0o755 if executable else 0o644)


def _put_link(path: Path, target: Path, source: Source, root: Path, instruction: Instruction) -> None:
    to = path.readlink()
    stays = (
        to.parent.name == "environments"  # a virtual environment of the cache: only builds make such links
        if to.is_absolute() and source.what != "the build context"
        else not to.is_absolute()
        and _lexically_below(path.parent / to, source.root)
        and _lexically_below(target.parent / to, root)
    )
    if not stays:
        raise instruction.error(
            f"the link {path.relative_to(source.root).as_posix()} leads out of {source.what}",
            "replace it by the file it means, or leave it out by .dockerignore",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.is_dir():
        shutil.rmtree(target)
    target.symlink_to(to)


def _lexically_below(path: Path, root: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(os.path.normpath(root))


def _unpack(path: Path, target: Path, instruction: Instruction) -> None:
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(path) as archive:
            archive.extractall(target, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise instruction.error(f"{path.name} can't be unpacked ({error})", "repack it") from error
