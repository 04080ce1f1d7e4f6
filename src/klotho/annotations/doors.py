"""What stands before units: an HTTP API, a public load balancer, or for a private API one inside the network.

Input: the application as the annotations make it, with all its routes; what its APIs expose. Output: the same
application with each API as klotho.yaml and its annotation's `target` want it. Refuses by name what a load balancer
can't lead to. A load balancer knows no parameter within a route: such a route is left out where what has all
others serves it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from klotho.annotations.findings import Exposure, construct_name
from klotho.annotations.hosting import DOORS, ON_ECS, Hosting, Said
from klotho.annotations.model import Annotation
from klotho.application import Application, Construct, Directive, Relationship
from klotho.application.access import ATTACH
from klotho.application.routes import parse_route
from klotho.diagnostics import Label, Report, one_of

TARGETS = ("public", "private")
"""Of `expose`: who reaches it."""


def with_doors(
    application: Application, exposures: Iterable[Exposure], hosting: Hosting, report: Report
) -> Application:
    by_name = {construct_name(item.annotation.id or ""): item.annotation for item in exposures}
    constructs, directives = list(application.constructs), list(application.directives)
    balanced = set()
    for at, api in enumerate(constructs):
        annotation = by_name.get(api.name)
        if api.kind != "API" or annotation is None:
            continue
        private = annotation.directives.get("target") == "private"
        said = hosting.doors.get(api.name)
        if private:
            constructs[at] = replace(api, properties={**api.properties, "public": False})
            _check_private(annotation, said, report)
        elif said is not None:
            directives.append(Directive(api.id, "use", DOORS[said.type], {}, said.span))
        elif hosting.default_door.type == "alb":
            said = hosting.default_door
            directives.append(Directive(api.id, "use", DOORS["alb"], {}, said.span))
        if private or (said is not None and said.type == "alb"):
            balanced.add(api.id)
        if not private and said is not None and said.type == "alb":
            _check_hosts(application, api, annotation, hosting, said, report)
    kept = [item for item in application.relationships if item.actor not in balanced or item.verb != ATTACH]
    for name in sorted(balanced):
        kept += _sayable([item for item in application.relationships_of(name) if item.verb == ATTACH])
    return replace(application, constructs=tuple(constructs), relationships=tuple(kept), directives=tuple(directives))


def _sayable(attached: list[Relationship]) -> Iterator[Relationship]:
    rest = next((item.target for item in attached if item.properties.get("route") == "/"), None)
    for item in attached:
        segments = parse_route(str(item.properties["route"])).segments
        if item.target != rest or not any(segment.startswith("{") for segment in segments[:-1]):
            yield item


def _check_private(annotation: Annotation, said: Said | None, report: Report) -> None:
    if said is not None and said.type != "alb":
        message = f"{annotation.title} is private, and `type: {said.type}` faces the internet"
        also = [Label(annotation.span, "it is private")]
        helps = ("write `type: alb`, or leave it out: a private API is a load balancer inside the network",)
        report.error("settings-value", message, said.span, also=also, helps=helps)


def _check_hosts(
    application: Application, api: Construct, annotation: Annotation, hosting: Hosting, said: Said, report: Report
) -> None:
    attached = {item.target for item in application.relationships_of(api.id) if item.verb == ATTACH}
    for unit in sorted(target.partition("/")[2] for target in attached):
        host = hosting.type_of(unit).type
        if host not in ON_ECS:
            message = f'{annotation.title} is a public load balancer, and it can\'t lead to the unit "{unit}" on {host}'
            notes = (f"it leads to what runs on {one_of(ON_ECS)}",)
            helps = (f"write `execution_units.{unit}.type: fargate`, or `type: apigateway` here",)
            report.error("settings-value", message, said.span, notes=notes, helps=helps)
