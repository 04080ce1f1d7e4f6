"""Whatever an application looks like, its picture can be read."""

from __future__ import annotations

import random
import subprocess
import sys
import time

from hypothesis import HealthCheck, given, settings

from klotho.topology.arranging import arrange
from klotho.topology.drawing import draw
from klotho.topology.measuring import measure
from klotho.topology.model import Edge, Group, Node, Topology

from .drawn import FAMILIES, check, topologies


def generated(count: int, seed: int = 1) -> Topology:
    """An application of this many nodes, two edges for each of them, a third of the stacks with three nodes."""
    dice = random.Random(seed)
    groups = tuple(Group(f"s{index}", f"stack-{index}", "stack") for index in range(count * 2 // 3))
    nodes = tuple(
        Node(f"n{index}", f"service_{index}", "AWS Lambda", dice.choice(FAMILIES), dice.choice(groups).id)
        for index in range(count)
    )
    pairs = sorted({tuple(sorted(dice.sample(range(count), 2))) for _ in range(count * 2)})
    edges = tuple(Edge(f"n{one}", f"n{other}", "calls", "request", (f"GET /{other}",)) for one, other in pairs)
    return Topology("generated", "dataflow", nodes, edges, groups)


@given(topologies())
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_nothing_overlaps_lines_pass_no_node_and_groups_hold_exactly_their_members(topology: Topology) -> None:
    check(topology, arrange(topology, measure(topology).sizes))


def test_sixty_nodes_hold_the_same_and_take_less_than_a_second() -> None:
    topology = generated(60)
    taken: list[float] = []
    while not taken or (min(taken) >= 1.0 and len(taken) < 3):  # others use the machine, too
        before = time.process_time()
        made = arrange(topology, measure(topology).sizes)
        taken.append(time.process_time() - before)
    assert min(taken) < 1.0
    check(topology, made)


def test_two_nodes_that_call_each_other_have_two_lines() -> None:
    nodes = (Node("a", "a", "", "compute"), Node("b", "b", "", "compute"))
    edges = (Edge("a", "b", "calls", "request"), Edge("b", "a", "calls", "request"), Edge("a", "b", "reads", "data"))
    made = arrange(topology := Topology("both", "dataflow", nodes, edges), measure(topology).sizes)
    check(topology, made)
    assert len({frozenset(points) for points in made.lines.values()}) == 3


def test_a_chain_is_a_straight_line() -> None:
    nodes = tuple(Node(name, name, "AWS Lambda", "compute", f"s{name}") for name in "abcd")
    groups = tuple(Group(f"s{name}", name, "stack") for name in "abcd")
    edges = tuple(Edge(one, other, "calls", "request", ("calls",)) for one, other in ("ab", "bc", "cd"))
    topology = Topology("chain", "dataflow", nodes, edges, groups)
    assert [len(points) for points in arrange(topology, measure(topology).sizes).lines.values()] == [2, 2, 2]


def test_the_same_topology_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    script = (
        "import sys; from tests.unit.topology.test_arranging import generated, draw; "
        "sys.stdout.buffer.write(draw(generated(20)).svg)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, env={"PYTHONHASHSEED": seed}, check=True
        )
        assert done.stdout == draw(generated(20)).svg
