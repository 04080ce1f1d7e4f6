"""A Go code base: its module, where it begins, what is found in a unit, and the unit as it is packed.

A unit is a program: a folder with `package main`. It holds every file of the packages that program is built of, since
Go compiles no half of one; what makes it this unit is `klotho_unit/unit.go` and edits that move no line.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klotho.annotations.findings import (
    Edit,
    Exposure,
    Findings,
    Mount,
    Original,
    UnitCode,
    edited,
    exposure_of,
    variables,
)
from klotho.annotations.hosting import Form
from klotho.annotations.languages.go.embedding import embedded
from klotho.annotations.languages.go.exposing import SHAPES, listening
from klotho.annotations.languages.go.images import START, image_files
from klotho.annotations.languages.go.modules import GoFile
from klotho.annotations.languages.go.packages import MANIFEST, Packages, folder_of
from klotho.annotations.languages.go.unit_files import imports_unit, keeps, shim_files, unit_file
from klotho.annotations.languages.go.web import served
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit

_BUILT = ".klotho-original"


class GoProgram:
    begins_by = "write a main.go"

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self.packages = Packages(code)
        self._exposures: dict[int, Exposure] = {}

    @property
    def package_name(self) -> str | None:
        return posixpath.basename(self.packages.name) or None

    @property
    def begins(self) -> str | None:
        return next(self.packages.programs(), None)

    @property
    def original(self) -> Original:
        begins = next(
            (source.path for source, _ in self.code.all("expose") if source.path.endswith(".go")), self.begins
        )
        folder = folder_of(begins or "")
        base = self.packages.base
        place = f"./{folder.removeprefix(base.rstrip('/')).strip('/')}"
        within = ("-C", base.rstrip("/")) if base else ()
        return Original(
            (posixpath.join(".", base, _BUILT),),
            build=(("go", "build", *within, "-o", _BUILT, place),),
            listens='let it listen on `":" + os.Getenv("PORT")`',
        )

    def imports(self, path: str) -> list[str]:
        return self.packages.needed_by(path) if path.endswith(".go") else []

    def together(self, path: str) -> Iterable[str]:
        return (path,)

    def mounts(self, owned: Mapping[str, str]) -> Iterator[Mount]:
        for source, _ in self.code.all("expose"):
            if source.path.endswith(".go"):
                yield from self._exposed_in(self.packages.file(source.path))

    def _exposed_in(self, file: GoFile) -> Iterator[Mount]:
        for annotation, target in file.source.of("expose"):
            found = listening(file, target) if target is not None else None
            if found is not None:
                self._exposures[id(annotation)] = exposure_of(annotation, served(self.packages, file, found.handler))
                yield from self._exposures[id(annotation)].mounts

    def find(self, unit: Unit) -> Findings:
        return Findings(exposures=list(self._exposed(unit)))

    def _exposed(self, unit: Unit) -> Iterator[Exposure]:
        first = None
        for file in self.packages.files(path for path in unit.files if path not in unit.hosts):
            for annotation, _ in file.source.of("expose"):
                exposure = self._exposures.get(id(annotation))
                if exposure is None:
                    message = f"nothing came of {annotation.title}: its statement listens to nothing"
                    helps = ("move the comment above that statement",)
                    notes = (f"it stands on the statement that listens, such as {SHAPES}",)
                    self.code.report.error(
                        "annotation-without-effect", message, annotation.span, notes=notes, helps=helps
                    )
                elif first is not None:
                    message = f'the unit "{unit.name}" serves one application, and this is another one'
                    self.code.report.error("annotation-unit", message, annotation.span)
                else:
                    first = exposure
                    yield exposure

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        folder = self._program(unit)
        edits = [edit for item in findings.resources for edit in item.edits] + list(self._listening_edits(unit))
        files = {self._place(path): self._edited(path, edits) for path in self._files_of(folder)}
        files |= {self._place(path): self.code.content(path) for path in findings.assets}
        files |= shim_files()
        elsewhere = {unit.remote[path] for path, names in findings.remote.items() if names}
        files["klotho_unit/unit.go"] = unit_file(unit.name, variables(findings), unit.served, elsewhere)
        place = self._place(f"{folder}/").strip("/")
        if form == "container":
            return UnitCode({**files, **image_files(unit.name, place)}, start=START)
        handler = f"{place}/main.main".lstrip("/")
        return UnitCode(files, handler, tuple(self._place(path) for path in findings.assets))

    def _place(self, path: str) -> str:
        """Where a file stands in a unit: the module's folder is at the top."""
        return path.removeprefix(self.packages.base)

    def _program(self, unit: Unit) -> str:
        """The folder of the unit's `package main`."""
        for path in (*unit.entries, *unit.hosts):
            if path.endswith(".go") and self.packages.file(path).package == "main":
                return folder_of(path)
        return self.packages.base.rstrip("/")

    def _files_of(self, folder: str) -> Iterator[str]:
        """Every file that the program in a folder is built of."""
        for reached in self.packages.reached([folder]):
            yield from self.packages.all_files(reached)
            yield from embedded(self.code, self.packages.in_folder(reached))
        base = self.packages.base
        yield from (base + name for name in (MANIFEST, "go.sum") if self.code.exists(base + name))
        vendor = self.code.root / base / "vendor"
        for path in sorted(vendor.rglob("*")) if vendor.is_dir() else ():
            if path.is_file():
                yield path.relative_to(self.code.root).as_posix()

    def _edited(self, path: str, edits: list[Edit]) -> bytes:
        own = [edit for edit in edits if edit.path == path]
        if not own:
            return self.code.content(path)
        file = self.packages.file(path)
        return edited(self.code.content(path), [imports_unit(file, self.packages.name), *own])

    def _listening_edits(self, unit: Unit) -> Iterator[Edit]:
        for file in self.packages.files(sorted({*unit.files, *unit.hosts})):
            for _, target in file.source.of("expose"):
                found = listening(file, target) if target is not None else None
                if found is not None:
                    yield from found.edits
                    if found.package is not None:
                        yield keeps(file, found.package)

    def shapes(self, capability: str) -> str:
        return "none"

    def library(self, path: str, statement: Any) -> str | None:
        return None
