"""Makes an application of annotated code.

Input: a folder. Output: `Compiled`: the same `Application` that an infra.py gives, and the files of each unit below
`compiled/`. Refuses nothing by raising: what is wrong is in the report, and then the result is incomplete.
No process, no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from klotho.annotations.languages.javascript.calls import remote_names
from klotho.annotations.languages.javascript.exposing import Exposure, exposures
from klotho.annotations.languages.javascript.maps import READS, SHAPES, StoredMap, Uses, stored_map, uses_in
from klotho.annotations.languages.javascript.modules import NAMESPACE, Module
from klotho.annotations.languages.javascript.program import MANIFESTS, Program
from klotho.annotations.languages.javascript.rewriting import (
    FOLDER,
    construct_name,
    shim_files,
    stub,
    unit_file,
    with_stored_maps,
)
from klotho.annotations.reading import read_code_base
from klotho.annotations.units import Unit, split
from klotho.application import Application, Construct, ConstructId, Relationship, validate
from klotho.diagnostics import Label, Report, Span

OUTPUT = "compiled"


@dataclass
class UnitPage:
    """What was found of a unit, for people."""

    name: str
    files: list[str]
    routes: dict[str, list[str]] = field(default_factory=dict)
    """By the API's id: `GET /pets/{id}`; whatever else comes goes to the unit, too."""
    stores: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """`adopt.adopt` of another unit, `<unit>: <file> <function>`."""


@dataclass
class Compiled:
    application: Application
    files: dict[str, bytes] = field(default_factory=dict)
    """Relative to the output folder: `shop/index.js`."""
    units: list[UnitPage] = field(default_factory=list)


def compile_code(root: Path, name: str | None, report: Report) -> Compiled:
    """`name`: the application's; default: that of package.json, else the folder's."""
    code = read_code_base(root, report)
    program = Program(code)
    units = split(code, program.imports, program.begins, report)
    compiler = _Compiler(program, units, report)
    compiled = Compiled(Application(name=name or _name(program)))
    for unit in units:
        compiler.add(unit, compiled)
    compiled.application = Application(
        name=compiled.application.name,
        constructs=tuple(compiler.constructs.values()),
        relationships=tuple(compiler.relationships),
    )
    compiler.finish(compiled.units)
    if not report.errors:
        validate(compiled.application, report)
    return compiled


def _name(program: Program) -> str:
    given = program.package.get("name")
    text = str(given) if isinstance(given, str) else program.code.root.name
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.rpartition("/")[2]).strip("-")
    return plain if plain[:1].isalpha() else f"app-{plain}".rstrip("-")


class _Compiler:
    def __init__(self, program: Program, units: list[Unit], report: Report) -> None:
        self._program, self._report = program, report
        self.constructs: dict[ConstructId, Construct] = {}
        self.relationships: list[Relationship] = []
        self._used: set[int] = set()
        """Annotations (by identity) that something came of."""
        self._remote = {unit.name: remote_names(program, unit) for unit in units}
        self._in_units = {path for unit in units for path in unit.files}

    def add(self, unit: Unit, compiled: Compiled) -> None:
        page = UnitPage(unit.name, unit.files)
        function = self._function(unit)
        for exposure in exposures(self._program, unit):
            self._expose(function, exposure, page)
        maps = self._maps(unit, function, page)
        for path, names in self._remote[unit.name].items():
            target = ConstructId(f"Compute.Function/{construct_name(unit.remote[path])}")
            if names and not any(item.target == target for item in self._of(function)):
                self.relationships.append(Relationship("calls", function.id, target, {}, unit.span))
            page.calls += [f"{unit.remote[path]}: {path} {name}" for name in names]
        folder = construct_name(unit.name)
        compiled.files.update({f"{folder}/{path}": content for path, content in self._files(unit, maps).items()})
        compiled.units.append(page)

    def _made(self, construct: Construct) -> Construct:
        """The construct, once; ids that differ in `/`, `:` and `-` only would be the same one."""
        first = self.constructs.setdefault(construct.id, construct)
        if first.span != construct.span:
            message = f"two ids give the name `{construct.name}`"
            also = [Label(first.span, "the first one")] if first.span else []
            helps = ("give one of them another id: `/` and `:` become `-` in names",)
            self._report.error("annotation-duplicate", message, construct.span, also=also, helps=helps)
        return first

    def _of(self, construct: Construct) -> list[Relationship]:
        return [item for item in self.relationships if item.actor == construct.id]

    def _function(self, unit: Unit) -> Construct:
        name = construct_name(unit.name)
        properties = {"handler": f"{FOLDER}/handler.handler", "context": f"{OUTPUT}/{name}"}
        function = Construct("Compute.Function", name, properties, unit.span)
        return self._made(function)

    def _expose(self, function: Construct, exposure: Exposure, page: UnitPage) -> None:
        annotation = exposure.annotation
        assert annotation.id is not None
        self._used.add(id(annotation))
        api = Construct("API", construct_name(annotation.id), {}, annotation.span)
        self._made(api)
        by_route: dict[str, set[str]] = {}
        spans: dict[str, Span] = {}
        shapes: dict[str, str] = {}
        for found in exposure.routes:
            if found.route is not None:
                route = shapes.setdefault(re.sub(r"\{\w+\}", "{}", found.route), found.route)
                by_route.setdefault(route, set()).add(found.method)
                spans.setdefault(route, found.span)
        page.routes[annotation.id] = [f"{method} {route}" for route in by_route for method in sorted(by_route[route])]
        # Everything else, too: Express answers what it has no route for in its own way.
        for route in sorted({*by_route, "/"}):
            methods = by_route.get(route, {"ANY"})
            given = {} if "ANY" in methods or route == "/" else {"methods": sorted(methods)}
            at = spans.get(route, annotation.span)
            verb = Relationship("attach_service", api.id, function.id, {"route": route, **given}, at)
            self.relationships.append(verb)
        if not exposure.known:
            message = (
                f"what {annotation.title} listens with is no Express application known here: its unit gets all routes"
            )
            self._report.warning("annotation-without-effect", message, annotation.span)

    def _maps(self, unit: Unit, function: Construct, page: UnitPage) -> dict[str, list[StoredMap]]:
        found: dict[str, list[StoredMap]] = {}
        modules = self._program.modules(unit.files)
        for module in modules:
            for annotation, target in module.source.of("persist"):
                item = stored_map(module, annotation, target) if target is not None else None
                if item is None:
                    continue
                self._used.add(id(annotation))
                found.setdefault(module.path, []).append(item)
                page.stores.append(item.id)
                self._store(unit, function, item, modules)
        return found

    def _store(self, unit: Unit, function: Construct, item: StoredMap, modules: list[Module]) -> None:
        table = Construct("Databases.KeyValue", construct_name(item.id), {"key": [["key", "S"]]}, item.annotation.span)
        self._made(table)
        uses = Uses()
        for module in modules:
            names = self._names(module, item)
            if names:
                more = uses_in(module, names, item.new, self._report)
                uses.methods |= more.methods
                uses.otherwise |= more.otherwise
        only_reads = not uses.otherwise and not item.starts_filled and uses.methods <= READS
        verb = "reads_from" if only_reads else "read_writes_to"
        self.relationships.append(Relationship(verb, function.id, table.id, {}, item.annotation.span))

    def _names(self, module: Module, item: StoredMap) -> frozenset[str]:
        """How a module writes the Map: `pets`, `store.pets`."""
        if module.path == item.file:
            own = (
                {item.variable}
                if item.variable
                else {f"{holder}.{name}" for name in item.exported for holder in ("exports", "module.exports")}
            )
            return frozenset(own)
        names: set[str] = set()
        for found in module.imports:
            if self._program.leads_to(module, found.specifier) != item.file:
                continue
            for binding in found.bindings:
                if binding.imported in item.exported:
                    names.add(binding.local)
                elif binding.imported == NAMESPACE:
                    names |= {f"{binding.local}.{name}" for name in item.exported}
        return frozenset(names)

    def _files(self, unit: Unit, maps: Mapping[str, list[StoredMap]]) -> dict[str, bytes]:
        root, program = self._program.code.root, self._program
        files = dict(shim_files())
        for path in unit.files:
            if path in maps:
                module = program.module(path)
                files[path] = with_stored_maps(module, maps[path], program.is_esm(module))
            else:
                files[path] = (root / path).read_bytes()
        for path, names in self._remote[unit.name].items():
            files[path] = stub(path, unit.remote[path], names, program.is_esm(program.module(path)))
        called = self._called(unit)
        files[f"{FOLDER}/unit.cjs"] = unit_file(unit.name, unit.entries, called)
        for name in MANIFESTS:
            if (root / name).is_file():
                files[name] = (root / name).read_bytes()
        return files

    def _called(self, unit: Unit) -> dict[str, list[str]]:
        """What others call of a unit, by file."""
        found: dict[str, set[str]] = {}
        for remote in self._remote.values():
            for path, names in remote.items():
                if path in unit.files and names:
                    found.setdefault(path, set()).update(names)
        return {path: sorted(names) for path, names in found.items()}

    def finish(self, pages: list[UnitPage]) -> None:
        """Reports annotations that nothing came of, and units that nothing can reach."""
        code = self._program.code
        targets = {item.target for item in self.relationships}
        for page in pages:
            function = self.constructs[ConstructId(f"Compute.Function/{construct_name(page.name)}")]
            if not page.routes and function.id not in targets:
                message = (
                    f'nothing calls the unit "{page.name}": it exposes nothing, and no other unit uses its functions'
                )
                self._report.warning("annotation-without-effect", message, function.span)
        for source, annotation in code.all("persist"):
            target = next(target for item, target in source.of("persist") if item is annotation)
            if id(annotation) in self._used or target is None or not source.path.endswith((".js", ".cjs", ".mjs")):
                continue
            if source.path not in self._in_units:
                self._report.warning(
                    "annotation-without-effect", f"no unit imports the file of {annotation.title}", annotation.span
                )
                continue
            notes = (f"what is known: {SHAPES}; other kinds of persist are not supported yet",)
            message = f"nothing came of {annotation.title}: its statement makes no Map"
            self._report.error("annotation-without-effect", message, annotation.span, notes=notes)
