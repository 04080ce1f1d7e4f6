"""Stacks of several repositories that would wait for each other: CloudFormation could deploy none of them first.

Every construct is a stack of its own, `stack=` puts several into one. Within one application stacks in a circle are
merged into one; across repositories they can't be. Two applications that use each other's constructs are fine as long
as the constructs do not wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from klotho.application import Construct, ConstructId, references
from klotho.diagnostics import Span
from klotho.registry.conflict import Conflict, Place, conflict, listed
from klotho.registry.joined import Joined, Member, Node
from klotho.stacks.components import components

_REVERSED = frozenset({"attach_service"})
"""Verbs whose target's stack takes values from the actor's: a route's resources are the service's (decision 1)."""
_QUEUE = "Messaging.Queue"


class Wait(NamedTuple):
    """A construct whose stack takes values of another one's."""

    member: Member
    """Who says so."""
    waiting: Node
    source: Node
    span: Span | None
    said: str


def circles(joined: Joined) -> Iterator[Conflict]:
    """One conflict a group of stacks that reach each other, if several applications are in it."""
    waits = list(_waits(joined))
    if not any(map(_crosses, waits)):
        return
    home = _homes(joined)
    edges: dict[str, list[str]] = {}
    by_edge: dict[tuple[str, str], Wait] = {}
    for item in sorted(waits, key=lambda item: (item.waiting, item.source)):
        one, other = home[item.waiting], home[item.source]
        if one != other and (one, other) not in by_edge:
            by_edge[one, other] = item
            edges.setdefault(one, []).append(other)
    for group in components(edges):
        inside = set(group)
        within = [(one, other) for one in group if len(group) > 1 for other in edges.get(one, ()) if other in inside]
        crossing = [edge for edge in within if _crosses(by_edge[edge])]
        if crossing:
            first, second = min(crossing)
            path = [first, *_path(second, first, edges, inside)]
            yield _circle(joined, [by_edge[edge] for edge in pairwise(path)])


def _crosses(wait: Wait) -> bool:
    return wait.waiting.application != wait.source.application


def _circle(joined: Joined, waits: list[Wait]) -> Conflict:
    names = {item.waiting.application for item in waits}
    last = waits[-1]
    return conflict(
        "project-circle",
        f"stacks of {listed(names)} in project `{joined.project}` would wait for each other",
        [Place(item.member, item.span, item.said) for item in waits],
        notes=[f"{_shown(item.waiting)} takes values of {_shown(item.source)}" for item in waits],
        helps=[
            "let one of them not know the other: send to a queue, or publish to a topic, that a third construct has",
            f"or describe {_shown(last.waiting)} and {_shown(last.source)} in one application, which deploys them "
            "together",
        ],
    )


def _waits(joined: Joined) -> Iterator[Wait]:
    for member in joined.members:
        application = member.application
        for item in application.relationships:
            ends = (item.target, item.actor) if item.verb in _REVERSED else (item.actor, item.target)
            if not (item.verb == "calls" and _is_function(member, item.target)):
                yield from _wait(joined, member, *ends, item.span, f"which says `{item.verb}`")
            letters = item.properties.get("dead_letter")
            if isinstance(letters, str):
                queue = ConstructId(f"{_QUEUE}/{letters}")
                yield from _wait(joined, member, item.actor, queue, item.span, "which says `dead_letter=`")
        for construct in application.constructs:
            yield from _values(joined, member, construct)


def _values(joined: Joined, member: Member, construct: Construct) -> Iterator[Wait]:
    """What a construct's parameters take of others."""
    if construct.from_project:
        return
    sources = {token.construct: f"which uses its `{token.output}`" for token in references(construct.properties)}
    letters = construct.properties.get("dead_letter")
    if isinstance(letters, str):
        sources[ConstructId(f"{_QUEUE}/{letters}")] = "which says `dead_letter=`"
    for source, said in sources.items():
        yield from _wait(joined, member, construct.id, source, construct.span, said)


def _wait(
    joined: Joined, member: Member, waiting: ConstructId, source: ConstructId, span: Span | None, said: str
) -> Iterator[Wait]:
    one, other = joined.node(member, waiting), joined.node(member, source)
    if one is not None and other is not None and one != other:
        yield Wait(member, one, other, span, said)


def _is_function(member: Member, target: ConstructId) -> bool:
    """Functions are called by a name that is known beforehand, so nobody waits for them."""
    known = member.application.by_id.get(target)
    return known is not None and known.kind == "Compute.Function"


def _homes(joined: Joined) -> Mapping[Node, str]:
    """The stack of each construct, by a text that tells the stacks of all applications apart."""
    return {
        Node(member.name, construct.id): f"{member.name}\n{construct.stack or construct.id}"
        for member in joined.members
        for construct in member.application.constructs
        if not construct.from_project
    }


def _path(start: str, end: str, edges: Mapping[str, list[str]], inside: set[str]) -> list[str]:
    """The shortest way between two stacks of a group."""
    came: dict[str, str] = {start: start}
    waiting = deque([start])
    while waiting and end not in came:
        node = waiting.popleft()
        for following in edges.get(node, ()):
            if following in inside and following not in came:
                came[following] = node
                waiting.append(following)
    path = [end]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]


def _shown(node: Node) -> str:
    kind, _, name = node.construct.partition("/")
    return f'{kind} "{name}" of `{node.application}`'
