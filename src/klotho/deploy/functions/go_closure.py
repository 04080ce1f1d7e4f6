"""What a Go program is compiled from, and the digest of it.

Input: the program's folder and its modules. Output: a `GoClosure`: Go and assembly files of every package it reaches in
folders, what these embed, and go.mod, go.sum, go.work and vendor/modules.txt, which name everything else by checksum.
Tests count for nothing; files for other systems do, so that nothing need be known of build constraints. Refuses
nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.functions.go_module import GoModules
from klotho.deploy.functions.go_source import GoSource, go_source

_COMPILED = (".go", ".s", ".h", ".syso")


@dataclass(frozen=True, slots=True)
class GoClosure:
    files: frozenset[Path]
    """Some may not be there: a go.sum to come decides, too."""
    digest: str
    """Of names, from the module's folder, and contents."""


class GoFiles:
    """Reads each file once as long as it does not change: many programs share a module's packages."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], GoSource, str]] = {}

    def closure(self, folder: Path, modules: GoModules) -> GoClosure:
        """Of the program in `folder`."""
        files, waiting, seen = set(modules.deciding), [folder], {folder}
        while waiting:
            package = waiting.pop()
            for file in _compiled(package):
                files.add(file)
                said = self.source(file)
                files |= {found for pattern in said.embeds for found in _embedded(package, pattern)}
                found = {place for name in said.imports if (place := modules.locate(name)) is not None}
                waiting += found - seen
                seen |= found
        digest = hashlib.sha256()
        for file in sorted(files):
            name = os.path.relpath(file, modules.folder).replace(os.sep, "/")
            digest.update(f"{name}\0{self._digest(file)}\n".encode())
        return GoClosure(frozenset(files), digest.hexdigest())

    def source(self, file: Path) -> GoSource:
        return self._read(file)[0]

    def _digest(self, file: Path) -> str:
        """Empty where there is no such file."""
        return self._read(file)[1]

    def _read(self, file: Path) -> tuple[GoSource, str]:
        try:
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._known.get(file)
            if known is None or known[0] != stamp:
                content = file.read_bytes()
                said = go_source(content.decode(errors="replace") if file.suffix == ".go" else "")
                known = self._known[file] = (stamp, said, hashlib.sha256(content).hexdigest())
        except OSError:
            return go_source(""), ""
        return known[1], known[2]


def _compiled(package: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(package), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        ignored = entry.name.startswith(("_", ".")) or entry.name.endswith("_test.go")
        if entry.name.endswith(_COMPILED) and not ignored and entry.is_file():
            yield Path(entry.path)


def _embedded(package: Path, pattern: str) -> Iterator[Path]:
    """Files of a pattern, and all below a folder of it: more than `embed` takes, which leaves hidden ones out."""
    try:
        found = [package] if pattern == "." else list(package.glob(pattern))
    except (ValueError, NotImplementedError):
        return  # no pattern of a folder inside: the compiler says so
    for path in found:
        if path.is_dir():
            yield from (Path(base) / name for base, _, names in os.walk(path) for name in names)
        else:
            yield path
