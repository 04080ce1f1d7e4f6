"""What a Go program is compiled from, and the digest of it.

Input: the program's folder and its modules. Output: a `GoClosure`: Go and assembly files of every package it reaches in
folders, what these embed, and go.mod, go.sum, go.work and vendor/modules.txt, which name everything else by checksum.
Tests count for nothing; files for other systems do, so that nothing need be known of build constraints. Refuses
nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.functions.go_module import GoModules
from klotho.deploy.functions.go_source import GoSource, go_source

_COMPILED = (".go", ".s", ".h", ".syso")
_VERSIONING = (".git", ".hg", ".svn", ".bzr")
_Stamp = tuple[tuple[str, int, int], ...]
"""Of a folder: its files that count, with time of change (ns) and size."""


@dataclass(frozen=True, slots=True)
class GoClosure:
    files: frozenset[Path]
    """Some may not be there: a go.sum to come decides, too."""
    sources: frozenset[Path]
    """What of them is Go or assembly; without vendored packages, which are others'."""
    digest: str
    """Of names, from the module's folder, and contents."""


@dataclass(frozen=True, slots=True)
class _Package:
    """One folder."""

    stamp: _Stamp
    files: tuple[Path, ...]
    imports: frozenset[str]
    embeds: frozenset[str]
    digest: str


class GoFiles:
    """Reads a package, and what it embeds, once as long as the files do not change: many programs share a module's."""

    def __init__(self) -> None:
        self._packages: dict[Path, _Package] = {}
        self._digests: dict[Path, tuple[tuple[int, int], str]] = {}

    def closure(self, folder: Path, modules: GoModules) -> GoClosure:
        """Of the program in `folder`."""
        waiting, found = [folder], {folder: self._package(folder)}
        while waiting:
            for name in found[waiting.pop()].imports:
                place = modules.locate(name)
                if place is not None and place not in found:
                    found[place] = self._package(place)
                    waiting.append(place)
        said = {_shown(place, modules): package.digest for place, package in found.items()}
        further = set(modules.deciding)
        for place, package in found.items():
            further |= {file for pattern in package.embeds for file in _embedded(place, pattern)}
        said |= {_shown(file, modules): self._digest(file) for file in further}
        files = further.union(*(package.files for package in found.values()))
        own = (package.files for place, package in found.items() if not place.is_relative_to(modules.vendor))
        return GoClosure(
            frozenset(files), frozenset().union(*own), hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()
        )

    def _package(self, folder: Path) -> _Package:
        stamp = _stamp(folder)
        known = self._packages.get(folder)
        if known is None or known.stamp != stamp:
            known = self._packages[folder] = _read(folder, stamp)
        return known

    def _digest(self, file: Path) -> str:
        """Empty where there is no such file."""
        try:
            status = file.stat()
        except OSError:
            return ""
        stamp, known = (status.st_mtime_ns, status.st_size), self._digests.get(file)
        if known is None or known[0] != stamp:
            known = self._digests[file] = (stamp, hashlib.sha256(_content(file)).hexdigest())
        return known[1]


def source_of(file: Path) -> GoSource:
    return go_source(_content(file).decode(errors="replace"))


def _read(folder: Path, stamp: _Stamp) -> _Package:
    digest, files = hashlib.sha256(), [folder / name for name, _, _ in stamp]
    imports, embeds = set[str](), set[str]()
    for file in files:
        content = _content(file)
        digest.update(f"{file.name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        if file.suffix == ".go":
            said = go_source(content.decode(errors="replace"))
            imports |= set(said.imports)
            embeds |= set(said.embeds)
    return _Package(stamp, tuple(files), frozenset(imports), frozenset(embeds), digest.hexdigest())


def _stamp(folder: Path) -> _Stamp:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                ignored = entry.name.startswith(("_", ".")) or entry.name.endswith("_test.go")
                if entry.name.endswith(_COMPILED) and not ignored and entry.is_file():
                    status = entry.stat()
                    found.append((entry.name, status.st_mtime_ns, status.st_size))
    except OSError:
        return ()
    return tuple(sorted(found))


def _content(file: Path) -> bytes:
    """Nothing where there is no such file: it is told by the compiler, or decides once it is there."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _shown(path: Path, modules: GoModules) -> str:
    return os.path.relpath(path, modules.folder).replace(os.sep, "/")


def _embedded(package: Path, pattern: str) -> Iterator[Path]:
    """Files of a pattern, and those below a folder of it."""
    everything, pattern = pattern.startswith("all:"), pattern.removeprefix("all:")
    if ".." in pattern.split("/") or "**" in pattern or pattern.startswith("/"):
        return  # no pattern of a folder inside: the compiler says so
    try:
        found = [package] if pattern == "." else list(package.glob(pattern))
    except (OSError, ValueError, re.error):
        return
    for path in found:
        if not path.is_dir():
            yield path
            continue
        for base, folders, names in os.walk(path):
            folders[:] = [name for name in folders if _is_embedded(name, everything)]
            yield from (Path(base) / name for name in names if _is_embedded(name, everything))


def _is_embedded(name: str, everything: bool) -> bool:
    return name not in _VERSIONING if everything else not name.startswith((".", "_"))
