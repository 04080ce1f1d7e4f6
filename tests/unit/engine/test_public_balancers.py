"""Public APIs as load balancers: when they are taken, what they are, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klotho.application import Construct, Existing
from klotho.resources.serialization import graph_to_json
from tests.unit.engine.conftest import KINDS, Builder

KINDS.setdefault("domain", "Domain")


def slow(app: Builder, **properties: Any) -> Builder:
    app.add("container", "web").add("api", "shop", **properties).says("shop", "attach_service", "web", route="/web")
    return app.requires("shop", "max_duration_s", 120)


def choice(app: Builder) -> Any:
    return graph_to_json(app.resolve().graph)["choices"]["API/shop"]


def resources(app: Builder, type_: str) -> list[dict[str, Any]]:
    bodies = [body for name, body in app.bundle().files.items() if name.endswith(".template.json")]
    found = [item for body in bodies for item in json.loads(body)["Resources"].values()]
    return [item["Properties"] for item in found if item["Type"] == type_]


def test_an_api_that_must_answer_longer_moves_by_itself_and_says_it_is_in_the_clear(app: Builder) -> None:
    found = choice(slow(app))
    assert found["implementation"] == "public-alb"
    (other,) = [item for item in found["rejected"] if item["implementation"] == "http-api"]
    assert other["reason"] == "runs for at most 30 s" and other["spans"]
    assert app.codes() == ["api-in-the-clear"]


def test_one_that_asks_for_nothing_stays_an_http_api_whatever_it_costs(app: Builder) -> None:
    app.add("container", "web").add("api", "shop").says("shop", "attach_service", "web", route="/web")
    assert choice(app.requires("shop", "requests_per_month", 10_000_000_000))["implementation"] == "http-api"


def test_it_faces_the_internet_from_public_subnets_and_waits_as_long_as_required(app: Builder) -> None:
    (balancer,) = resources(slow(app), "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Scheme"] == "internet-facing"
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "125"} in balancer["LoadBalancerAttributes"]
    assert [item["Ref"] for item in balancer["Subnets"]] == ["PublicSubnetSubnetId", "PublicSubnetBSubnetId"]
    rules = resources(app, "AWS::EC2::SecurityGroupIngress")
    assert [(rule["FromPort"], "ShopApi" in json.dumps(rule["GroupId"])) for rule in rules if "CidrIp" in rule] == [
        (80, True)
    ]
    assert len(rules) == 2, "everybody to it, and it to the container"


def exposed(app: Builder) -> Builder:
    slow(app).constructs.append(Construct(KINDS["domain"], "shop.example", {"zone": "Z0123456789ABC"}))
    return app.says("shop.example", "exposes", "shop")


def test_with_a_domain_it_has_tls_only(app: Builder) -> None:
    listeners = {item["Port"]: item for item in resources(exposed(app), "AWS::ElasticLoadBalancingV2::Listener")}
    assert listeners[80]["DefaultActions"][0]["RedirectConfig"]["Host"] == "shop.example"
    assert listeners[443]["Certificates"] and listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13")
    (rule,) = resources(app, "AWS::ElasticLoadBalancingV2::ListenerRule")
    assert "TlsListener" in json.dumps(rule["ListenerArn"])
    assert [item["Type"] for item in resources(app, "AWS::Route53::RecordSet")] == ["A"]
    assert app.codes() == []


def test_encryption_everywhere_needs_its_domain(app: Builder) -> None:
    codes = exposed(app).requires(None, "encrypted_in_transit", True).codes()
    assert "hop-in-the-clear" not in codes
    app.relationships.pop()
    assert "hop-in-the-clear" in app.codes()


def test_what_it_cant_carry_keeps_it_from_being_taken(app: Builder) -> None:
    slow(app, cors=True).add("userpool", "people").says("shop", "authenticates_with", "people", route="/")
    (problem,) = [item for item in app.problems() if item.code == "nothing-fits"]
    (why,) = [note for note in problem.notes if note.startswith("`public-alb`")]
    assert "preflights" in why and "checks no tokens" in why


@pytest.mark.parametrize("route", ["/orders/{id}/lines", "/a*b"])
def test_pinned_it_refuses_routes_that_a_rule_cant_say(app: Builder, route: str) -> None:
    app.add("container", "web").add("api", "shop").says("shop", "attach_service", "web", route=route)
    codes = app.directive("shop", "use", "public-alb").codes()
    assert "api-cant-carry" in codes


def test_pinned_it_refuses_functions_which_would_get_another_event(app: Builder) -> None:
    app.add("function", "work").add("api", "shop").says("shop", "attach_service", "work", route="/")
    problems = app.directive("shop", "use", "public-alb").problems()
    (refused,) = [item for item in problems if item.code == "api-cant-carry"]
    assert refused.labels[0].span.line == 3


def test_pinned_it_refuses_tokens_by_name_and_nothing_breaks(app: Builder) -> None:
    slow(app).add("userpool", "people").says("shop", "authenticates_with", "people", route="/")
    refused = [item for item in app.directive("shop", "use", "public-alb").problems() if item.code == "api-cant-carry"]
    assert [item.message for item in refused] == ['API "shop" is made as `public-alb`, which checks no tokens']
    assert not {"rule-bug", "unknown-resource"} & set(app.codes())


def test_where_nothing_fits_other_apis_of_the_same_service_are_still_looked_at(app: Builder) -> None:
    slow(app, cors=True).add("api", "guarded").add("userpool", "people").says(
        "guarded", "attach_service", "web", route="/"
    )
    assert app.says("guarded", "authenticates_with", "people", route="/").codes() == ["nothing-fits"]


def test_a_private_api_is_none(app: Builder) -> None:
    app.add("api", "shop", public=False).directive("shop", "use", "public-alb")
    assert "private-api" in app.codes()


def test_a_network_that_is_there_already_has_no_public_subnets(app: Builder) -> None:
    subnets = ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]
    app.constructs.append(Construct("Network", "net", {"subnets": subnets}, existing=Existing("vpc-0a1b2c3d")))
    assert "api-cant-carry" in slow(app).codes()


def test_one_that_is_there_already_is_none(app: Builder) -> None:
    app.constructs.append(Construct("API", "shop", {}, existing=Existing("a1b2c3d4e5")))
    assert app.directive("shop", "use", "public-alb").codes() == ["bad-existing"]
