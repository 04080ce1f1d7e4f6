"""Findings become constructs and relationships: the same for every language.

Input: the units with what was found in them, and where they run. Output: what an `Application` is made of, and a page
of each unit for people. What does not go together is in the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klotho.annotations.assets import StaticUnit
from klotho.annotations.findings import Exposure, Findings, Resource, construct_name
from klotho.annotations.hosting import Hosting
from klotho.annotations.key_values import check_ttl, ttl
from klotho.annotations.languages import Program
from klotho.annotations.model import Annotation
from klotho.annotations.mounting import Claim, ServedPath, by_preference, claims, is_above, not_claimed, routes_of
from klotho.annotations.pages import UnitPage
from klotho.annotations.units import Unit
from klotho.annotations.warming import EVERY, is_kept_warm
from klotho.application import Construct, ConstructId, Directive, Relationship, token
from klotho.diagnostics import Label, Report, Span

OUTPUT = "compiled"
"""The folder that units are written into."""


@dataclass(frozen=True, slots=True)
class Part:
    """A unit with its program and what was found in it."""

    unit: Unit
    program: Program
    findings: Findings


class Compiler:
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

    def add(self, part: Part) -> UnitPage:
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

    def expose(self, parts: Sequence[Part], pages: Mapping[str, UnitPage]) -> None:
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
        pages[unit].serves(annotation.id, routes_of(exposure.routes))
        # Everything else, too: a framework answers what it has no route for in its own way.
        named = routes_of(not_claimed(exposure.routes, found))
        if all(item.path != "/" for item in named):
            named.append(ServedPath("/", {"ANY": annotation.span}, annotation.span))
        for item in sorted(named, key=lambda item: item.path):
            given = {} if "ANY" in item.methods or item.path == "/" else {"methods": sorted(item.methods)}
            self._attach(api, unit, item.path, given, item.span)
        for claim in found:
            self._attach(api, claim.unit, claim.path, {}, claim.mount.span)
        for mount in exposure.mounts:
            pages[mount.unit].serves(annotation.id, routes_of(mount.routes))
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
