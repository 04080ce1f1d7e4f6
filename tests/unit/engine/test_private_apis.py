"""Private APIs: load balancers inside the network, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.application import Construct, ConstructId, Relationship
from klotho.catalogue.relationships.attach_private import DEEPEST, priorities, rules_of
from klotho.localcloud.planes.balancers.rules import pattern_of
from tests.unit.engine.conftest import Builder


def private(app: Builder) -> Builder:
    app.add("container", "web").add("function", "work").add("function", "user").add("api", "inside", public=False)
    app.says("inside", "attach_service", "web", route="/web").says(
        "inside", "attach_service", "work", route="/work/{id}"
    )
    return app.says("user", "calls", "inside")


def resources(app: Builder, type_: str) -> list[dict[str, Any]]:
    bodies = [body for name, body in app.bundle().files.items() if name.endswith(".template.json")]
    found = [item for body in bodies for item in json.loads(body)["Resources"].values()]
    return [item["Properties"] for item in found if item["Type"] == type_]


def test_it_is_an_internal_load_balancer_and_no_http_api(app: Builder) -> None:
    types = private(app).types()
    assert "AWS::ElasticLoadBalancingV2::LoadBalancer" in types and "AWS::ApiGatewayV2::Api" not in types
    assert [item["Scheme"] for item in resources(app, "AWS::ElasticLoadBalancingV2::LoadBalancer")] == ["internal"]


def test_nobody_reaches_it_but_its_callers(app: Builder) -> None:
    rules = resources(private(app), "AWS::EC2::SecurityGroupIngress")
    to_it = [rule for rule in rules if "InsideApi" in json.dumps(rule["GroupId"])]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in to_it] == [(80, 80)]
    assert all("CidrIp" not in rule for rule in rules)


def test_its_address_is_not_shown_to_people(app: Builder) -> None:
    assert [item.name for item in private(app).bundle().manifest.outputs if item.name.startswith("inside")] == []


@pytest.mark.parametrize("route", ["/orders/{id}/lines", "/a*b", "/" + "x" * 130, "/a" * (DEEPEST + 1)])
def test_a_route_that_a_rule_cant_say_is_refused(app: Builder, route: str) -> None:
    app.add("function", "work").add("api", "inside", public=False).says("inside", "attach_service", "work", route=route)
    assert app.codes() == ["private-api"]


@pytest.mark.parametrize("properties", [{"cors": True}])
def test_what_it_cant_do_is_refused(app: Builder, properties: dict[str, Any]) -> None:
    assert app.add("api", "inside", public=False, **properties).codes() == ["private-api"]


def test_pins_that_contradict_it_are_refused(app: Builder) -> None:
    app.add("api", "inside", public=False).directive("inside", "use", "http-api")
    app.add("api", "outside").directive("outside", "use", "internal-alb")
    assert app.codes() == ["private-api", "private-api"]


def test_calling_a_public_api_is_refused_with_what_to_do(app: Builder) -> None:
    app.add("function", "user").add("api", "shop").says("user", "calls", "shop")
    (said,) = app.problems()
    assert said.code == "senseless-relationship" and "environment=" in said.helps[0]


def test_grpc_to_it_is_refused(app: Builder) -> None:
    app.add("function", "user").add("api", "inside", public=False).says("user", "calls", "inside", protocol="grpc")
    assert app.codes() == ["senseless-protocol"]


SEGMENT = st.sampled_from(["a", "b", "orders", "x-y"])
ROUTES = st.lists(SEGMENT, max_size=4).flatmap(
    lambda plain: st.sampled_from(["/" + "/".join(plain), "/" + "/".join([*plain, "{id}"])])
)
METHODS = st.none() | st.lists(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]), min_size=1, unique=True)


class _Setting:
    def __init__(self, relationships: list[Relationship]) -> None:
        self.application = self
        self._relationships = relationships

    def adopted(self, construct: Construct) -> None:
        return None

    def relationships_of(self, construct: ConstructId) -> list[Relationship]:
        return self._relationships


def attachments(found: list[tuple[str, list[str] | None]]) -> list[Relationship]:
    made = {}
    for index, (route, methods) in enumerate(found):
        properties: dict[str, Any] = {"route": route, **({"methods": methods} if methods else {})}
        made[route, tuple(methods or ())] = Relationship(
            "attach_service", ConstructId("API/inside"), ConstructId(f"Compute.Function/f{index}"), properties
        )
    return list(made.values())


@given(st.lists(st.tuples(ROUTES, METHODS), max_size=12))
def test_priorities_are_distinct_in_range_and_put_the_specific_first(
    found: list[tuple[str, list[str] | None]],
) -> None:
    relationships = attachments(found)
    numbers = priorities(Construct("API", "inside"), _Setting(relationships))  # type: ignore[arg-type]
    assert len(set(numbers.values())) == len(numbers)
    assert all(1 <= number <= 50_000 for number in numbers.values())
    ranked = sorted((rule for item in relationships for rule in rules_of(item)), key=lambda rule: numbers[rule.name])
    assert [rule.rank for rule in ranked] == sorted(rule.rank for rule in ranked)
    assert all(len(rule.paths) + len(rule.methods) <= 5 for rule in ranked)


@given(ROUTES, METHODS)
def test_a_rule_stays_as_it_is_when_others_come(route: str, methods: list[str] | None) -> None:
    one = attachments([(route, methods)])
    other = attachments([(route, methods), ("/somewhere/else/entirely", None)])
    construct = Construct("API", "inside")
    alone = priorities(construct, _Setting(one))  # type: ignore[arg-type]
    both = priorities(construct, _Setting(other))  # type: ignore[arg-type]
    assert alone.items() <= both.items()


@given(ROUTES, st.lists(st.text("abcdefg/", max_size=6), max_size=3))
def test_a_rule_matches_its_route_and_what_is_below(route: str, below: list[str]) -> None:
    (rule,) = rules_of(attachments([(route, None)])[0])
    path = "/".join([route.replace("{id}", "7").rstrip("/"), *below]) or "/"
    assert any(pattern_of(pattern).fullmatch(path) for pattern in rule.paths), (rule.paths, path)
