"""Makes an application of annotated code.

Input: a folder. Output: `Compiled`: the same `Application` that an infra.py gives, and the files of each unit below
`compiled/`. Refuses nothing by raising: what is wrong is in the report, and then the result is incomplete. What
annotations mean for the code each language knows; here findings become constructs and relationships. No process, no
network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klotho.annotations.assets import Assets, StaticUnit
from klotho.annotations.dockerfiles import refuse_strangers, with_own
from klotho.annotations.doors import with_doors
from klotho.annotations.findings import Exposure, Findings, Resource, construct_name
from klotho.annotations.hosting import IN_A_CONTAINER, Hosting
from klotho.annotations.key_values import check_ttl, ttl
from klotho.annotations.languages import Program
from klotho.annotations.model import Annotation
from klotho.annotations.mounting import Claim, ServedPath, by_preference, claims, is_above, not_claimed, routes_of
from klotho.annotations.programs import Programs, language_of
from klotho.annotations.reading import CodeBase, read_code_base
from klotho.annotations.units import Unit, owners, split
from klotho.annotations.variables import DIRECTIVE
from klotho.annotations.warming import EVERY, is_kept_warm, warm_units
from klotho.application import Application, Construct, ConstructId, Directive, Relationship, token, validate
from klotho.diagnostics import Label, Report, Severity, Span

OUTPUT = "compiled"
STATIC_UNITS = "static-units.json"
"""Among the files: the folders beside it that hold no unit's code but what browsers get."""
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
    assets: list[str] = field(default_factory=list)
    """Files that it has without importing them."""


@dataclass(frozen=True, slots=True)
class StaticPage:
    """What was found of a static unit, for people."""

    name: str
    index: str
    files: list[str]
    """As they are served."""
    sources: list[str]
    """Of the program."""


@dataclass
class Compiled:
    application: Application
    files: dict[str, bytes] = field(default_factory=dict)
    """Relative to the output folder: `shop/index.js`."""
    units: list[UnitPage] = field(default_factory=list)
    static: list[StaticPage] = field(default_factory=list)
    made: dict[str, dict[str, tuple[ConstructId, ...]]] = field(default_factory=dict)
    """What the annotations of each id make, by capability."""


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
    owned = programs.owned(owners(code, report))
    mounts = programs.mounts({path: annotation.id or "" for path, annotation in owned.items()})
    units = split(code, owned, mounts, programs.imports, programs.begins, programs.begins_by)
    parts = [
        _Part(unit, program, program.find(unit)) for unit in units if (program := programs.of_unit(unit)) is not None
    ]
    hosting = _fitting(hosting, parts, report)
    compiler, compiled, assets = _Compiler(report, hosting), Compiled(Application(name="")), Assets(code, report)
    static = assets.static_units(units)
    assets.check_embedded()
    for part in parts:
        part.findings.assets += assets.embedded(part.unit, units)
    compiled.units = [compiler.add(part) for part in parts]
    compiler.expose(parts, {page.name: page for page in compiled.units})
    for unit, annotation in warm_units(code, units).items():
        compiler.keep_warm(unit, annotation)
    for part in parts:
        compiled.files.update(_written(part, parts, code, hosting, compiler))
    refuse_strangers(code.dockerfiles, (unit.name for unit in units), report)
    for site in static:
        compiler.publish(site)
        compiled.static.append(StaticPage(site.name, site.index, sorted(site.files), sorted(site.files.values())))
        compiled.files.update({f"{site.name}/{at}": (root / path).read_bytes() for at, path in site.files.items()})
    if static:
        compiled.files[STATIC_UNITS] = f"{json.dumps([site.name for site in static])}\n".encode()
    application = Application(
        name=name or _name(programs.package_name or root.name),
        constructs=tuple(compiler.constructs.values()),
        relationships=tuple(compiler.relationships),
        directives=tuple(compiler.directives),
    )
    compiled.made = compiler.made
    exposures = [exposure for part in parts for exposure in part.findings.exposures]
    compiled.application = with_doors(application, exposures, hosting, report)
    compiler.tell_unreached(compiled.units)
    _tell_fruitless(code, programs, parts, report)
    code.memory.keep()
    if not report.errors and compiled.application.constructs:
        validate(compiled.application, report)
    return compiled


def _fitting(hosting: Hosting, parts: Iterable[_Part], report: Report) -> Hosting:
    """Units of languages that make no functions of Lambda run there in a container, whatever they are told."""
    told: set[Span] = set()
    for part in parts:
        language, name = language_of(part.unit.entries[0]), construct_name(part.unit.name)
        host, said = hosting.of(name)
        if language is None or host.form in language.forms:
            continue
        hosting = hosting.in_a_container(name)
        if said is not None and said not in told:  # a default says it of many
            told.add(said)
            message = f"what is written in {language.name} runs on Lambda in a container"
            helps = (f"write `type: {IN_A_CONTAINER}`, or leave it out: it is the same",)
            report.error("annotation-host", message, said, helps=helps, severity=Severity.INFO)
    return hosting


def _written(
    part: _Part, parts: list[_Part], code: CodeBase, hosting: Hosting, compiler: _Compiler
) -> dict[str, bytes]:
    """A unit's files, below the output folder, once the compiler knows how they are packed."""
    name, folder = part.unit.name, construct_name(part.unit.name)
    form, called = hosting.of(folder)[0].form, _called(part.unit, parts)
    written = part.program.write(part.unit, part.findings, called, form)
    compiler.packed(part.unit, written.handler, written.assets)
    is_called = bool(called or part.unit.served)
    files = with_own(code.dockerfiles.get(name), code.root, name, form, is_called, written, code.report)
    return {f"{folder}/{path}": content for path, content in files.items()}


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
        self.made: dict[str, dict[str, tuple[ConstructId, ...]]] = {}
        self.relationships: list[Relationship] = []
        self._ids: dict[ConstructId, tuple[str, str]] = {}
        """The capability and id of the annotations that each construct is of."""
        self._asked: dict[ConstructId, Resource] = {}
        """What asked for each construct first."""
        self._related: set[tuple[str, ConstructId, ConstructId]] = set()

    def add(self, part: _Part) -> UnitPage:
        unit, findings = part.unit, part.findings
        page, service = UnitPage(unit.name, unit.files), self._service(unit.name)
        self._made(
            Construct(service.partition("/")[0], construct_name(unit.name), {}, unit.span), "execution_unit", unit.name
        )
        self._note("execution_unit", unit.name, service)
        for resource in findings.resources:
            self._use(service, resource, page)
            if "subscribes_to" in resource.verbs:
                self._check_listening(service, resource.annotation)
        for path, names in findings.remote.items():
            if names:
                self._relate("calls", service, self._service(unit.remote[path]), unit.span)
            page.calls += [f"{unit.remote[path]}: {path} {name}" for name in names]
        page.assets = findings.assets
        return page

    def keep_warm(self, unit: str, annotation: Annotation) -> None:
        name = construct_name(unit)
        if is_kept_warm(*self._hosting.of(name), unit, annotation, self._report):
            times = Construct("Schedule", f"warm-{name}", {"every": EVERY}, annotation.span)
            self._relate(
                "triggered_by", self._service(unit), self._made(times, "execution_unit", unit).id, annotation.span
            )

    def publish(self, static: StaticUnit) -> None:
        """The site of a static unit, whose pages are told the addresses of the APIs."""
        annotation, folder = static.annotation, f"{OUTPUT}/{static.name}"
        for other in self.constructs.values():
            if other.name == static.name and other.kind in ("Compute.Function", "Compute.Container"):
                also = [Label(other.span, "the unit")] if other.span else []
                message = f'{annotation.title} and the unit "{other.name}" would share the folder `{folder}`'
                helps = ("give one of them another id",)
                self._report.error("annotation-duplicate", message, annotation.span, also=also, helps=helps)
        apis = [item for item in self.constructs.values() if item.kind == "API"]
        told = {re.sub(r"\W", "_", f"{api.name}-url").upper(): token(api.id, "url") for api in apis}
        properties = {"directory": folder, "index": static.index, **({"environment": told} if told else {})}
        site = self._made(Construct("Site", static.name, properties, annotation.span), "static_unit", static.name)
        self._note("static_unit", annotation.id, site.id)

    def _service(self, unit: str) -> ConstructId:
        name = construct_name(unit)
        kind = "Compute.Function" if self._hosting.of(name)[0].form == "function" else "Compute.Container"
        return ConstructId(f"{kind}/{name}")

    def packed(self, unit: Unit, handler: str, assets: tuple[str, ...]) -> None:
        """What the unit becomes, once its code is written. `assets`: what no import leads to."""
        service, name = self._service(unit.name), construct_name(unit.name)
        host, said = self._hosting.of(name)
        # One stack whatever it runs on: routes are changed in it, not made a second time beside the old ones.
        properties: dict[str, Any] = {"context": f"{OUTPUT}/{name}"}
        if host.form == "function":
            properties |= {"handler": handler, **({"include": list(assets)} if assets else {})}
        kind, stack = service.partition("/")[0], f"{name}-unit"
        self.constructs[service] = Construct(kind, name, properties, unit.span, stack=stack)
        if host.pin is not None:
            self.directives.append(Directive(service, "use", host.pin, {}, said))

    def _note(self, capability: str, id: str | None, construct: ConstructId) -> None:
        of_id = self.made.setdefault(capability, {})
        before = of_id.get(id or "", ())
        of_id[id or ""] = before if construct in before else (*before, construct)

    def _made(self, construct: Construct, capability: str, id: str) -> Construct:
        """The construct, once; ids that differ in `/`, `:` and `-` only would be the same one."""
        first = self.constructs.setdefault(construct.id, construct)
        if self._ids.setdefault(construct.id, (capability, id)) != (capability, id):
            message = f"two annotations give the name `{construct.name}`"
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
        wanted = Construct(resource.kind, name, dict(resource.properties), annotation.span)
        made = self._made(wanted, annotation.capability, annotation.id or "")
        check_ttl(resource, self._report)
        self._check_twin(made, resource)
        self._note(annotation.capability, annotation.id, made.id)
        page.stores.append(resource.name or annotation.id or name)
        for verb in resource.verbs:
            self._relate(verb, service, made.id, annotation.span)

    def _check_twin(self, made: Construct, resource: Resource) -> None:
        """What files of two languages use together is the same for both."""
        annotation, first = resource.annotation, self._asked.setdefault(made.id, resource)
        if self._ids[made.id] != (annotation.capability, annotation.id):  # told
            return
        # A secret may be of several constructs, which are all of one annotation then.
        others = self.made.get(annotation.capability, {}).get(annotation.id or "", ())
        strangers = [self._asked[item] for item in others if self._asked[item].annotation != annotation]
        if made.id not in others and strangers:
            first = strangers[0]
        elif _asked(first) == _asked(resource):
            return
        also = [Label(first.annotation.span, _shown(first))]
        message = f"{annotation.title} stands twice, and asks for different things"
        text, helps = _shown(resource), ("ask for the same, or give one of them another id",)
        self._report.error("annotation-duplicate", message, annotation.span, text=text, also=also, helps=helps)

    def _check_listening(self, service: ConstructId, annotation: Annotation) -> None:
        """A container fetches what it is told from a queue: on Lambda it does not run in between."""
        name = service.partition("/")[2]
        host, said = self._hosting.of(name)
        if host.pin == "lambda-container":
            message = f'the unit "{name}" listens to {annotation.title}: in a container on Lambda nothing waits for it'
            also = [Label(said, "it runs in one")] if said else []
            helps = (f"write `execution_units.{name}.type: lambda`, or `fargate`, in klotho.yaml",)
            self._report.error("annotation-not-yet", message, annotation.span, also=also, helps=helps)

    def expose(self, parts: Sequence[_Part], pages: Mapping[str, UnitPage]) -> None:
        """What the units serve, each what it owns."""
        serving: dict[str, Exposure] = {}
        for part in parts:
            for exposure in part.findings.exposures:
                found, home = claims(exposure.mounts, self._report), part.unit.name
                serve = {home, *(mount.unit for mount in exposure.mounts)}
                for unit in sorted(serve):
                    self._serves_one(unit, serving.setdefault(unit, exposure), exposure)
                self._expose(home, exposure, found, pages)
                self._hand_on(home, found)
                for other in parts:
                    if other.unit.name in serve and exposure.mounts:
                        other.unit.served = by_preference(found)

    def _hand_on(self, home: str, found: list[Claim]) -> None:
        """An API tells `/pets/` from `/pets`: such a request comes to who has what is above, and is handed on."""
        for claim in found:
            above = {other.unit for other in found if is_above(other.path, claim.path)}
            for unit in sorted({home, *above} - {claim.unit}):
                self._relate("calls", self._service(unit), self._service(claim.unit), claim.mount.span)

    def _serves_one(self, unit: str, first: Exposure, other: Exposure) -> None:
        """A unit that has the application of another one for a router of it can't have a second application."""
        if first is not other and (first.mounts or other.mounts):
            one, two = first.annotation, other.annotation
            message = f'the unit "{unit}" would serve routers of two applications: of {one.title} and of {two.title}'
            self._report.error("annotation-router", message, two.span, also=[Label(one.span, "the first one")])

    def _expose(self, unit: str, exposure: Exposure, found: list[Claim], pages: Mapping[str, UnitPage]) -> None:
        annotation = exposure.annotation
        assert annotation.id is not None
        api = self._made(Construct("API", construct_name(annotation.id), {}, annotation.span), "expose", annotation.id)
        self._note("expose", annotation.id, api.id)
        for route in routes_of(exposure.routes):
            pages[unit].routes.setdefault(annotation.id, []).extend(route.shown)
        pages[unit].routes.setdefault(annotation.id, [])
        # Everything else, too: a framework answers what it has no route for in its own way.
        named = routes_of(not_claimed(exposure.routes, found))
        if all(item.path != "/" for item in named):
            named.append(ServedPath("/", {"ANY"}, annotation.span))
        for item in sorted(named, key=lambda item: item.path):
            given = {} if "ANY" in item.methods or item.path == "/" else {"methods": sorted(item.methods)}
            self._attach(api, unit, item.path, given, item.span)
        for claim in found:
            self._attach(api, claim.unit, claim.path, {}, claim.mount.span)
        for mount in exposure.mounts:
            shown = pages[mount.unit].routes.setdefault(annotation.id, [])
            shown += [text for route in routes_of(mount.routes) for text in route.shown]
        self._tell_framework(exposure)

    def _tell_framework(self, exposure: Exposure) -> None:
        annotation, framework = exposure.annotation, exposure.framework
        if exposure.is_refused:
            return
        if framework is not None:
            message = (
                f"the routes of {framework} are not supported yet: the unit of {annotation.title} gets all requests"
            )
            self._report.warning("annotation-without-effect", message, annotation.span)
        elif not exposure.known:
            message = f"what {annotation.title} serves is of no framework known here: its unit gets all routes"
            self._report.warning("annotation-without-effect", message, annotation.span)

    def _attach(self, api: Construct, unit: str, route: str, given: Mapping[str, Any], span: Span) -> None:
        properties = {"route": route, **given}
        self.relationships.append(Relationship("attach_service", api.id, self._service(unit), properties, span))

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


def _asked(resource: Resource) -> tuple[Any, ...]:
    return resource.properties, ttl(resource.annotation), resource.layout


def _shown(resource: Resource) -> str:
    name, seconds = resource.name or construct_name(resource.annotation.id or ""), ttl(resource.annotation)
    how = resource.layout if seconds is None else f"whose entries are there for {seconds} s"
    return f"the {resource.kind} `{name}` here{how and f', {how}'}"


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
            if DIRECTIVE in annotation.directives:  # what is wrong with it is told
                continue
            program = programs.of_file(source.path)
            assert program is not None
            _refuse_shape(program, annotation, program.library(source.path, target), report)


def _refuse_shape(program: Program, annotation: Annotation, library: str | None, report: Report) -> None:
    known = program.shapes(annotation.capability)
    if library is not None:
        message = f"{library} under `@klotho::{annotation.capability}` is not supported yet"
        report.error("annotation-not-yet", message, annotation.span, notes=(f"what is supported: {known}",))
        return
    notes = (f"what is known: {known}; others are not supported yet",)
    message = f"nothing came of {annotation.title}: its statement has no shape that is known"
    report.error("annotation-without-effect", message, annotation.span, notes=notes)
