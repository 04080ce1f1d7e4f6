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
    Resource,
    UnitCode,
    edited,
    exposure_of,
    variables,
)
from klotho.annotations.hosting import Form
from klotho.annotations.languages.go.beginnings import beginning, program_of
from klotho.annotations.languages.go.blobs import SHAPES as BUCKETS
from klotho.annotations.languages.go.blobs import kept_buckets, openings
from klotho.annotations.languages.go.calls import check_called, function_named, remote_names
from klotho.annotations.languages.go.checks import check_files, check_module
from klotho.annotations.languages.go.embedding import embedded
from klotho.annotations.languages.go.environment import SHAPES as VARIABLES
from klotho.annotations.languages.go.environment import configured, databases, readers
from klotho.annotations.languages.go.exposing import Listening, listening, refuse_expose
from klotho.annotations.languages.go.images import START, image_files
from klotho.annotations.languages.go.modules import GoFile
from klotho.annotations.languages.go.names import library_of
from klotho.annotations.languages.go.packages import MANIFEST, Packages
from klotho.annotations.languages.go.prologues import OFFERS, calls_elsewhere, gives_nothing, offers
from klotho.annotations.languages.go.references import References
from klotho.annotations.languages.go.starting import Part, started
from klotho.annotations.languages.go.unit_files import keeps, shim_files, unit_file, with_imports
from klotho.annotations.languages.go.web import HANDLER, Reach, framework_named, served
from klotho.annotations.model import Annotation
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import MAIN, Unit, refuse_second

_BUILT = ".klotho-original"


class GoProgram:
    begins_by = "write a main.go"

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self.packages = Packages(code)
        self.references = References(self.packages)
        self._exposures: dict[int, Exposure] = {}
        self._owners: Mapping[str, str] = {}
        """The unit by file."""
        self._moved: dict[str, tuple[Edit, ...]] = {}
        self.routers: dict[str, dict[str, str]] = {}
        """What makes routers of another unit than the application's: by file and name of the function."""

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
        folder = (program_of(self.packages, self.packages.file(begins)) if begins else None) or ""
        base = self.packages.base
        place = f"./{folder.removeprefix(base.rstrip('/')).strip('/')}"
        within = ("-C", base.rstrip("/")) if base else ()
        return Original(
            (posixpath.join(".", base, _BUILT),),
            build=(("go", "build", *within, "-trimpath", "-o", _BUILT, place),),
            listens='let it listen on `":" + os.Getenv("PORT")`',
        )

    def imports(self, path: str) -> list[str]:
        if not path.endswith(".go"):
            return []
        found = self.packages.needed_by(path)
        if path in self.code.annotated and self.code.annotated[path].of("expose"):
            # What listens in a package is made and begun by the program's own file.
            folder = program_of(self.packages, self.packages.file(path))
            for file in self.packages.in_folder(folder) if folder is not None else ():
                if "main" in file.defines and file.path not in (path, *found):
                    found.append(file.path)
        return found

    def together(self, path: str) -> Iterable[str]:
        return (path,)

    def mounts(self, owned: Mapping[str, str]) -> Iterator[Mount]:
        self._owners = owned
        check_module(self.code, self.packages)
        for source, _ in self.code.all("expose"):
            if source.path.endswith(".go"):
                yield from self._exposed_in(self.packages.file(source.path))

    def _exposed_in(self, file: GoFile) -> Iterator[Mount]:
        for annotation, target in file.source.of("expose"):
            found = listening(self.packages, file, target) if target is not None else None
            if found is not None:
                self._exposures[id(annotation)] = self._exposure(annotation, file, found)
                for mount in self._exposures[id(annotation)].mounts:
                    self.routers.setdefault(mount.file, {})[mount.name] = mount.framework
                    yield mount

    def _exposure(self, annotation: Annotation, file: GoFile, found: Listening) -> Exposure:
        reach = Reach(self._owners.get, file.path, self._owners.get(file.path, MAIN))
        routes = served(self.packages, found.file, found.handler, reach)
        return exposure_of(annotation, routes, framework_named(self.packages, found.file, found.handler))

    def find(self, unit: Unit) -> Findings:
        return Findings(
            exposures=list(self._exposed(unit)),
            resources=list(self._resources(unit)),
            remote=remote_names(self, unit),
        )

    def _resources(self, unit: Unit) -> Iterator[Resource]:
        every = self.packages.files(sorted({source.path for source, _ in self.code.all("config")}))
        parts = list(self._parts(unit))
        yield from kept_buckets(self.packages.files(unit.files))
        yield from databases(self.code, parts)
        yield from configured(self.code, every, parts)

    def _parts(self, unit: Unit) -> Iterator[Part]:
        """What runs in a unit: its own files, and what packages do when a program starts that it has for others."""
        own, files = set(unit.files), self.packages.files(unit.files)
        yield from map(Part, files)
        reads = any(self.code.all("config"))
        for folder in self.packages.reached(beginning(self.packages, unit).folders):
            held = self.packages.in_folder(folder)
            if {file.path for file in held} <= own:
                continue
            if reads or any(file.source.annotations for file in held):  # else nothing of it is asked
                yield from (part for path, part in started(held).items() if path not in own)

    def _exposed(self, unit: Unit) -> Iterator[Exposure]:
        first = None
        for file in self.packages.files(path for path in unit.files if path not in unit.hosts):
            for annotation, target in file.source.of("expose"):
                exposure = self._exposures.get(id(annotation))
                if exposure is None:
                    refuse_expose(file, annotation, target, self.code.report)
                elif first is not None:
                    refuse_second(unit.name, first.annotation, annotation, self.code.report)
                else:
                    first = exposure
                    if exposure.is_refused:
                        message = f"{exposure.framework} is not supported yet"
                        self.code.report.error("annotation-not-yet", message, annotation.span)
                    yield exposure

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        begins, given = beginning(self.packages, unit), variables(findings)
        reached = self.packages.reached(begins.folders)
        held = [file for folder in reached for file in self.packages.in_folder(folder)]
        check_files(self.code, held)
        buckets = list(kept_buckets(held))  # those of other units, too: to have none of theirs
        edits = [edit for item in buckets for edit in item.edits]
        edits += readers(held, given, self.packages.name)
        edits += [*self._listening_edits(unit), *begins.edits(), *self._elsewhere(unit, reached)]
        files = {self._place(path): self._edited(path, edits) for path in self._files_of(reached)}
        files |= {self._place(path): self.code.content(path) for path in findings.assets}
        files |= shim_files(self.packages.name, bool(given), bool(buckets)) | begins.files(self.packages)
        if called or any(findings.remote.values()):
            check_called(self, called)
            files |= self._offers(reached, called)
        files["klotho_unit/unit.go"] = unit_file(unit.name, given, unit.served, form)
        place = self._place(f"{begins.folder}/").strip("/")
        assets = tuple(self._place(path) for path in findings.assets)
        if form == "container":
            return UnitCode({**files, **image_files(unit.name, place, assets)}, start=START)
        return UnitCode(files, posixpath.join(place, f"{self._main(begins.folder)}.main"), assets)

    def _main(self, folder: str) -> str:
        """The file of a program that has its `func main()`, without its ending."""
        named = (file.path for file in self.packages.in_folder(folder) if "main" in file.defines)
        return posixpath.basename(next(named, "main.go")).removesuffix(".go")

    def _place(self, path: str) -> str:
        """Where a file stands in a unit: the module's folder is at the top."""
        return path.removeprefix(self.packages.base)

    def _elsewhere(self, unit: Unit, folders: Iterable[str]) -> Iterator[Edit]:
        """What functions of other units begin with."""
        own = set(unit.files)
        for folder in folders:
            for file in self.packages.in_folder(folder):
                owner = self._owners.get(file.path, unit.name)
                if owner != unit.name and file.path not in own:
                    yield from self._moved_edits(file, owner)

    def _moved_edits(self, file: GoFile, owner: str) -> tuple[Edit, ...]:
        """What functions of a file begin with in other units than the one that owns it."""
        if file.path not in self._moved:
            self._moved[file.path] = tuple(self._moving(file, owner))
        return self._moved[file.path]

    def _moving(self, file: GoFile, owner: str) -> Iterator[Edit]:
        routers = self.routers.get(file.path, {})
        for name, kind in file.defines.items():
            if kind == "call":
                yield from calls_elsewhere(file, owner, function_named(file, name))
            elif kind == "function" and routers.get(name, HANDLER) != HANDLER:
                yield from gives_nothing(file, function_named(file, name))

    def _offers(self, folders: Iterable[str], called: Mapping[str, list[str]]) -> dict[str, bytes]:
        """What packages tell of themselves, by path in the unit."""
        found = {
            self._place(f"{folder}/{OFFERS}".lstrip("/")): offers(
                self.packages.in_folder(folder), self.packages.name, called
            )
            for folder in folders
        }
        return {path: content for path, content in found.items() if content is not None}

    def _files_of(self, folders: Iterable[str]) -> Iterator[str]:
        """Every file that the program of these packages is built of."""
        for reached in folders:
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
        return edited(self.code.content(path), with_imports(file, self.packages.name, own))

    def _listening_edits(self, unit: Unit) -> Iterator[Edit]:
        for file in self.packages.files(sorted({*unit.files, *unit.hosts})):
            for _, target in file.source.of("expose"):
                found = listening(self.packages, file, target) if target is not None else None
                if found is not None:
                    yield from found.edits
                    if found.package is not None:
                        yield keeps(file, found.package)

    def shapes(self, capability: str) -> str:
        return {"persist": BUCKETS, "config": VARIABLES}.get(capability, "none")

    def library(self, path: str, statement: Any) -> str | None:
        file = self.packages.file(path)
        return "more than one bucket" if len(openings(file, statement)) > 1 else library_of(file, statement)
