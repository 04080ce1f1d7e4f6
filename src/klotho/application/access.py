"""Who may call which route of an API: `authenticates_with` and `attach_service(public=True)` laid over the routes.

Input: an API's attachments and its rules (`authenticates_with`). Output: for one attachment the keys it serves, each
with the rule that guards it. Of several rules for one request the most specific wins: the longer route, then plain
segments before parameters, then named methods before all methods; `public=True` counts as a rule of its attachment's
own route and wins there. Refuses nothing; `problems` finds rules that contradict each other or guard nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from klotho.application.model import Application, ConstructId, Relationship
from klotho.application.routes import ANY, METHODS, Route, Segments, covers, meet, methods_of, parse_route, shape_of

GUARD = "authenticates_with"
ATTACH = "attach_service"


class GuardedKey(NamedTuple):
    """A method and a route, with everything below it."""

    method: str
    """`GET` …, or `ANY`."""
    route: Route
    guard: Relationship | None
    """The `authenticates_with` that guards it; None when everybody may call it."""


class Problem(NamedTuple):
    """A rule that can't be meant so."""

    code: str
    rule: Relationship
    other: Relationship | None


def guarded_keys(application: Application, attachment: Relationship, *, preflights: bool) -> list[GuardedKey]:
    """Every key an attachment must serve so that each request meets the right guard.

    `preflights`: browsers of other origins ask first, without a token. A guarded `ANY` would take their OPTIONS too and
    turn them away, and an open OPTIONS would reach the service without a token. So no key of a guarded API takes
    OPTIONS then: each names the other methods one by one, the open ones too, since an open `ANY /{proxy+}` would
    answer below a guarded route whatever that one does not name. API Gateway answers preflights that no route takes.
    """
    own, rules = _route(attachment), _of(application, attachment.actor, GUARD)
    if not rules:  # the usual case, and the only one that must be linear in the number of routes
        return [GuardedKey(method, Route(own), None) for method in _methods(own, attachment, rules, preflights)]
    others = [item for item in _of(application, attachment.actor, ATTACH) if item is not attachment]
    places = _places(own, rules)
    found: list[GuardedKey] = []
    for place in sorted(places, key=lambda item: (len(item), item)):
        around = [item for item in places if item is not place and covers(item, place)]
        for method in _methods(place, attachment, rules, preflights):
            guard = _guard(place, method, attachment, rules)
            # Which of several longer keys would answer instead is not documented, so all of them must agree.
            same = bool(around) and all(_guard(item, method, attachment, rules) is guard for item in around)
            if not same and not any(_owns(item, attachment, place, method) for item in others):
                found.append(GuardedKey(method, Route(place), guard))
    return found


def problems(application: Application) -> Iterator[Problem]:
    """Two rules for the same requests, a rule for what is public, a rule where nothing is served."""
    seen: list[Relationship] = []
    for rule in application.relationships:
        if rule.verb != GUARD or parse_route(str(rule.properties.get("route", "/"))).problem:
            continue
        mine = [item for item in seen if item.actor == rule.actor]
        seen.append(rule)
        twin = next((item for item in mine if _same(item, rule)), None)
        if twin is not None:
            yield Problem("two-authenticators", rule, twin)
        attachments = _of(application, rule.actor, ATTACH)
        public = [item for item in attachments if item.properties.get("public") and _route(item)]
        open_door = next((item for item in public if _same(item, rule)), None)
        if open_door is not None:
            yield Problem("public-and-authenticated", rule, open_door)
        if _route(rule) and not any(_serves(item, rule) for item in attachments):
            yield Problem("nothing-served", rule, None)


def open_around(application: Application) -> Iterator[tuple[Relationship, Relationship]]:
    """Rules for a part of what a service serves openly, each with the open attachment around it.

    API Gateway compares paths as they are written: `//admin`, `/Admin` and perhaps `/admin/` are not `/admin`, and
    reach the open route. A service that is open nowhere around its guarded route can't be reached so.
    """
    for rule in application.relationships:
        attachments = _of(application, rule.actor, ATTACH) if rule.verb == GUARD else []
        rules = _of(application, rule.actor, GUARD)
        guarded = {
            item.target
            for item in attachments
            if any(key.guard is rule for key in guarded_keys(application, item, preflights=False))
        }
        for item in attachments:
            route = _route(item)
            below = len(route) < len(_route(rule)) and meet(route, _route(rule)) is not None
            is_open = any(_guard(route, method, item, rules) is None for method in methods_of(item.properties))
            if item.target in guarded and below and is_open:
                yield rule, item
                break


def route_count(application: Application, attachment: Relationship, *, preflights: bool) -> int:
    """How many routes of API Gateway an attachment becomes: each key's own path, and all below it."""
    return 2 * len(guarded_keys(application, attachment, preflights=preflights))


def _of(application: Application, api: ConstructId, verb: str) -> list[Relationship]:
    return [item for item in application.relationships_of(api) if item.verb == verb]


def _route(item: Relationship) -> Segments:
    return parse_route(str(item.properties.get("route", "/"))).segments


def _same(one: Relationship, other: Relationship) -> bool:
    return shape_of(_route(one)) == shape_of(_route(other)) and bool(
        methods_of(one.properties) & methods_of(other.properties)
    )


def _serves(attachment: Relationship, rule: Relationship) -> bool:
    methods, wanted = methods_of(attachment.properties), methods_of(rule.properties)
    return meet(_route(attachment), _route(rule)) is not None and bool(methods & wanted or ANY in methods | wanted)


def _places(own: Segments, rules: Sequence[Relationship]) -> list[Segments]:
    """The attachment's route, and every place below it where another rule may begin."""
    places = [own]
    for rule in rules:
        for place in list(places):
            met = meet(place, _route(rule))
            if met is not None and shape_of(met) not in [shape_of(item) for item in places]:
                places.append(met)
    return places


def _rank(route: Segments) -> tuple[int, Segments]:
    return len(route), tuple("" if segment.startswith("{") else "plain" for segment in route)


def _guard(
    place: Segments, method: str, attachment: Relationship, rules: Sequence[Relationship]
) -> Relationship | None:
    """The rule for a method at a place, None for everybody."""
    best: tuple[tuple[int, Segments], int, int] = ((-1, ()), 0, 0)
    guard: Relationship | None = None
    public = [attachment] if attachment.properties.get("public") else []
    for rule in (*rules, *public):
        methods = methods_of(rule.properties)
        if not covers(_route(rule), place) or not (method in methods or ANY in methods):
            continue
        rank = (_rank(_route(rule)), int(rule is attachment), int(method in methods))
        if rank > best:
            best, guard = rank, None if rule is attachment else rule
    return guard


def _methods(place: Segments, attachment: Relationship, rules: Sequence[Relationship], preflights: bool) -> list[str]:
    served = methods_of(attachment.properties)
    if ANY not in served:
        own = _route(attachment)
        # Below an open OPTIONS that was asked for by name, leaving it out would open this place, too.
        if preflights and all(_guard(item, "OPTIONS", attachment, rules) is not None for item in (own, place)):
            served -= {"OPTIONS"}
        return sorted(served)
    if preflights and rules:
        return sorted(set(METHODS) - {"OPTIONS"})
    everything = _guard(place, ANY, attachment, rules)
    named = {name for rule in rules for name in methods_of(rule.properties) - {ANY}}
    return [ANY, *sorted(name for name in named if _guard(place, name, attachment, rules) is not everything)]


def _owns(other: Relationship, attachment: Relationship, place: Segments, method: str) -> bool:
    """Whether another attachment is the one that answers this method here."""
    if not covers(_route(other), place):  # first, because this is asked of all pairs of attachments
        return False
    methods = methods_of(other.properties)
    if not (method in methods or ANY in methods):
        return False
    mine = (_rank(_route(attachment)), int(method in methods_of(attachment.properties)))
    return (_rank(_route(other)), int(method in methods)) > mine
