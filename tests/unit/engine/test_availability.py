"""Availability as a requirement: what is spread over zones, and what nobody promises."""

from __future__ import annotations

import pytest

from klotho.catalogue.availability import promise_of
from klotho.catalogue.kinds import IMPLEMENTATIONS
from klotho.catalogue.tables import table
from tests.unit.engine.conftest import Builder

DATABASE = "Databases.Postgres/db:database"
SERVICE = "Compute.Container/web:service"


@pytest.mark.parametrize(("wanted", "spread"), [(99, False), (99.5, False), (99.9, True), (99.95, True)])
def test_a_database_has_a_standby_only_where_one_zone_would_not_do(app: Builder, wanted: float, spread: bool) -> None:
    graph = app.add("postgres", "db").requires("db", "availability", wanted).resolve().graph
    assert graph[DATABASE].properties["MultiAZ"] is spread


def test_why_there_is_a_standby_is_told(app: Builder) -> None:
    graph = app.add("mysql", "db").requires("db", "availability", 99.9).resolve().graph
    decision = graph["Databases.MySQL/db:database"].decisions["MultiAZ",].winner
    assert decision.because == 'Databases.MySQL "db" is required to be available 99.9 % of the time'
    assert [span.line for span in decision.spans] == [2, 1]


def test_containers_run_in_both_zones_each_with_a_way_out_of_its_own(app: Builder) -> None:
    app.add("container", "web", scale=[1, 4]).requires("web", "availability", 99.9)
    graph = app.resolve().graph
    assert graph[SERVICE].properties["DesiredCount"] == 2
    scaling = graph["Compute.Container/web:scaling"].properties
    assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == (2, 4)
    assert len([resource for resource in graph if resource.type == "AWS::EC2::NatGateway"]) == 2


def test_a_cache_has_a_copy_in_another_zone(app: Builder) -> None:
    app.add("redis", "plain").add("redis", "shards", cluster=True, replicas=2).requires(None, "availability", 99.9)
    graph = app.resolve().graph
    plain, shards = (graph[f"Databases.Redis/{name}:cache"].properties for name in ("plain", "shards"))  # type: ignore[index]
    assert (plain["NumCacheClusters"], plain["MultiAZEnabled"], plain["AutomaticFailoverEnabled"]) == (2, True, True)
    assert (shards["ReplicasPerNodeGroup"], shards["MultiAZEnabled"]) == (2, True)


def test_without_a_requirement_there_is_one_of_each(app: Builder) -> None:
    graph = app.add("container", "web").add("postgres", "db").resolve().graph
    assert graph[SERVICE].properties["DesiredCount"] == 1
    assert graph[DATABASE].properties["MultiAZ"] is False
    assert len([resource for resource in graph if resource.type == "AWS::EC2::NatGateway"]) == 1


def test_what_is_required_of_the_application_holds_for_each_of_its_parts(app: Builder) -> None:
    app.add("container", "web").add("postgres", "db").add("function", "work")
    app.requires(None, "availability", 99.9).requires("web", "availability", 99)
    graph = app.resolve().graph
    assert graph[DATABASE].properties["MultiAZ"] is True
    assert graph[SERVICE].properties["DesiredCount"] == 2, "AWS promises nothing of one task"


def test_an_override_is_the_last_word(app: Builder) -> None:
    app.add("postgres", "db").requires("db", "availability", 99.9)
    app.directive("db", "override", "AWS::RDS::DBInstance", MultiAZ=False)
    assert app.resolve().graph[DATABASE].properties["MultiAZ"] is False


@pytest.mark.parametrize(
    ("kind", "properties", "wanted", "code", "words"),
    [
        ("postgres", {}, 99.999, "availability-out-of-reach", "AWS promises 99.95 %"),
        ("queue", {}, 99.95, "availability-out-of-reach", "AWS promises 99.9 %"),
        ("keyvalue", {}, 100, "availability-out-of-reach", "AWS promises 99.99 %"),
        ("keyvalue", {}, 0.999, "availability-out-of-reach", "is in percent"),
        ("redis", {"replicas": 0}, 99.9, "requirement-contradicted", "says `replicas=0`"),
        ("redis", {}, 99.999, "availability-out-of-reach", "AWS promises 99.99 %"),
        ("container", {"scale": [1, 1]}, 99.9, "requirement-contradicted", "says `scale` of at most one task"),
    ],
)
def test_what_can_not_be_kept_is_refused(
    app: Builder, kind: str, properties: dict[str, object], wanted: float, code: str, words: str
) -> None:
    problems = app.add(kind, "it", **properties).requires("it", "availability", wanted).problems()
    assert [problem.code for problem in problems] == [code]
    assert words in problems[0].message


def test_what_is_kept_anyway_is_silent_and_other_requirements_are_recorded_only(app: Builder) -> None:
    app.add("keyvalue", "it").requires("it", "availability", 99.9).requires("it", "max_latency_ms", 20)
    assert app.codes() == ["requirement-not-weighed"]


def test_every_implementation_has_a_promise_or_is_said_to_have_none() -> None:
    without = set(table("availability")["unpromised"]["implementations"])
    for implementation in IMPLEMENTATIONS:
        promise = promise_of(implementation)
        assert (promise is None) is (implementation.name in without), implementation.name
        assert promise is None or promise.alone <= promise.best
