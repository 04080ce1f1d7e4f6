"""Tables whose capacity is paid by the hour: what scales it, and when they are a candidate."""

from __future__ import annotations

import pytest

from klotho.resources import ResourceGraph, ResourceKey
from tests.unit.engine.conftest import Builder

TABLE = ResourceKey("Databases.KeyValue/db:table")
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


def chosen(app: Builder) -> str:
    return app.resolve().setting.implementation(app.application().constructs[0]).name


def ranges(graph: ResourceGraph) -> dict[str, tuple[int, int]]:
    targets = (item.properties for item in graph if item.type == TARGET)
    return {item["ScalableDimension"]: (item["MinCapacity"], item["MaxCapacity"]) for item in targets}


def test_the_range_follows_from_the_requests_that_are_expected(app: Builder) -> None:
    app.add("keyvalue", "db").directive("db", "use", "dynamodb-provisioned")
    graph = app.requires("db", "requests_per_month", 26_280_000).resolve().graph
    assert graph[TABLE].properties["BillingMode"] == "PROVISIONED"
    assert graph[TABLE].properties["ProvisionedThroughput"] == {"ReadCapacityUnits": 15, "WriteCapacityUnits": 15}
    assert ranges(graph) == {
        "dynamodb:table:ReadCapacityUnits": (15, 143), "dynamodb:table:WriteCapacityUnits": (15, 143),
    }  # fmt: skip


def test_what_is_told_wins_and_every_index_scales_by_itself(app: Builder) -> None:
    app.add("keyvalue", "db", indexes={"by-day": {"key": [["day", "S"]]}})
    app.directive("db", "use", "dynamodb-provisioned", read_capacity=[2, 20], write_capacity=[5, 5])
    graph = app.resolve().graph
    (index,) = graph[TABLE].properties["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"] == {"ReadCapacityUnits": 2, "WriteCapacityUnits": 5}
    assert ranges(graph) == {"dynamodb:table:ReadCapacityUnits": (2, 20), "dynamodb:index:ReadCapacityUnits": (2, 20)}


def test_it_is_taken_where_many_requests_are_expected_and_never_where_nobody_says_how_many(app: Builder) -> None:
    assert chosen(app.add("keyvalue", "db")) == "dynamodb"
    assert chosen(Builder(app.root).add("keyvalue", "db").requires("db", "requests_per_month", 4_000_000)) == "dynamodb"
    busy = Builder(app.root).add("keyvalue", "db").requires("db", "requests_per_month", 200_000_000)
    assert chosen(busy) == "dynamodb-provisioned"


@pytest.mark.parametrize("told", [[0, 5], [5, 1], 7, [1, 50_000], [1.5, 2], [True, 2]])
def test_a_capacity_that_is_no_range_is_refused(app: Builder, told: object) -> None:
    app.add("keyvalue", "db").directive("db", "use", "dynamodb-provisioned", read_capacity=told)
    (problem,) = app.problems()
    assert problem.code == "bad-size" and "read_capacity" in problem.message
