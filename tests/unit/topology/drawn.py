"""Topologies of any shape, and what must hold of every picture."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import strategies as st

from klotho.topology.arranging import Arrangement
from klotho.topology.geometry import Box
from klotho.topology.model import Edge, EdgeKind, Family, Group, Node, Topology

FAMILIES: list[Family] = ["compute", "data", "messaging", "edge", "identity", "network", "other"]
KINDS: list[EdgeKind] = ["request", "data", "event", "link"]
NAMES = st.one_of(st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True), st.text(max_size=60))


@st.composite
def topologies(draw: st.DrawFn, max_nodes: int = 10) -> Topology:
    groups: list[Group] = []
    for index in range(draw(st.integers(0, 6))):
        parent = draw(st.sampled_from([None, *(group.id for group in groups)]))
        groups.append(
            Group(f"g{index}", draw(NAMES), draw(st.sampled_from(["repository", "stack", "construct"])), parent)
        )
    places = st.sampled_from([None, *(group.id for group in groups)])
    nodes = [
        Node(f"n{index}", draw(NAMES), draw(NAMES), draw(st.sampled_from(FAMILIES)), draw(places))
        for index in range(draw(st.integers(0, max_nodes)))
    ]
    ends = st.integers(0, max(0, len(nodes) - 1))
    pairs = draw(
        st.lists(st.tuples(ends, ends, st.sampled_from(["calls", "reads"])), max_size=2 * len(nodes), unique=True)
    )
    edges = [
        Edge(f"n{source}", f"n{target}", verb, draw(st.sampled_from(KINDS)), tuple(draw(st.lists(NAMES, max_size=2))))
        for source, target, verb in pairs
        if source != target
    ]
    return Topology(draw(NAMES), "dataflow", tuple(nodes), tuple(edges), tuple(groups))


def check(topology: Topology, made: Arrangement) -> None:
    """Everything a reader takes for granted."""
    assert made.nodes.keys() == {node.id for node in topology.nodes}
    assert made.lines.keys() == {edge.key for edge in topology.edges}
    canvas = Box(0, 0, made.width, made.height)
    for box in (*made.nodes.values(), *made.groups.values(), *made.labels.values()):
        assert canvas.contains(box), box
    _boxes_are_apart(made)
    _groups_hold_their_members(topology, made)
    for edge in topology.edges:
        _line_is_clear(edge, made, canvas)


def _boxes_are_apart(made: Arrangement) -> None:
    for (one, box), (other, second) in combinations(made.nodes.items(), 2):
        assert not box.overlaps(second), (one, other)
    for (key, label), (other_key, second) in combinations(made.labels.items(), 2):
        assert not label.overlaps(second), (key, other_key)
    for key, label in made.labels.items():
        for name, box in made.nodes.items():
            assert not label.overlaps(box), (key, name)


def _groups_hold_their_members(topology: Topology, made: Arrangement) -> None:
    parents = {group.id: group.parent for group in topology.groups}

    def around(group: str | None) -> set[str]:
        found: set[str] = set()
        while group is not None:
            found.add(group)
            group = parents[group]
        return found

    inside = {node.id: around(node.group) for node in topology.nodes}
    for name, frame in made.groups.items():
        for node, box in made.nodes.items():
            assert frame.contains(box) if name in inside[node] else not frame.overlaps(box), (name, node)
    assert made.groups.keys() == set().union(*inside.values())
    for one, other in combinations(made.groups, 2):
        if one not in around(other) and other not in around(one):
            assert not made.groups[one].overlaps(made.groups[other]), (one, other)


def _line_is_clear(edge: Edge, made: Arrangement, canvas: Box) -> None:
    points = made.lines[edge.key]
    assert all(0 <= point.x <= canvas.right and 0 <= point.y <= canvas.bottom for point in points)
    for point, end in ((points[0], edge.source), (points[-1], edge.target)):
        box = made.nodes[end]
        assert point.x in (box.x, box.right), (edge.key, end)
        assert box.y < point.y < box.bottom, (edge.key, end)
    for start, stop in pairwise(points):
        assert (start.x == stop.x) != (start.y == stop.y), (edge.key, start, stop)
        for name, box in made.nodes.items():
            assert not box.crossed_by(start, stop), (edge.key, name)
