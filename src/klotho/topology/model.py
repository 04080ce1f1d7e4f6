"""The picture's content: nodes, edges between them, groups around them. It has no coordinates.

Input: what `dataflow` and `resource_view` take from a compiled program, or JSON. Output: a `Topology`, the same for the
same program. Refuses JSON of another schema, and edges or members that lead nowhere (`TopologyFormatError`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

SCHEMA_VERSION = 1

View = Literal["dataflow", "resources", "project"]
GroupKind = Literal["repository", "stack", "construct"]
Family = Literal["compute", "data", "messaging", "edge", "identity", "network", "other"]
"""What a node is for: its colour in the picture and its line in the legend."""
EdgeKind = Literal["request", "data", "event", "link"]
"""`request`: one calls the other; `data`: it reads or writes; `event`: it is set off by it; `link`: anything else."""


class TopologyFormatError(ValueError):
    """The JSON is no topology this version can read."""


class Node(NamedTuple):
    """A construct, or a resource."""

    id: str
    title: str
    """The user's name, or the resource's role."""
    subtitle: str
    """The official name of the service, or the CloudFormation type."""
    family: Family
    group: str | None = None
    """The group it is in; None outside of all."""


class Group(NamedTuple):
    """A box around nodes: a repository, a stack, or a construct among its resources."""

    id: str
    title: str
    kind: GroupKind
    parent: str | None = None


class EdgeKey(NamedTuple):
    """What makes an edge the same edge: both ends and the verb."""

    source: str
    target: str
    verb: str


class Edge(NamedTuple):
    """An arrow. It points the way things go: from a caller to what it calls, from a queue to its consumer."""

    source: str
    target: str
    verb: str
    kind: EdgeKind
    labels: tuple[str, ...] = ()
    """Lines of text: permissions, routes, what sets it off."""

    @property
    def key(self) -> EdgeKey:
        return EdgeKey(self.source, self.target, self.verb)


@dataclass(frozen=True, slots=True)
class Topology:
    """What a picture shows. Ids are unique, edges join two nodes, groups form a forest."""

    title: str
    view: View
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    groups: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        nodes, groups = {item.id for item in self.nodes}, {item.id: item for item in self.groups}
        if len(nodes) < len(self.nodes) or len(groups) < len(self.groups):
            raise TopologyFormatError("two nodes or two groups have the same id")
        if len({edge.key for edge in self.edges}) < len(self.edges):
            raise TopologyFormatError("two edges have the same ends and verb")
        if any(edge.source == edge.target for edge in self.edges):
            raise TopologyFormatError("an edge leads to the node it comes from")
        lost = [end for edge in self.edges for end in edge[:2] if end not in nodes]
        lost += [item.group for item in self.nodes if item.group is not None and item.group not in groups]
        lost += [item.parent for item in self.groups if item.parent is not None and item.parent not in groups]
        if lost:
            raise TopologyFormatError(f"nothing has the id `{lost[0]}`")
        for item in self.groups:
            _refuse_circle(item, groups)


def _refuse_circle(group: Group, groups: Mapping[str, Group]) -> None:
    seen, parent = {group.id}, group.parent
    while parent is not None:
        if parent in seen:
            raise TopologyFormatError(f"the group `{parent}` is inside itself")
        seen.add(parent)
        parent = groups[parent].parent


def topology_to_json(topology: Topology) -> dict[str, Any]:
    return {
        "schema": SCHEMA_VERSION,
        "title": topology.title,
        "view": topology.view,
        "nodes": [node._asdict() for node in topology.nodes],
        "edges": [edge._asdict() | {"labels": list(edge.labels)} for edge in topology.edges],
        "groups": [group._asdict() for group in topology.groups],
    }


def topology_from_json(data: Mapping[str, Any]) -> Topology:
    """The topology; TopologyFormatError for another schema or a shape that is not one."""
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA_VERSION:
        raise TopologyFormatError(f"this is no topology of schema {SCHEMA_VERSION}, which this Klotho reads")
    try:
        found = Topology(
            title=_text(data["title"]),
            view=_one_of(View, data["view"]),
            nodes=tuple(_node(**item) for item in data["nodes"]),
            edges=tuple(_edge(**item) for item in data["edges"]),
            groups=tuple(_group(**item) for item in data["groups"]),
        )
    except (KeyError, TypeError) as error:
        raise TopologyFormatError(f"the topology is damaged: {type(error).__name__}: {error}") from error
    return found


def _node(id: Any, title: Any, subtitle: Any, family: Any, group: Any = None) -> Node:
    return Node(_text(id), _text(title), _text(subtitle), _one_of(Family, family), _text_or_none(group))


def _edge(source: Any, target: Any, verb: Any, kind: Any, labels: Any = ()) -> Edge:
    return Edge(
        _text(source), _text(target), _text(verb), _one_of(EdgeKind, kind), tuple(_text(label) for label in labels)
    )


def _group(id: Any, title: Any, kind: Any, parent: Any = None) -> Group:
    return Group(_text(id), _text(title), _one_of(GroupKind, kind), _text_or_none(parent))


def _one_of(choices: Any, value: Any) -> Any:
    if value not in get_args(choices):
        raise TypeError(f"{value!r} is not one of {', '.join(get_args(choices))}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)
