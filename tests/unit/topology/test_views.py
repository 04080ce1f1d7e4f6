"""What the views take from a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.catalogue.kinds import IMPLEMENTATIONS
from klotho.catalogue.relationships import PAIRS
from klotho.driver.build import Build, build
from klotho.driver.pictures import topology_of
from klotho.driver.program import find_program
from klotho.topology.arranging import arrange
from klotho.topology.dataflow import VERBS
from klotho.topology.measuring import measure
from klotho.topology.model import Topology

from .drawn import check

EXAMPLES = Path(__file__).parents[3] / "examples"
SHOP = """\
import klotho
from klotho import API, Compute, Databases, Messaging, Schedule, Storage
klotho.Application("shop")
lost = Messaging.Queue("lost")
jobs = Messaging.Queue("jobs", dead_letter=lost)
files = Storage.Bucket("files")
worker = Compute.Function("worker", handler="f.handler")
worker.consumes(jobs)
worker.triggered_by(files, events="created", suffix=".csv")
worker.triggered_by(Schedule("nightly", every="1 day"))
front = Compute.Function("front", handler="f.handler", environment={"FILES": files.bucket})
front.sends_to(jobs)
front.reads_from(files)
front.writes_to(files)
api = API("web")
api.attach_service(front, route="/a", methods=["GET"])
api.attach_service(front, route="/b", methods=["GET", "POST"])
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "infra.py").write_text(SHOP)
    (folder / "f.py").write_text("def handler(event, context): ...\n")
    return build(find_program(folder), None)


def edges(topology: Topology) -> set[tuple[str, str, str, tuple[str, ...]]]:
    titles = {node.id: node.title for node in topology.nodes}
    return {(titles[edge.source], edge.verb, titles[edge.target], edge.labels) for edge in topology.edges}


def test_edges_are_kept_apart_by_both_ends_and_verb_and_point_where_things_go(shop: Build) -> None:
    assert edges(topology_of(shop, "dataflow")) == {
        ("jobs", "consumes", "worker", ("consumed by",)),
        ("files", "triggered_by", "worker", ("triggers created *.csv",)),
        ("nightly", "triggered_by", "worker", ("triggers",)),
        ("front", "sends_to", "jobs", ("sends",)),
        ("front", "reads_from", "files", ("reads",)),
        ("front", "writes_to", "files", ("writes",)),
        ("front", "is_told", "files", ("FILES",)),
        ("web", "attach_service", "front", ("GET /a", "GET POST /b")),
        ("jobs", "dead_letter", "lost", ("failed messages",)),
    }


def test_nodes_have_the_users_name_the_official_service_and_their_stack(shop: Build) -> None:
    topology = topology_of(shop, "dataflow")
    named = {node.title: (node.subtitle, node.family) for node in topology.nodes}
    assert named["worker"] == ("AWS Lambda", "compute")
    assert named["jobs"] == ("Amazon SQS", "messaging")
    assert named["files"] == ("Amazon S3", "data")
    assert named["web"] == ("Amazon API Gateway", "edge")
    stacks = {stack.name: set(stack.constructs) for stack in shop.manifest.stacks}
    for node in topology.nodes:
        found = [f"stack/{name}" for name, constructs in stacks.items() if node.id in constructs]
        assert node.group == (found[0] if found else None)


def test_the_resource_view_has_every_resource_and_reference(shop: Build) -> None:
    topology = topology_of(shop, "resources")
    assert {node.id for node in topology.nodes} == set(shop.graph.resources)
    assert {(edge.source, edge.target) for edge in topology.edges} == {
        (resource.key, target) for resource in shop.graph for target in shop.graph.dependencies(resource)
    }
    placed = {shop.keys[logical]: stack.name for stack in shop.manifest.stacks for logical in stack.origins}
    groups = {group.id: group for group in topology.groups}
    for node in topology.nodes:
        group = groups[node.group or ""]
        stack = group if group.kind == "stack" else groups[group.parent or ""]
        assert stack.title == placed[node.id]


@pytest.mark.parametrize("view", ["dataflow", "resources"])
def test_the_pictures_of_an_example_can_be_read(view: str) -> None:
    topology = topology_of(build(find_program(EXAMPLES / "users"), None), view)  # type: ignore[arg-type]
    check(topology, arrange(topology, measure(topology).sizes))


def test_every_verb_of_the_catalogue_has_a_label_and_every_implementation_a_service() -> None:
    assert {verb for pair in PAIRS for verb in pair.verbs} <= VERBS.keys()
    assert all(item.service for item in IMPLEMENTATIONS)
