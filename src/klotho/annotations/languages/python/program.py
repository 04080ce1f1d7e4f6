"""A Python code base: its modules, where it begins, what is found in a unit, and the unit as it is packed.

Absolute names are looked up from the top and, where it is no package, from `src`; what is found there stands at the top
of the unit.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from klotho.annotations.findings import Exposure, Findings, Mount, Original, UnitCode, edited, exposure_of, variables
from klotho.annotations.hosting import Form
from klotho.annotations.languages.python.calls import remote_names
from klotho.annotations.languages.python.django import BACKEND, check_unit, named_files, names_settings
from klotho.annotations.languages.python.emitters import SHAPES as EMITTERS
from klotho.annotations.languages.python.emitters import topics
from klotho.annotations.languages.python.environment import SHAPES as VARIABLES
from klotho.annotations.languages.python.environment import configured
from klotho.annotations.languages.python.images import SERVERS as PACKAGES_OF_SERVERS
from klotho.annotations.languages.python.images import START, image_files
from klotho.annotations.languages.python.libraries import SHAPES as LIBRARY_SHAPES
from klotho.annotations.languages.python.libraries import library_resources
from klotho.annotations.languages.python.modules import (
    Import,
    Module,
    assigned,
    keywords_of,
    module_of,
    read_module,
    said_by,
)
from klotho.annotations.languages.python.names import framework_of, library_of
from klotho.annotations.languages.python.originals import original_of
from klotho.annotations.languages.python.requirements import needed, with_packages
from klotho.annotations.languages.python.stores import SHAPES, stored_dicts
from klotho.annotations.languages.python.unit_files import FOLDER, UnitParts, shim_files, stub, unit_file
from klotho.annotations.languages.python.web import SERVERS, Reach, app_of, served
from klotho.annotations.model import Annotation
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import MAIN, Unit, refuse_second
from klotho.annotations.variables import variable_resources

MANIFESTS = ("requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "pylock.toml")
_BEGINNINGS = ("main.py", "app.py", "asgi.py", "wsgi.py", "server.py", "manage.py", "__main__.py")


class PythonProgram:
    begins_by = "write a main.py"

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self._modules: dict[str, Module] = {}
        self._exposures: dict[int, Exposure] = {}
        self.routers: dict[str, dict[str, str]] = {}
        """Routers of another unit than the application's: by file and name, what makes an empty one."""

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(path for path in self.code.files if path.endswith(".py"))

    @cached_property
    def bases(self) -> tuple[str, ...]:
        has_src = any(path.startswith("src/") for path in self._files) and "src/__init__.py" not in self._files
        return ("", "src/") if has_src else ("",)

    def place_of(self, path: str) -> str:
        """Where a file stands in a unit."""
        return path.removeprefix("src/") if "src/" in self.bases else path

    def dotted(self, path: str) -> str:
        return ".".join(PurePosixPath(self.place_of(path)).with_suffix("").parts).removesuffix(".__init__")

    def module(self, path: str) -> Module:
        if path not in self._modules:
            package = tuple(part for part in PurePosixPath(self.place_of(path)).parent.parts if part != ".")
            said = self.code.said(path, ".".join(package), lambda source: said_by(read_module(source, package)))
            self._modules[path] = module_of(self.code.source(path), said)
        return self._modules[path]

    def modules(self, paths: list[str]) -> list[Module]:
        return [self.module(path) for path in paths if path.endswith(".py")]

    def module_files(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The file of a module, none where it is no module of the code base."""
        for base in self.bases:
            stem = base + "/".join(parts)
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if path in self._files:
                    return (path,)
        return ()

    def files_of(self, item: Import) -> Iterator[str]:
        """The files that an import runs: packages on the way, the module, and what is taken of it if that is one."""
        for end in range(1, len(item.module) + 1):
            found = self.module_files(item.module[:end])
            if end == len(item.module) or (found[-1:] and found[0].endswith("__init__.py")):
                yield from found
        if item.name is not None:
            yield from self.module_files((*item.module, item.name))

    def imports(self, path: str) -> list[str]:
        if not path.endswith(".py"):
            return []
        module = self.module(path)
        found = dict.fromkeys(target for item in module.imports for target in self.files_of(item))
        found.update(dict.fromkeys(named_files(self, module)))
        folder = PurePosixPath(path).parent
        for parent in (folder, *folder.parents):  # its own package runs before it
            above = (parent / "__init__.py").as_posix()
            if above in self._files:
                found[above] = None
        found.pop(path, None)
        return list(found)

    def names_of(self, module: Module, file: str, variable: str) -> list[str]:
        """How a module writes a variable of a file: `pets`, `store.pets`."""
        if module.path == file:
            return [variable]
        names = []
        for item in module.imports:
            if item.name == variable and file in self.module_files(item.module):
                names.append(item.local)
            elif item.name is not None and file in self.module_files((*item.module, item.name)):
                names.append(f"{item.local}.{variable}")
            elif item.name is None and file in self.module_files(item.module):
                written = ".".join(item.module) if item.local == item.module[0] else item.local
                names.append(f"{written}.{variable}")
        return names

    def leads_to(self, module: Module, name: str) -> tuple[Module, str] | None:
        """Where a name of a module is defined, as far as one import tells."""
        if name in module.defines:
            return module, name
        head, _, last = name.rpartition(".")
        for item in module.imports:
            files = self.module_files(item.module) if item.name == name or item.local == name else ()
            wanted = item.name if item.local == name else None
            if head and item.local == head and item.name is not None:
                files, wanted = self.module_files((*item.module, item.name)), last
            elif head and item.name is None and head in (item.local, ".".join(item.module)):
                files, wanted = self.module_files(item.module), last
            if files and wanted is not None:
                return self.module(files[0]), wanted
        return None

    @cached_property
    def _manifest(self) -> Mapping[str, Any]:
        try:
            found = tomllib.loads((self.code.root / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        project = found.get("project")
        return project if isinstance(project, dict) else {}

    @property
    def package_name(self) -> str | None:
        found = self._manifest.get("name")
        return found if isinstance(found, str) else None

    @property
    def begins(self) -> str | None:
        """Where programs of Python usually begin: at the top, in `src`, or in a package of theirs."""
        for name in _BEGINNINGS:
            near = [path for path in self._files if PurePosixPath(path).name == name]
            if near:
                return min(near, key=lambda path: (path.count("/"), path))
        return None

    def shapes(self, capability: str) -> str:
        return {"persist": f"{SHAPES}; {LIBRARY_SHAPES}", "pubsub": EMITTERS, "config": VARIABLES}.get(
            capability, "none"
        )

    def library(self, path: str, statement: Any) -> str | None:
        return library_of(self.module(path), statement)

    def together(self, path: str) -> Iterable[str]:
        return (path,)

    def mounts(self, owned: Mapping[str, str]) -> Iterator[Mount]:
        for path in sorted({source.path for source, _ in self.code.all("expose") if source.path.endswith(".py")}):
            module, reach = self.module(path), Reach(self.leads_to, owned.get, path, owned.get(path, MAIN))
            for annotation, target in module.source.of("expose"):
                name, value = assigned(target) if target is not None else ("", None)
                app = app_of(module, name, value) if name else None
                exposure = exposure_of(annotation, served(app, reach) if app else None, framework_of(module, value))
                self._exposures[id(annotation)] = exposure
                for mount in exposure.mounts:
                    self.routers.setdefault(mount.file, {})[mount.name] = mount.framework
                    yield mount

    def find(self, unit: Unit) -> Findings:
        modules = self.modules(unit.files)
        check_unit(self, modules)
        return Findings(
            exposures=list(self._exposed(unit)),
            resources=[
                *stored_dicts(self, modules),
                *library_resources(self, modules),
                *topics(self, modules),
                *configured(self, modules),
                *variable_resources([module.source for module in modules], (), self.code.report),
            ],
            remote=remote_names(self, unit),
        )

    def _exposed(self, unit: Unit) -> Iterator[Exposure]:
        first: Annotation | None = None
        for module in self.modules([path for path in unit.files if path not in unit.hosts]):
            for annotation, target in module.source.of("expose"):
                name, _ = assigned(target) if target is not None else ("", None)
                if not name:
                    self._refuse_expose(annotation)
                    continue
                if first is not None:
                    refuse_second(unit.name, first, annotation, self.code.report)
                    continue
                first, exposure = annotation, self._exposures[id(annotation)]
                if exposure.is_refused:
                    message = f"{exposure.framework} is not supported yet"
                    self.code.report.error("annotation-not-yet", message, annotation.span)
                self._tell_schema(exposure, module, target)
                yield exposure

    def _tell_schema(self, exposure: Exposure, module: Module, target: Any) -> None:
        """FastAPI describes the routers that it has, and other units have empty ones."""
        name, value = assigned(target)
        app, moved = app_of(module, name, value), sorted({mount.unit for mount in exposure.mounts})
        if moved and app is not None and app.cls == "FastAPI" and "openapi_url" not in keywords_of(app.made):
            message = f"`/openapi.json` and `/docs` leave out what {', '.join(moved)} serve{'s' * (len(moved) == 1)}"
            helps = ("write `FastAPI(openapi_url=None)` if nobody reads them",)
            self.code.report.warning("annotation-router", message, exposure.annotation.span, helps=helps)

    def _refuse_expose(self, annotation: Annotation) -> None:
        self.code.report.error(
            "annotation-without-effect",
            f"nothing came of {annotation.title}: its statement makes no application",
            annotation.span,
            notes=("it stands on the statement that makes it, such as `app = FastAPI()`",),
            helps=("move the comment above that statement",),
        )

    def _served(self, unit: Unit) -> tuple[str, str] | None:
        """The module and name of what a unit serves."""
        for module in self.modules(unit.files):
            for _, target in module.source.of("expose"):
                name, _ = assigned(target) if target is not None else ("", None)
                if name:
                    return self.dotted(module.path), name
        return None

    @property
    def original(self) -> Original:
        return original_of(self)

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        django = self._named(unit)
        files, edits = (
            dict(shim_files(form, bool(django))),
            [edit for item in findings.resources for edit in item.edits],
        )
        for path in (*unit.files, *findings.assets):
            own = [edit for edit in edits if edit.path == path]
            files[self.place_of(path)] = edited(self.code.content(path), own)
        for path, names in findings.remote.items():
            routers = self.routers.get(path, {})
            files[self.place_of(path)] = stub(path, self.dotted(path), unit.remote[path], names, routers)
        calls = {path: (self.dotted(path), names) for path, names in called.items()}
        entries = [self.dotted(path) for path in (*unit.entries, *unit.hosts)]
        parts = UnitParts(self._served(unit), variables(findings), findings.listened, unit.served, django)
        files[f"{FOLDER}/unit.py"] = unit_file(unit.name, entries, calls, parts)
        for name in MANIFESTS:
            if (self.code.root / name).is_file():
                files[name] = (self.code.root / name).read_bytes()
        wanted = {item for found in findings.resources for item in found.shims}
        if form == "container":
            wanted |= self._server(unit)
        files.update(self._requirements(unit, findings, files, wanted))
        if form == "container":
            return UnitCode({**files, **image_files(unit.name, files)}, start=START)
        return UnitCode(files, f"{FOLDER}/handler.handler", tuple(self.place_of(path) for path in findings.assets))

    def _named(self, unit: Unit) -> list[str]:
        """The modules that Django loads by their names, none where the unit is no program of Django."""
        modules = self.modules(unit.files)
        if not any(names_settings(module) for module in modules):
            return []
        found = {path for module in modules for path in named_files(self, module)}
        return [*(self.dotted(path) for path in sorted(found & {*unit.files, *unit.remote})), BACKEND]

    def _server(self, unit: Unit) -> set[str]:
        """The package that serves a unit's application in a container."""
        for module in self.modules(unit.files):
            for _, target in module.source.of("expose"):
                name, value = assigned(target) if target is not None else ("", None)
                found = app_of(module, name, value) if name else None
                return {PACKAGES_OF_SERVERS[SERVERS[found.framework] if found is not None else "asgi"]}
        return set()

    def _requirements(
        self, unit: Unit, findings: Findings, files: Mapping[str, bytes], wanted: set[str]
    ) -> dict[str, bytes]:
        """requirements.txt as the unit has it. Another manifest stays as it is, and must name what shims need."""
        name = "requirements.txt"
        if name in files:
            used = needed(files[name], self._packages(unit.files), self._packages(self.code.files))
            return {name: with_packages(used, wanted)}
        manifest = b"".join(files[item] for item in MANIFESTS if item in files)
        for found in findings.resources:
            for item in found.shims:
                if item.partition("[")[0].encode() not in manifest:
                    message = f"{found.annotation.title} needs the package `{item}`, which no manifest names"
                    helps = (f"add `{item}` to the dependencies",)
                    self.code.report.error("annotation-package", message, found.annotation.span, helps=helps)
        return {}

    def _packages(self, paths: Iterable[str]) -> set[str]:
        """The first names of what files import, of neither the standard library nor the code base."""
        modules = self.modules([path for path in paths if path.endswith(".py")])
        found = {item.module[0] for module in modules for item in module.imports if item.module}
        return found - sys.stdlib_module_names - self._own_names

    @cached_property
    def _own_names(self) -> set[str]:
        """The first names of the code base's modules."""
        return {self.place_of(path).partition("/")[0].removesuffix(".py") for path in self._files}
