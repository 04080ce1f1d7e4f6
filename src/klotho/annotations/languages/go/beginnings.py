"""The program of a unit: the folder of its `package main`, and what begins there.

A unit that serves an application, or owns a `func main()`, is the program that the user wrote. One that is only called
is that program with a `func main()` that answers calls, or, where nothing of it is in `package main`, one of its own.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from klotho.annotations.findings import Edit
from klotho.annotations.languages.go.calls import function_named
from klotho.annotations.languages.go.modules import GoFile
from klotho.annotations.languages.go.packages import Packages, folder_of
from klotho.annotations.languages.go.prologues import begins_with
from klotho.annotations.languages.go.unit_files import FOLDER, PROGRAM
from klotho.annotations.units import Unit

IMPORTS = "klotho_unit_imports.go"
"""Beside the files of a `package main` that does not import all packages of its unit."""


class Beginning(NamedTuple):
    folder: str
    answers: GoFile | None = None
    """The file whose `func main()` answers calls instead of what is written there."""
    others: tuple[str, ...] = ()
    """Folders of packages that belong to the unit and that the program does not import."""
    is_own: bool = False
    """Whether Klotho writes the program."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Where what the program is built of begins."""
        return self.others if self.is_own else (self.folder, *self.others)

    def edits(self) -> Iterator[Edit]:
        if self.answers is not None:
            main = function_named(self.answers, "main")
            yield begins_with(self.answers, main, f"{FOLDER}.ServeCalls()")

    def files(self, packages: Packages) -> dict[str, bytes]:
        """What Klotho writes of the program, by path in the unit."""
        imported = [packages.import_path(folder) for folder in self.others]
        if self.is_own:
            return {f"{PROGRAM}/main.go": _program([*imported, f"{packages.name}/{FOLDER}"])}
        place = self.folder.removeprefix(packages.base.rstrip("/")).strip("/")
        return {posixpath.join(place, IMPORTS): _imports(imported)} if imported else {}


def beginning(packages: Packages, unit: Unit) -> Beginning:
    entries = packages.files((*unit.entries, *unit.hosts))
    folders = sorted({folder_of(file.path) for file in packages.files(unit.entries) if file.package != "main"})
    for file in entries:
        if file.source.of("expose") or (file.package == "main" and "main" in file.defines):
            found = program_of(packages, file)
            if found is not None:
                reached = packages.reached([found])
                return Beginning(found, others=tuple(item for item in folders if item not in reached))
    inside = next((file for file in entries if file.package == "main"), None)
    if inside is None:
        base = packages.base + PROGRAM
        return Beginning(base, others=tuple(folders), is_own=True)
    home = folder_of(inside.path)
    main = next((file for file in packages.in_folder(home) if "main" in file.defines), None)
    reached = packages.reached([home])
    return Beginning(home, main, tuple(item for item in folders if item not in reached))


def program_of(packages: Packages, file: GoFile) -> str | None:
    """The folder of the program that runs what a file exposes: its own, else the first one that imports it."""
    home = folder_of(file.path)
    if file.package == "main":
        return home
    for path in packages.programs():
        if home in packages.reached([folder_of(path)]):
            return folder_of(path)
    return None


def _imports(paths: Iterable[str]) -> bytes:
    lines = ["// Klotho: packages whose functions other units call.", "", "package main", "", "import ("]
    return "\n".join([*lines, *(f"\t_ {json.dumps(path)}" for path in paths), ")", ""]).encode()


def _program(paths: list[str]) -> bytes:
    """`paths`: of packages, the last one that of the unit."""
    lines = ["// Klotho: answers calls of other units.", "", "package main", "", "import ("]
    lines += [*(f"\t_ {json.dumps(path)}" for path in paths[:-1]), f"\t{FOLDER} {json.dumps(paths[-1])}", ")", ""]
    return "\n".join([*lines, f"func main() {{ {FOLDER}.ServeCalls() }}", ""]).encode()
