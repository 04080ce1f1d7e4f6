"""`klotho cost` for the command line: what a program, or its whole project, costs in a month.

Input: a program, an environment's name; for a project its registry. Output: `Costs`. Deploys nothing and asks AWS
nothing but, for a project on AWS, its registry. Applications of other repositories are reckoned by the models they
published: their code is not needed, and what their klotho.yaml says of an environment is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from klotho.catalogue.costs import Estimate, Line, Usages, estimate
from klotho.catalogue.costs.estimate import why_free
from klotho.deploy.template import parsed
from klotho.diagnostics import Diagnostic, Span
from klotho.driver.build import Build, build
from klotho.driver.machine import runs_in_ci
from klotho.resources import SHARED, Resource, ResourceKey, choices_to_json, owner_of

if TYPE_CHECKING:
    from klotho.application import Application
    from klotho.driver.identity import Identity
    from klotho.driver.program import Program
    from klotho.registry import Entry
    from klotho.resources import Choice, ResourceGraph


@dataclass(frozen=True)
class Costs:
    """An estimate, and where in the program and its stacks each line belongs."""

    name: str
    """Of the application or the project."""
    environment: str
    local: bool
    """Whether it is priced only for comparison: the local cloud costs nothing."""
    estimate: Estimate
    places: Mapping[ResourceKey, Span]
    """The user's line behind each resource."""
    stacks: Mapping[ResourceKey, str] = field(default_factory=dict)
    """Of an application."""
    applications: Mapping[ResourceKey, str] = field(default_factory=dict)
    """Of a project; what is shared is `shared`."""
    diagnostics: tuple[Diagnostic, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """Of an application: what each construct is made of, and what it could have been."""
    unreadable: tuple[str, ...] = ()
    """Applications of the project whose entries can't be read, and that are not counted."""

    def line_json(self, line: Line) -> dict[str, Any]:
        place = self.places.get(line.resource)
        return {
            "resource": line.resource,
            "type": line.type,
            "construct": line.owner,
            "stack": self.stacks.get(line.resource),
            "application": self.applications.get(line.resource),
            "what": line.charge.what,
            "item": line.price.item,
            "quantity": line.charge.quantity.to_json(),
            "unit": line.price.unit,
            "price": line.price.usd,
            "price_date": line.price.date,
            "price_source": line.price.source,
            "usd": line.usd.to_json(),
            "fixed": line.fixed,
            "follows": list(line.charge.uses),
            "assumes": line.charge.assumes or None,
            "span": place.to_json() if place else None,
        }

    def groups(self) -> dict[str, dict[str, Any]]:
        """Totals by construct, and by stack or application, biggest first."""
        found = self.estimate
        sums = {"construct": found.by(lambda line: line.owner)}
        if self.stacks:
            sums["stack"] = found.by(lambda line: self.stacks.get(line.resource, ""))
        if self.applications:
            sums = {"application": found.by(lambda line: self.applications[line.resource])}
        return {group: dict(items) for group, items in sums.items()}

    def to_json(self) -> dict[str, Any]:
        found = self.estimate
        return {
            "name": self.name,
            "environment": self.environment,
            "region": found.region,
            "currency": "USD",
            "per": "month",
            "total": found.total.to_json(),
            "by": {group: {name: usd.to_json() for name, usd in sums.items()} for group, sums in self.groups().items()},
            "lines": [self.line_json(line) for line in found.biggest],
            "unknown": [
                {"resource": item.resource, "type": item.type, "what": item.what, "why": item.why}
                for item in found.unpriced
            ],
            "free": {
                type_: {"count": count, "why": why_free(type_)}
                for type_, count in sorted(Counter(found.free.values()).items())
            },
            "assumptions": [
                {
                    "construct": owner,
                    "name": item.name,
                    "low": item.low,
                    "expected": item.expected,
                    "high": item.high,
                    "said": item.said is not None,
                    "span": item.said.span.to_json() if item.said and item.said.span else None,
                }
                for owner, item in found.assumptions
            ],
            "taken_for_granted": list(found.taken_for_granted),
            "not_counted": list(self.unreadable),
            "choices": choices_to_json(self.choices),
        }


def costs_of(program: Program, environment: str | None) -> Costs:
    """Of one application, with all that it shares."""
    built = build(program, environment, in_ci=runs_in_ci())
    return Costs(
        built.application.name,
        built.environment.name,
        built.environment.target == "local",
        estimate(built.graph.resources, Usages(built.application), built.region),
        places(built.graph.resources),
        stacks_of(built),
        diagnostics=built.diagnostics,
        choices=built.graph.choices,
    )


def stacks_of(built: Build) -> dict[ResourceKey, str]:
    return {
        built.keys[logical_id]: stack.name
        for stack in built.manifest.stacks
        for logical_id in parsed(built.templates[stack.template]).get("Resources", {})
        if logical_id in built.keys
    }


def places(resources: Mapping[ResourceKey, Resource]) -> dict[ResourceKey, Span]:
    """The first line of the user's behind each resource."""
    found = {}
    for key, resource in resources.items():
        spans = [span for origin in resource.origins for span in origin.spans]
        if spans:
            found[key] = spans[0]
    return found


def costs_of_project(program: Program, environment: str | None, identity: Identity) -> Costs:
    """Of every application that has published, this one as it is now; what they share once."""
    from klotho.driver.project_view import snapshot

    built = build(program, environment, in_ci=runs_in_ci())
    known = snapshot(identity)
    others = [entry.application for entry in known.entries if entry.application.name != built.application.name]
    graphs: list[tuple[Application, Mapping[ResourceKey, Resource]]] = [
        (built.application, built.graph.resources),
        *((item, _elsewhere(item, known.entries, built.environment.name).resources) for item in others),
    ]
    return joined(built, graphs, tuple(str(item.application) for item in known.unreadable))


def _elsewhere(application: Application, entries: tuple[Entry, ...], environment: str) -> ResourceGraph:
    from klotho.driver.foreign import published_for
    from klotho.engine import graph_elsewhere

    return graph_elsewhere(application, environment=environment, foreign=published_for(application, entries))


def joined(
    built: Build,
    graphs: list[tuple[Application, Mapping[ResourceKey, Resource]]],
    unreadable: tuple[str, ...] = (),
) -> Costs:
    """One estimate of several applications; keys of what is theirs alone begin with the application's name."""
    common: dict[ResourceKey, Resource] = {}
    parts: list[Estimate] = []
    applications: dict[ResourceKey, str] = {}
    lines_at: dict[ResourceKey, Span] = {}
    for application, resources in graphs:
        usages, name = Usages(application), application.name
        found = estimate(resources, usages, built.region)
        parts.append(_renamed(found, name))
        applications |= {_key(name, key): name for key in resources if owner_of(key) != SHARED}
        lines_at |= {_key(name, key): span for key, span in places(resources).items()}
        common |= {key: resource for key, resource in resources.items() if owner_of(key) == SHARED}
    together = estimate(common, Usages(*(application for application, _ in graphs)), built.region)
    applications |= dict.fromkeys(common, SHARED)
    lines_at |= places(common)
    whole = together
    for part in parts:
        whole = _plus(whole, part)
    return Costs(
        built.application.project,
        built.environment.name,
        built.environment.target == "local",
        whole,
        lines_at,
        applications=applications,
        diagnostics=built.diagnostics,
        unreadable=unreadable,
    )


def _key(application: str, key: ResourceKey) -> ResourceKey:
    return ResourceKey(f"{application}/{key}")


def _renamed(found: Estimate, application: str) -> Estimate:
    """Without what is shared."""
    return replace(
        found,
        lines=tuple(
            replace(line, resource=_key(application, line.resource), owner=f"{application}/{line.owner}")
            for line in found.lines
            if line.owner != SHARED
        ),
        unpriced=tuple(
            replace(item, resource=_key(application, item.resource), owner=f"{application}/{item.owner}")
            for item in found.unpriced
            if item.owner != SHARED
        ),
        free={_key(application, key): type_ for key, type_ in found.free.items() if owner_of(key) != SHARED},
        assumptions=tuple((f"{application}/{name}", item) for name, item in found.assumptions if name != SHARED),
    )


def _plus(first: Estimate, second: Estimate) -> Estimate:
    return replace(
        first,
        lines=first.lines + second.lines,
        unpriced=first.unpriced + second.unpriced,
        free={**first.free, **second.free},
        assumptions=first.assumptions + second.assumptions,
    )
