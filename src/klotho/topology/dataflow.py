"""The dataflow view: constructs, what each does with others, and the stacks they are deployed in.

Input: an application, what was chosen for its constructs, its manifest. Output: a `Topology`. Relationships of the same
constructs and verb are one edge with several labels. Values that one construct is told of another are edges, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.application.values import references
from klotho.catalogue.kinds import implementation
from klotho.resources.graph import Choice
from klotho.stacks import Manifest
from klotho.topology.model import Edge, EdgeKey, EdgeKind, Family, Group, Node, Topology

_FAMILIES: Mapping[str, Family] = {
    "Compute": "compute",
    "Databases": "data",
    "Storage": "data",
    "Messaging": "messaging",
    "Schedule": "messaging",
    "API": "edge",
    "Site": "edge",
    "Domain": "edge",
    "Auth": "identity",
    "Secret": "identity",
    "Network": "network",
}
"""By the first word of a construct's kind."""


class _Verb(NamedTuple):
    label: str
    kind: EdgeKind
    from_target: bool = False
    """Whether things go from what the relationship is about to the one who says it."""


VERBS: Mapping[str, _Verb] = {
    "reads_from": _Verb("reads", "data"),
    "writes_to": _Verb("writes", "data"),
    "read_writes_to": _Verb("reads, writes", "data"),
    "calls": _Verb("calls", "request"),
    "attach_service": _Verb("", "request"),
    "exposes": _Verb("exposes", "request"),
    "sends_to": _Verb("sends", "event"),
    "publishes_to": _Verb("publishes", "event"),
    "consumes": _Verb("consumed by", "event", from_target=True),
    "subscribes_to": _Verb("subscribed by", "event", from_target=True),
    "triggered_by": _Verb("triggers", "event", from_target=True),
    "authenticates_with": _Verb("authenticates with", "link"),
    "uses": _Verb("uses", "link"),
}


def dataflow(
    application: Application,
    choices: Mapping[str, Choice],
    manifest: Manifest,
    owners: Mapping[ConstructId, str] | None = None,
) -> Topology:
    """`owners`: the applications that make the constructs which say `from_project=True`."""
    stack_of = {construct: stack.name for stack in manifest.stacks for construct in stack.constructs}
    made_by = owners or {}
    nodes = tuple(
        _node(item, choices.get(item.id), stack_of.get(item.id), made_by.get(item.id))
        for item in application.constructs
    )
    used = {node.group for node in nodes}
    groups = [Group(_stack_id(stack.name), stack.name, "stack") for stack in manifest.stacks]
    return Topology(
        f"{application.name} in {manifest.environment}",
        "dataflow",
        nodes,
        edges_of(application),
        tuple(group for group in groups if group.id in used),
    )


def edges_of(application: Application) -> tuple[Edge, ...]:
    """Everything that goes between its constructs, by their ids."""
    return _merged(_edges(application))


def family_of(construct: Construct) -> Family:
    return _FAMILIES.get(construct.kind.partition(".")[0], "other")


def _node(construct: Construct, choice: Choice | None, stack: str | None, owner: str | None) -> Node:
    service = implementation(construct.kind, choice.implementation).service if choice is not None else construct.kind
    if construct.from_project:
        service += f" of {owner or 'the project'}"
    return Node(
        construct.id,
        construct.label,
        service,
        family_of(construct),
        _stack_id(stack) if stack is not None else None,
    )


def _stack_id(stack: str) -> str:
    return f"stack/{stack}"


def _edges(application: Application) -> Iterator[Edge]:
    for relationship in application.relationships:
        yield _edge(relationship)
    for construct in application.constructs:
        yield from _told(construct, application)
        dead_letter = construct.properties.get("dead_letter")
        target = ConstructId(f"{construct.kind}/{dead_letter}")
        if isinstance(dead_letter, str) and target in application.by_id and target != construct.id:
            yield Edge(construct.id, target, "dead_letter", "event", ("failed messages",))


def _edge(relationship: Relationship) -> Edge:
    verb = VERBS.get(relationship.verb, _Verb(relationship.verb.replace("_", " "), "link"))
    ends = (relationship.actor, relationship.target)
    label = _label(verb.label, relationship.properties)
    source, target = reversed(ends) if verb.from_target else ends
    return Edge(source, target, relationship.verb, verb.kind, (label,) if label else ())


def _label(verb: str, properties: Mapping[str, Any]) -> str:
    """The verb with what narrows it: methods and route, protocol, events and names of objects."""
    words = [verb]
    methods = properties.get("methods")
    if methods:
        words.append(" ".join(methods) if isinstance(methods, list | tuple) else str(methods))
    words += [_words(properties.get(name)) for name in ("route", "protocol", "events")]
    if properties.get("prefix") or properties.get("suffix"):
        words.append(f"{_words(properties.get('prefix'))}*{_words(properties.get('suffix'))}")
    return " ".join(word for word in words if word)


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _told(construct: Construct, application: Application) -> Iterator[Edge]:
    """Outputs of others that it is given: the names of its variables, or of its parameters."""
    for name, value in construct.properties.items():
        for inner, item in value.items() if isinstance(value, Mapping) else ((name, value),):
            for target in dict.fromkeys(reference.construct for reference in references(item)):
                if target in application.by_id and target != construct.id:
                    yield Edge(construct.id, target, "is_told", "link", (str(inner),))


def _merged(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """One edge for the same ends and verb, with all of their labels."""
    found: dict[EdgeKey, Edge] = {}
    for edge in edges:
        known = found.get(edge.key)
        labels = dict.fromkeys((*known.labels, *edge.labels) if known else edge.labels)
        found[edge.key] = edge._replace(labels=tuple(labels))
    return tuple(found.values())
