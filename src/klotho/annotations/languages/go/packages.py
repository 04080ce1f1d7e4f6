"""The packages of a Go module: which files belong together, what a file needs of others, and where programs begin.

A package is a folder. Files that tests are made of are none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath

from klotho.annotations.languages.go.modules import GoFile, file_of, read_file, said_by
from klotho.annotations.reading import CodeBase

MANIFEST = "go.mod"
_MODULE = re.compile(r"^module[ \t]+\"?([^\s\"]+)\"?", re.MULTILINE)
_GO = re.compile(r"^go[ \t]+(\d+)\.(\d+)", re.MULTILINE)
_REQUIRED = re.compile(r"^(?:require[ \t]+)?[ \t]*([\w.~/-]+\.[\w.~/-]+)[ \t]+v[\w.+-]+", re.MULTILINE)


class Packages:
    def __init__(self, code: CodeBase) -> None:
        self._code = code
        self._files: dict[str, GoFile] = {}

    @cached_property
    def base(self) -> str:
        """The folder of the module, with `/` behind it: the top one, or the only one with a go.mod."""
        if self._code.exists(MANIFEST):
            return ""
        folders = {PurePosixPath(path).parent for path in self._every}
        above = {f"{folder.as_posix()}/" for one in folders for folder in (one, *one.parents) if folder.name}
        found = sorted(folder for folder in above if self._code.exists(folder + MANIFEST))
        return found[0] if len(found) == 1 else ""

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file of a program, in order. What has a go.mod of its own is another module."""
        return tuple(path for path in self._every if self.other_module(path) is None)

    @cached_property
    def _every(self) -> tuple[str, ...]:
        return tuple(path for path in self._code.files if path.endswith(".go") and not path.endswith("_test.go"))

    def other_module(self, path: str) -> str | None:
        """The go.mod of a file below this module's folder that is of another one, as Go takes it."""
        if not path.startswith(self.base) or not self._code.exists(self.base + MANIFEST):
            return None
        for folder in PurePosixPath(path.removeprefix(self.base)).parents:
            if folder.name and self._code.exists(f"{self.base}{folder.as_posix()}/{MANIFEST}"):
                return f"{self.base}{folder.as_posix()}/{MANIFEST}"
        return None

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(folder_of(path), []).append(path)
        return found

    @cached_property
    def manifest(self) -> str:
        """go.mod's text; empty without one."""
        path = self.base + MANIFEST
        return self._code.content(path).decode("utf-8", "replace") if self._code.exists(path) else ""

    @cached_property
    def name(self) -> str:
        """The module's path, `example.com/pets`; empty without a go.mod."""
        found = _MODULE.search(self.manifest)
        return found[1] if found is not None else ""

    @cached_property
    def required(self) -> frozenset[str]:
        """The modules that go.mod names."""
        return frozenset(_REQUIRED.findall(self.manifest))

    @cached_property
    def go_version(self) -> tuple[int, int]:
        """That go.mod says: 1.16 where it says none (go.dev/ref/mod#go-mod-file-go)."""
        found = _GO.search(self.manifest)
        return (int(found[1]), int(found[2])) if found is not None else (1, 16)

    def file(self, path: str) -> GoFile:
        if path not in self._files:
            said = self._code.said(path, "", lambda source: said_by(read_file(source)))
            self._files[path] = file_of(self._code.source(path), said)
        return self._files[path]

    def files(self, paths: Iterable[str]) -> list[GoFile]:
        return [self.file(path) for path in paths if path.endswith(".go")]

    def in_folder(self, folder: str) -> list[GoFile]:
        return self.files(self._by_folder.get(folder, ()))

    def folder(self, imported: str) -> str | None:
        """The folder of a package of this module; None for one of another module."""
        if not self.name or (imported != self.name and not imported.startswith(f"{self.name}/")):
            return None
        inside = imported[len(self.name) :].strip("/")
        found = f"{self.base}{inside}".rstrip("/")
        return found if found in self._by_folder else None

    def import_path(self, folder: str) -> str:
        """How another package imports a folder."""
        inside = folder.removeprefix(self.base.rstrip("/")).strip("/")
        return f"{self.name}/{inside}" if inside else self.name

    def needed_by(self, path: str) -> list[str]:
        """The files that a file can't do without: those that define what it names, in its package and in others of the
        module, and those that a package always runs."""
        file, found = self.file(path), dict[str, None]()
        types = {name for name, kind in file.defines.items() if kind == "type"}
        for other in self.in_folder(folder_of(path)):
            methods = {name.partition(".")[0] for name, kind in other.defines.items() if kind == "method"}
            if other.path != path and (file.names & other.defines.keys() or types & methods):
                found[other.path] = None
        for item in file.imports:
            folder = self.folder(item.path)
            for other in self.in_folder(folder) if folder is not None else ():
                wanted = {f"{item.local}.{name}" for name in other.defines}
                if item.local == "." or wanted & file.selected or "init" in other.defines:
                    found[other.path] = None
        return list(found)

    def reached(self, folders: Iterable[str]) -> list[str]:
        """Folders of packages that programs in these folders are built of, in order."""
        waiting, seen = list(folders), set(folders)
        while waiting:
            for file in self.in_folder(waiting.pop()):
                for item in file.imports:
                    folder = self.folder(item.path)
                    if folder is not None and folder not in seen:
                        seen.add(folder)
                        waiting.append(folder)
        return sorted(seen)

    def all_files(self, folder: str) -> list[str]:
        return self._by_folder.get(folder, [])

    def programs(self) -> Iterator[str]:
        """The files with `func main()` of `package main`, as usual ones come first: at the top, then `cmd/…`."""
        for path in sorted(self.paths, key=lambda path: (path.count("/"), path)):
            file = self.file(path)
            if file.package == "main" and "main" in file.defines:
                yield path


def folder_of(path: str) -> str:
    """Of a file; empty for the top one."""
    parent = PurePosixPath(path).parent.as_posix()
    return "" if parent == "." else parent
