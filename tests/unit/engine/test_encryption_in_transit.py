"""`requires(encrypted_in_transit=True)`: what it makes of the network, and what it refuses."""

from __future__ import annotations

import pytest

from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.relationships import PAIRS
from klotho.catalogue.transit import TRANSIT, hop_between
from tests.unit.engine.conftest import Builder

VPC = "shared:vpc"


def shop(app: Builder) -> Builder:
    app.add("container", "web").add("container", "orders").add("function", "report")
    app.add("postgres", "db").add("mysql", "ledger").add("redis", "cache").add("api", "inside", public=False)
    for actor, verb, target in (
        ("web", "calls", "orders"), ("orders", "read_writes_to", "db"), ("report", "reads_from", "ledger"),
        ("web", "read_writes_to", "cache"),
    ):  # fmt: skip
        app.says(actor, verb, target)
    return app.says("inside", "attach_service", "web", route="/")


def test_it_is_off_unless_somebody_requires_it(app: Builder) -> None:
    graph = shop(app).resolve().graph
    assert "VpcEncryptionControl" not in graph[VPC].properties
    assert graph["Databases.Postgres/db:database"].properties["DBInstanceClass"] == "db.t4g.micro"


@pytest.mark.parametrize("by", ["application", "construct", "klotho.yaml"])
def test_required_the_network_lets_nothing_through_in_the_clear_and_instances_can_encrypt(
    app: Builder, by: str
) -> None:
    shop(app)
    if by == "klotho.yaml":
        app.policy = EnvironmentPolicy(encrypted_in_transit=True)
    else:
        app.requires("db" if by == "construct" else None, TRANSIT, True)
    assert app.problems() == []
    graph = app.resolve().graph
    assert graph[VPC].properties["VpcEncryptionControl"] == {
        "Mode": "enforce", "InternetGatewayExclusion": "enable", "NatGatewayExclusion": "enable",
        "LambdaExclusion": "enable",
    }  # fmt: skip
    for database in ("Databases.Postgres/db", "Databases.MySQL/ledger"):
        assert graph[f"{database}:database"].properties["DBInstanceClass"] == "db.m7g.large"
    assert graph["Databases.Redis/cache:cache"].properties["CacheNodeType"] == "cache.m7g.large"


def test_what_comes_later_does_not_change_the_network_which_would_be_replaced(app: Builder) -> None:
    app.add("container", "a").add("container", "b").says("a", "calls", "b").requires(None, TRANSIT, True)
    before = app.resolve().graph[VPC].properties["VpcEncryptionControl"]
    app.add("function", "late").add("postgres", "db").says("late", "reads_from", "db")
    assert app.resolve().graph[VPC].properties["VpcEncryptionControl"] == before


@pytest.mark.parametrize(
    ("actor", "verb", "target", "about"),
    [
        ("door", "attach_service", "web", "VPC links"),
        ("report", "calls", "web", "Lambda can't encrypt"),
        ("report", "calls", "inside", "Lambda can't encrypt"),
    ],
)
def test_what_nothing_can_encrypt_is_refused_at_its_line(
    app: Builder, actor: str, verb: str, target: str, about: str
) -> None:
    shop(app).add("api", "door").requires(None, TRANSIT, True)
    app.says(actor, verb, target, **({"route": "/"} if verb == "attach_service" else {}))
    (problem,) = app.problems()
    assert (problem.code, problem.labels[0].span) == ("hop-in-the-clear", app.relationships[-1].span)
    assert about in problem.notes[0]


def test_an_instance_that_somebody_chose_is_not_replaced_behind_their_back(app: Builder) -> None:
    app.add("postgres", "db", instance="db.t4g.small").add("mysql", "ledger", instance="db.r7g.xlarge")
    app.requires(None, TRANSIT, True)
    (problem,) = app.problems()
    assert problem.code == "requirement-contradicted"
    assert "db.t4g.small" in problem.message and "db.m7g.large" in problem.helps[0]


def test_every_pair_says_how_it_goes() -> None:
    """What is not AWS's own HTTPS is named, so that a new pair between things in the network is thought about."""
    plain = {
        (verb, actor, target)
        for pair in PAIRS
        for verb in pair.verbs
        for actor in pair.actors
        for target in pair.targets
        if not hop_between(verb, actor, target).always
    }
    assert plain == {
        ("calls", "Compute.Container", "Compute.Container"), ("calls", "Compute.Function", "Compute.Container"),
        ("calls", "Compute.Container", "API"), ("calls", "Compute.Function", "API"),
        ("attach_service", "API", "Compute.Container"),
    }  # fmt: skip
