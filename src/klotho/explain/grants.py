"""Who may do what: the statements of policies, each with what grants it and what to remove so that it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.kinds import implementation
from klotho.explain.model import Grant, Why
from klotho.explain.places import Place, Places
from klotho.explain.program import Compiled
from klotho.explain.values import spoken
from klotho.explain.why import Reasons
from klotho.resources import Provenance, Ref, Resource, Value, owner_of
from klotho.resources.changes import Path

_CALLS = "AWS::Lambda::Permission"


def grants_of(resource: Resource, program: Compiled, reasons: Reasons) -> Iterator[Grant]:
    """The permissions that a resource gives; none for most."""
    places = program.places(resource.key)
    for place in statements(resource, places):
        found = _reasons(places, place) if place.path else list(resource.origins)
        whys = tuple(dict.fromkeys(reasons.why(item) for item in found))
        yield Grant(
            place.text,
            _sentence(resource, place.value, program),
            whys,
            _removal(found, whys, reasons, program.name_of(owner_of(resource.key))),
        )


def statements(resource: Resource, places: Places) -> Iterator[Place]:
    if resource.type == _CALLS:
        yield Place((), resource.properties)
    for place in places.all():
        if len(place.path) > 1 and place.path[-2] == "Statement" and isinstance(place.value, dict):
            yield place


def _reasons(places: Places, place: Place) -> list[Provenance]:
    """Everybody who wants the statement."""
    decided = [decision for _, decision in places.decisions(place.path)]
    return list(dict.fromkeys(item for decision in decided for item in (decision.winner, *decision.agreeing)))


def _sentence(resource: Resource, statement: Mapping[str, Any], program: Compiled) -> str:
    """code of `users` may do secretsmanager:GetSecretValue with …"""
    if resource.type == _CALLS:
        who, where = statement.get("Principal"), statement.get("SourceArn")
        called = spoken(statement.get("FunctionName"), program)
        return f"{spoken(who, program)} may call {called}" + (f", for {spoken(where, program)}" if where else "")
    principal = statement.get("Principal")
    who = _bearer(resource, program) if principal is None else _principal(principal, program)
    actions = ", ".join(_texts(statement.get("Action", statement.get("NotAction")), program, ("Action",)))
    may = "may" if statement.get("Effect", "Allow") == "Allow" else "may not"
    if "sts:AssumeRole" in actions:
        return f"{who} {may} act with this role (`sts:AssumeRole`)"
    on = ", ".join(_texts(statement.get("Resource"), program)) or "this"
    condition = f", where {spoken(statement['Condition'], program)}" if "Condition" in statement else ""
    return f"{who} {may} do {actions} with {on}{condition}"


def _bearer(resource: Resource, program: Compiled) -> str:
    """Who has the role of a policy: the user's own code, or what else runs for a construct."""
    role = resource.properties.get("RoleName")
    construct = program.construct(owner_of(resource.key))
    if not isinstance(role, Ref):
        return "who has this policy"
    if construct is not None and construct.id in program.graph.choices:
        compute = implementation(construct.kind, program.graph.choices[construct.id].implementation).compute
        if compute is not None and compute.role(construct) == role.resource:
            return f"code of `{construct.label}`"
    return f"what runs under the role `{program.ids.get(role.resource, role.resource)}`"


def _principal(principal: Value, program: Compiled) -> str:
    if principal == "*":
        return "everybody"
    return ", ".join(
        f"{kind} {text}" if kind != "Service" else f"AWS's service {text}"
        for kind, item in principal.items()
        for text in _texts(item, program)
    )


def _texts(value: Value, program: Compiled, path: Path = ()) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [spoken(item, program, path).strip('"') for item in items]


def _removal(found: list[Provenance], whys: tuple[Why, ...], reasons: Reasons, owner: str) -> str:
    links = [why for why in whys if why.said]
    if len(links) < len(whys):
        others = [item for item in found if reasons.relationship(item) is None]
        of = sorted({f"`{item.label}`" for other in others for item in reasons.constructs(other)})
        return f"no line of its own grants it: it comes with {', '.join(of) or f'`{owner}`'}, which needs it to work"
    lines = sorted({(str(why.lines[0].span) if why.lines else "", f"`{why.said}`") for why in links})
    named = " and ".join(f"{at} {text}".strip() for at, text in lines)
    if len(lines) == 1:
        return f"remove {named} and it goes; no other line grants it"
    return f"it stays until all of these are removed: {named}"
