"""Public APIs as function URLs: when they are taken, what they are, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klotho.application import Construct, ConstructId
from klotho.application.values import token
from klotho.resources.serialization import graph_to_json
from tests.unit.engine.conftest import Builder


def alone(app: Builder, timeout: int = 300, **properties: Any) -> Builder:
    app.add("function", "work", timeout=timeout).add("api", "shop", **properties)
    return app.says("shop", "attach_service", "work", route="/")


def choice(app: Builder) -> Any:
    return graph_to_json(app.resolve().graph)["choices"]["API/shop"]


def resources(app: Builder, type_: str) -> list[dict[str, Any]]:
    bodies = [body for name, body in app.bundle().files.items() if name.endswith(".template.json")]
    found = [item for body in bodies for item in json.loads(body)["Resources"].values()]
    return [item["Properties"] for item in found if item["Type"] == type_]


def test_a_function_that_must_answer_longer_gets_a_url_by_itself(app: Builder) -> None:
    assert choice(alone(app).requires("shop", "max_duration_s", 120))["implementation"] == "function-url"
    assert app.codes() == []
    assert "AWS::ApiGatewayV2::Api" not in app.types()


def test_it_stays_an_http_api_while_nothing_rules_that_out(app: Builder) -> None:
    found = choice(alone(app).requires("shop", "requests_per_month", 1_000_000_000))
    assert found["implementation"] == "http-api"
    (other,) = [item for item in found["rejected"] if item["implementation"] == "function-url"]
    assert other["reason"].startswith("taken by itself where `http-api` can't be it")


def test_everybody_may_call_it_by_its_url_and_in_no_other_way(app: Builder) -> None:
    alone(app, cors=True).directive("shop", "use", "function-url")
    permissions = {item["Action"]: item for item in resources(app, "AWS::Lambda::Permission")}
    assert permissions["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert permissions["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True
    (url,) = resources(app, "AWS::Lambda::Url")
    assert url["AuthType"] == "NONE" and url["Cors"]["AllowOrigins"] == ["*"]


def test_its_address_has_no_slash_at_the_end(app: Builder) -> None:
    alone(app).directive("shop", "use", "function-url")
    outputs = [json.loads(body)["Outputs"] for name, body in app.bundle().files.items() if "shop-api" in name]
    parts = {"Fn::Split": ["/", {"Fn::GetAtt": ["ShopUrl", "FunctionUrl"]}]}
    (value,) = [item["Value"] for item in outputs[0].values() if "Fn::Join" in item["Value"]]
    assert value == {"Fn::Join": ["//", [{"Fn::Select": [0, parts]}, {"Fn::Select": [2, parts]}]]}


def test_a_function_that_stops_before_is_told(app: Builder) -> None:
    (problem,) = alone(app, timeout=30).requires("shop", "max_duration_s", 120).problems()
    assert problem.code == "requirement-contradicted" and "timeout=120" in problem.helps[0]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (lambda app: app.says("shop", "attach_service", "work", route="/again"), "2 are attached"),
        (lambda app: app.add("userpool", "people").says("shop", "authenticates_with", "people"), "checks no tokens"),
        (lambda app: app.constructs.append(Construct("Domain", "shop.example", {})) or exposed(app), "no name but its"),
    ],
)
def test_what_it_cant_carry_is_refused_by_name_where_it_is_pinned(app: Builder, more: Any, why: str) -> None:
    more(alone(app).directive("shop", "use", "function-url"))
    problems = [item for item in app.problems() if item.code == "api-cant-carry"]
    assert any(why in item.message for item in problems)
    assert "rule-bug" not in app.codes()


def exposed(app: Builder) -> Builder:
    return app.says("shop.example", "exposes", "shop")


@pytest.mark.parametrize("properties", [{"route": "/orders"}, {"route": "/", "methods": ["GET"]}])
def test_it_answers_every_path_and_method_or_is_not_taken(app: Builder, properties: dict[str, Any]) -> None:
    app.add("function", "work", timeout=300).add("api", "shop").says("shop", "attach_service", "work", **properties)
    (problem,) = app.requires("shop", "max_duration_s", 120).problems()
    assert problem.code == "nothing-fits"
    (note,) = [note for note in problem.notes if note.startswith("`function-url`")]
    assert "answers every path and method" in note


def test_what_the_function_waits_for_cant_be_given_the_address(app: Builder) -> None:
    app.add("api", "shop").add(
        "function", "work", timeout=300, environment={"SHOP": token(ConstructId("API/shop"), "url")}
    )
    app.says("shop", "attach_service", "work", route="/").directive("shop", "use", "function-url")
    (problem,) = app.problems()
    assert problem.code == "api-cant-carry" and "has an address once work is there" in problem.message


def test_neither_can_what_it_calls(app: Builder) -> None:
    app.add("function", "other", environment={"SHOP": token(ConstructId("API/shop"), "url")})
    alone(app).says("work", "calls", "other").requires("shop", "max_duration_s", 120)
    (problem,) = app.problems()
    assert problem.code == "nothing-fits"
    assert any("and work waits for other" in note for note in problem.notes)
