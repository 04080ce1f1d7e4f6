"""Rules about paths: what can be reached from where, by the relationships of one application or of a project's.

Input: a rule, the applications. Output: for each thing that can be reached, its shortest path. A reference
(`from_project=True`) is the construct that some application defines. Linear in relationships for each starting point.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.application.access import ATTACH, GUARD, guarded_keys
from klotho.guardrails.bundle import Rule
from klotho.guardrails.conditions import fits
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.guardrails.vocabulary import INTERNET, VERBS

_REVERSED = frozenset({"consumes", "subscribes_to", "triggered_by"})
"""Verbs by which the target reaches the actor."""
_FOLLOWED = frozenset(VERBS) - {"authenticates_with", "uses"}
_OPEN = ("API", "Site")
"""Kinds that answer the internet, unless they say `public=False`."""


class Node(NamedTuple):
    """A construct where it is defined."""

    application: str
    id: ConstructId


class Step(NamedTuple):
    """A relationship that leads from one construct to the next."""

    to: Node
    relationship: Relationship
    application: str
    """Whose program says it."""


class Route(NamedTuple):
    """A path that should not be."""

    start: Node
    steps: tuple[Step, ...]
    public: bool
    """Whether it begins in the internet."""

    @property
    def applications(self) -> frozenset[str]:
        """Whose constructs it leads through, and whose programs lead it on."""
        saying = {step.application for step in self.steps}
        return frozenset({self.start.application, *saying, *(step.to.application for step in self.steps)})


class Landscape:
    """Constructs and who reaches whom."""

    def __init__(self, applications: Iterable[Application]) -> None:
        self.applications = {item.name: item for item in applications}
        self.constructs: dict[Node, Construct] = {}
        owners: dict[str, Node] = {}
        for name, application in sorted(self.applications.items()):
            for construct in application.constructs:
                if not construct.from_project:
                    node = Node(name, construct.id)
                    self.constructs[node] = construct
                    owners.setdefault(f"{construct.kind}/{construct.label}", node)
                    owners.setdefault(construct.id, node)
        self._owners = owners

    def node(self, application: str, construct: ConstructId) -> Node:
        """Where it is defined; a reference to what nobody defines is a construct of its own."""
        known = self.applications[application].by_id.get(construct)
        here = Node(application, construct)
        if known is None or not known.from_project:
            return here
        found = self._owners.get(construct, here)
        self.constructs.setdefault(found, known)
        return found

    def steps(self, verbs: frozenset[str], *, unguarded: bool) -> Mapping[Node, list[Step]]:
        """Who reaches whom by these verbs. `unguarded`: only by routes that ask nobody who is calling."""
        found: dict[Node, list[Step]] = {}
        for name, application in sorted(self.applications.items()):
            guarded = {item.actor for item in application.relationships if item.verb == GUARD} if unguarded else set()
            for item in application.relationships:
                if item.verb not in verbs or (item.actor in guarded and _is_guarded(application, item)):
                    continue
                actor, target = self.node(name, item.actor), self.node(name, item.target)
                if item.verb in _REVERSED:
                    actor, target = target, actor
                found.setdefault(actor, []).append(Step(target, item, name))
        return found


def paths(rule: Rule, judged: Judged) -> Iterator[Finding]:
    """Every path of one application that the rule does not want."""
    landscape = Landscape([judged.application])
    for route in routes(rule, landscape):
        span = route.steps[0].relationship.span if route.steps else landscape.constructs[route.start].span
        end = landscape.constructs[route.steps[-1].to if route.steps else route.start]
        note = f"the path is {spoken(route, landscape)}"
        yield Finding(rule, end.title, (span,) if span else (), (note,), end.label, rule.severity)


def routes(rule: Rule, landscape: Landscape) -> Iterator[Route]:
    """The shortest path to each target, in the order of names."""
    match = rule.match
    verbs = frozenset(match.get("verbs", _FOLLOWED))
    steps = landscape.steps(verbs, unguarded=bool(match.get("authenticated")))
    starts = [node for node, item in sorted(landscape.constructs.items()) if _starts(item, match["from"])]
    seen: dict[Node, Route] = {}
    for start in starts:
        public = is_public(landscape.constructs[start]) and INTERNET in match["from"]
        for route in _shortest(start, steps, landscape, match, public):
            end = route.steps[-1].to if route.steps else start
            if end not in seen or len(route.steps) < len(seen[end].steps):
                seen[end] = route
    within = match.get("within")
    yield from (
        route for _, route in sorted(seen.items()) if within is None or len(route.steps) + route.public <= within
    )


def is_public(construct: Construct) -> bool:
    return construct.kind in _OPEN and construct.properties.get("public") is not False


def spoken(route: Route, landscape: Landscape) -> str:
    """`internet → shop-api → orders → orders_db`."""
    names = [landscape.constructs[node].label for node in (route.start, *(step.to for step in route.steps))]
    return " → ".join([INTERNET, *names] if route.public else names)


def _shortest(
    start: Node, steps: Mapping[Node, list[Step]], landscape: Landscape, match: Mapping[str, object], public: bool
) -> Iterator[Route]:
    to, around = _words(match["to"]), _words(match.get("not_through", ()))
    if fits(landscape.constructs[start].kind, around):
        return
    came: dict[Node, tuple[Step, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        kind = landscape.constructs[node].kind
        if fits(kind, to) and (public or came[node]):
            yield Route(start, came[node], public)
        if fits(kind, around):
            continue
        for step in steps.get(node, ()):
            if step.to not in came and step.to in landscape.constructs:
                came[step.to] = (*came[node], step)
                waiting.append(step.to)


def _starts(construct: Construct, words: tuple[str, ...]) -> bool:
    kinds = [word for word in words if word != INTERNET]
    return (INTERNET in words and is_public(construct)) or fits(construct.kind, kinds)


def _words(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _is_guarded(application: Application, item: Relationship) -> bool:
    """Whether every request of an attachment is asked who it is."""
    if item.verb != ATTACH:
        return False
    try:
        keys = guarded_keys(application, item, preflights=False)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False  # a route that says nothing sensible, reported where routes are checked
    return bool(keys) and all(key.guard is not None for key in keys)
