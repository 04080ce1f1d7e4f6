"""The picture of a project: applications as boxes, what goes between them, and what is left out of a large one."""

from __future__ import annotations

from typing import Any

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.topology.drawing import draw
from klotho.topology.model import topology_from_json, topology_to_json
from klotho.topology.project_view import READABLE, project_view

QUEUE, WORK, API = (ConstructId(name) for name in ("Messaging.Queue/jobs", "Compute.Function/work", "API/door"))


def construct(id_: ConstructId, **more: Any) -> Construct:
    kind, _, name = id_.partition("/")
    return Construct(kind, name, **more)


def application(name: str, *constructs: Construct, relationships: tuple[Relationship, ...] = ()) -> Application:
    return Application(name, "acme", constructs=constructs, relationships=relationships)


USERS = application("users", construct(QUEUE), construct(API))
BILLING = application(
    "billing",
    construct(WORK),
    construct(QUEUE, from_project=True),
    construct(API, from_project=True),
    relationships=(
        Relationship("sends_to", WORK, QUEUE, {}),
        Relationship("attach_service", API, WORK, {"route": "/bills"}),
    ),
)


def test_what_is_referred_to_is_the_owner_s_node() -> None:
    found = project_view("acme", "prod", [BILLING, USERS])
    assert {node.id: node.group for node in found.nodes} == {
        f"billing/{WORK}": "repository/billing",
        f"users/{QUEUE}": "repository/users",
        f"users/{API}": "repository/users",
    }
    assert {(edge.source, edge.target, edge.labels) for edge in found.edges} == {
        (f"billing/{WORK}", f"users/{QUEUE}", ("sends",)),
        (f"users/{API}", f"billing/{WORK}", ("/bills",)),
    }
    assert [(group.title, group.kind) for group in found.groups] == [("billing", "repository"), ("users", "repository")]


def test_what_nobody_has_published_is_shown_with_whoever_refers_to_it() -> None:
    found = project_view("acme", "prod", [BILLING])
    assert {node.subtitle for node in found.nodes if node.group == "repository/billing"} >= {"not published"}


def test_the_order_of_the_applications_does_not_matter_and_it_round_trips() -> None:
    one, other = (project_view("acme", "prod", given) for given in ([USERS, BILLING], [BILLING, USERS]))
    assert one == other
    assert topology_from_json(topology_to_json(one)) == one
    assert b"users" in draw(one, "light").svg


def test_a_large_project_shows_what_crosses_borders() -> None:
    many = [construct(ConstructId(f"Messaging.Queue/q{number}")) for number in range(READABLE)]
    users = application("users", construct(QUEUE), construct(API), *many)
    found = project_view("acme", "prod", [users, BILLING])
    assert found.title == "project acme in prod (only what crosses borders)"
    assert {node.title for node in found.nodes} == {"jobs", "door", "work"}
