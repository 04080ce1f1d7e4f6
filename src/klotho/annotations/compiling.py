"""Makes an application of annotated code.

Input: a folder. Output: `Compiled`: the same `Application` that an infra.py gives, and the files of each unit below
`compiled/`. Refuses nothing by raising: what is wrong is in the report, and then the result is incomplete. What
annotations mean for the code each language knows; here findings become constructs and relationships. No process, no
network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from klotho.annotations.dockerfiles import refuse_strangers, with_own
from klotho.annotations.doors import with_doors
from klotho.annotations.findings import Exposure, Findings, Resource, construct_name
from klotho.annotations.hosting import Hosting
from klotho.annotations.languages import Program
from klotho.annotations.model import Annotation
from klotho.annotations.programs import Programs, language_of
from klotho.annotations.reading import CodeBase, read_code_base
from klotho.annotations.units import Unit, split
from klotho.annotations.variables import DIRECTIVE
from klotho.application import Application, Construct, ConstructId, Directive, Relationship, validate
from klotho.diagnostics import Label, Report, Span

OUTPUT = "compiled"
_ON_LAMBDA = Hosting()


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


@dataclass(frozen=True, slots=True)
class _Part:
    """A unit with its program and what was found in it."""

    unit: Unit
    program: Program
    findings: Findings


def compile_code(
    root: Path, name: str | None, report: Report, hosting: Hosting = _ON_LAMBDA, memory: Path | None = None
) -> Compiled:
    """`name`: the application's; default: that of its manifest, else the folder's. `hosting`: where units run.
    `memory`: the folder of what earlier compiles read; default: nothing is remembered."""
    code = read_code_base(root, report, memory)
    programs = Programs(code)
    units = split(code, programs.imports, programs.begins, programs.begins_by, report)
    parts = [
        _Part(unit, program, program.find(unit)) for unit in units if (program := programs.of_unit(unit)) is not None
    ]
    compiler, compiled = _Compiler(report, hosting), Compiled(Application(name=""))
    for part in parts:
        compiled.units.append(compiler.add(part))
        form, called = hosting.of(construct_name(part.unit.name))[0].form, _called(part.unit, parts)
        code_of_unit = part.program.write(part.unit, part.findings, called, form)
        compiler.packed(part.unit, code_of_unit.handler)
        own = code.dockerfiles.get(part.unit.name)
        files = with_own(own, root, part.unit.name, form, bool(called), code_of_unit, report)
        folder = construct_name(part.unit.name)
        compiled.files.update({f"{folder}/{path}": content for path, content in files.items()})
    refuse_strangers(code.dockerfiles, (unit.name for unit in units), report)
    application = Application(
        name=name or _name(programs.package_name or root.name),
        constructs=tuple(compiler.constructs.values()),
        relationships=tuple(compiler.relationships),
        directives=tuple(compiler.directives),
    )
    exposures = [exposure for part in parts for exposure in part.findings.exposures]
    compiled.application = with_doors(application, exposures, hosting, report)
    compiler.tell_unreached(compiled.units)
    _tell_fruitless(code, programs, parts, report)
    code.memory.keep()
    if not report.errors:
        validate(compiled.application, report)
    return compiled


def _name(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.rpartition("/")[2]).strip("-")
    return plain if plain[:1].isalpha() else f"app-{plain}".rstrip("-")


def _called(unit: Unit, parts: Iterable[_Part]) -> dict[str, list[str]]:
    """What others call of a unit, by file."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for path, names in part.findings.remote.items():
            if part.unit.remote.get(path) == unit.name and names:
                found.setdefault(path, set()).update(names)
    return {path: sorted(names) for path, names in found.items()}


class _Compiler:
    def __init__(self, report: Report, hosting: Hosting) -> None:
        self._report, self._hosting = report, hosting
        self.directives: list[Directive] = []
        self.constructs: dict[ConstructId, Construct] = {}
        self.relationships: list[Relationship] = []
        self._related: set[tuple[str, ConstructId, ConstructId]] = set()

    def add(self, part: _Part) -> UnitPage:
        unit, findings = part.unit, part.findings
        page, service = UnitPage(unit.name, unit.files), self._service(unit.name)
        self._made(Construct(service.partition("/")[0], construct_name(unit.name), {}, unit.span))
        for exposure in findings.exposures:
            self._expose(service, exposure, page)
        for resource in findings.resources:
            self._use(service, resource, page)
            if "subscribes_to" in resource.verbs:
                self._check_listening(service, resource.annotation)
        for path, names in findings.remote.items():
            if names:
                self._relate("calls", service, self._service(unit.remote[path]), unit.span)
            page.calls += [f"{unit.remote[path]}: {path} {name}" for name in names]
        return page

    def _service(self, unit: str) -> ConstructId:
        name = construct_name(unit)
        kind = "Compute.Function" if self._hosting.of(name)[0].form == "function" else "Compute.Container"
        return ConstructId(f"{kind}/{name}")

    def packed(self, unit: Unit, handler: str) -> None:
        """What the unit becomes, once its code is written."""
        service, name = self._service(unit.name), construct_name(unit.name)
        host, said = self._hosting.of(name)
        # One stack whatever it runs on: routes are changed in it, not made a second time beside the old ones.
        properties = {"context": f"{OUTPUT}/{name}", **({"handler": handler} if host.form == "function" else {})}
        kind, stack = service.partition("/")[0], f"{name}-unit"
        self.constructs[service] = Construct(kind, name, properties, unit.span, stack=stack)
        if host.pin is not None:
            self.directives.append(Directive(service, "use", host.pin, {}, said))

    def _made(self, construct: Construct) -> Construct:
        """The construct, once; ids that differ in `/`, `:` and `-` only would be the same one."""
        first = self.constructs.setdefault(construct.id, construct)
        if first.span != construct.span:
            message = f"two ids give the name `{construct.name}`"
            also = [Label(first.span, "the first one")] if first.span else []
            helps = ("give one of them another id: `/` and `:` become `-` in names",)
            self._report.error("annotation-duplicate", message, construct.span, also=also, helps=helps)
        return first

    def _relate(self, verb: str, actor: ConstructId, target: ConstructId, span: Span | None) -> None:
        """The relationship, once."""
        if (verb, actor, target) not in self._related:
            self._related.add((verb, actor, target))
            self.relationships.append(Relationship(verb, actor, target, {}, span))

    def _use(self, service: ConstructId, resource: Resource, page: UnitPage) -> None:
        annotation = resource.annotation
        name = resource.name or construct_name(annotation.id or "")
        made = self._made(Construct(resource.kind, name, dict(resource.properties), annotation.span))
        page.stores.append(resource.name or annotation.id or name)
        for verb in resource.verbs:
            self._relate(verb, service, made.id, annotation.span)

    def _check_listening(self, service: ConstructId, annotation: Annotation) -> None:
        """A container fetches what it is told from a queue: on Lambda it does not run in between."""
        name = service.partition("/")[2]
        host, said = self._hosting.of(name)
        if host.pin == "lambda-container":
            message = f'the unit "{name}" listens to {annotation.title}: in a container on Lambda nothing waits for it'
            also = [Label(said, "it runs in one")] if said else []
            helps = (f"write `execution_units.{name}.type: lambda`, or `fargate`, in klotho.yaml",)
            self._report.error("annotation-not-yet", message, annotation.span, also=also, helps=helps)

    def _expose(self, service: ConstructId, exposure: Exposure, page: UnitPage) -> None:
        annotation = exposure.annotation
        assert annotation.id is not None
        api = self._made(Construct("API", construct_name(annotation.id), {}, annotation.span))
        by_route: dict[str, set[str]] = {}
        spans: dict[str, Span] = {}
        shapes: dict[str, str] = {}
        for found in exposure.routes:
            route = shapes.setdefault(re.sub(r"\{\w+\}", "{}", found.path), found.path)
            by_route.setdefault(route, set()).add(found.method)
            spans.setdefault(route, found.span)
        page.routes[annotation.id] = [f"{method} {route}" for route in by_route for method in sorted(by_route[route])]
        # Everything else, too: a framework answers what it has no route for in its own way.
        for route in sorted({*by_route, "/"}):
            methods = by_route.get(route, {"ANY"})
            given = {} if "ANY" in methods or route == "/" else {"methods": sorted(methods)}
            at = spans.get(route, annotation.span)
            self.relationships.append(Relationship("attach_service", api.id, service, {"route": route, **given}, at))
        if not exposure.known:
            message = f"what {annotation.title} serves is of no framework known here: its unit gets all routes"
            self._report.warning("annotation-without-effect", message, annotation.span)

    def tell_unreached(self, pages: Iterable[UnitPage]) -> None:
        """Warns of units that nothing can reach."""
        targets = {item.target for item in self.relationships}
        listening = {item.actor for item in self.relationships if item.verb == "subscribes_to"}
        for page in pages:
            service = self._service(page.name)
            if not page.routes and service not in targets | listening:
                message = (
                    f'nothing calls the unit "{page.name}": it exposes nothing, and no other unit uses its functions'
                )
                self._report.warning("annotation-without-effect", message, self.constructs[service].span)


_FRUITFUL = ("persist", "pubsub", "config")
"""Capabilities of which a resource comes; of the others, what nothing came of is told where it is looked for."""


def _tell_fruitless(code: CodeBase, programs: Programs, parts: Iterable[_Part], report: Report) -> None:
    """Reports annotations that nothing came of."""
    used = {id(item.annotation) for part in parts for item in part.findings.resources}
    in_units = {path for part in parts for path in part.unit.files}
    for capability in _FRUITFUL:
        for source, annotation in code.all(capability):
            language, target = language_of(source.path), source.target_of(annotation)
            if id(annotation) in used or target is None or language is None or capability not in language.compiles:
                continue
            if source.path not in in_units:
                message = f"no unit imports the file of {annotation.title}"
                report.warning("annotation-without-effect", message, annotation.span)
                continue
            if DIRECTIVE not in annotation.directives:  # else what is wrong with it is told
                _refuse_shape(programs.of_file(source.path), annotation, report)


def _refuse_shape(program: Program | None, annotation: Annotation, report: Report) -> None:
    known = program.shapes(annotation.capability) if program is not None else ""
    notes = (f"what is known: {known}; others are not supported yet",)
    message = f"nothing came of {annotation.title}: its statement has no shape that is known"
    report.error("annotation-without-effect", message, annotation.span, notes=notes)
