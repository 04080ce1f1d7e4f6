"""`lambda-container`: what it becomes, what it can't carry, and that it competes only where something may stop."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.application import ConstructId
from klotho.application.values import token
from klotho.resources.serialization import graph_to_json
from tests.unit.engine.conftest import Builder


def pinned(app: Builder, **properties: Any) -> Builder:
    return app.add("container", "web", **properties).directive("web", "use", "lambda-container")


def test_it_is_a_function_from_the_containers_image_with_the_adapters_settings(app: Builder) -> None:
    pinned(app, port=9000, cpu=1024, health_check="/well").requires("web", "max_duration_s", 120)
    resolved = app.resolve()
    function = resolved.graph["Compute.Container/web:function"].properties
    assert function["PackageType"] == "Image"
    assert (function["MemorySize"], function["Timeout"]) == (1769, 120)
    variables = function["Environment"]["Variables"]
    assert (variables["PORT"], variables["AWS_LWA_READINESS_CHECK_PATH"]) == ("9000", "/well")
    assert "AWS::ECS::Service" not in app.types()
    assert "AWS::EC2::VPC" not in app.types(), "nothing of it needs a network"


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"ports": {"http": 8080, "grpc": 50051}}, "no gRPC"),
        ({"scale": [2, 4]}, "can't keep some of it running"),
        ({"memory": 16384, "cpu": 2048}, "at most 10240 MB"),
        ({"image": "nginx"}, "goes into the image when it is built"),
    ],
)
def test_what_lambda_does_not_carry_is_refused_by_name(app: Builder, properties: dict[str, Any], why: str) -> None:
    problem = next(item for item in pinned(app, **properties).problems() if item.code == "not-on-this-host")
    assert why in problem.notes[0]
    app.directives.clear()
    app.requires("web", "always_on", False)
    assert choices(app)["Compute.Container/web"]["implementation"] != "lambda-container"


@pytest.mark.parametrize(
    ("kind", "verb", "why"),
    [("queue", "consumes", "receives by itself"), ("schedule", "triggered_by", "receives by itself")],
)
def test_what_a_container_receives_by_itself_is_refused_at_the_line_with_what_carries_it(
    app: Builder, kind: str, verb: str, why: str
) -> None:
    more = {"every": "1 day"} if kind == "schedule" else {}
    pinned(app).add(kind, "events", **more).says("web", verb, "events")
    (problem,) = app.problems()
    assert problem.code == "not-on-this-host"
    assert problem.labels[0].span == app.relationships[-1].span
    assert why in problem.notes[0]
    assert "`fargate`" in problem.helps[0] and "lambda-container" not in problem.helps[0]
    app.directives.clear()
    app.requires("web", "always_on", False)
    found = choices(app)["Compute.Container/web"]
    assert found["implementation"] != "lambda-container"
    reason = next(item["reason"] for item in found["rejected"] if item["implementation"] == "lambda-container")
    assert f"`{verb}` events" in reason


def test_an_api_is_not_authenticated_by_a_container_on_lambda(app: Builder) -> None:
    pinned(app).add("api", "shop").says("shop", "attach_service", "web", route="/")
    app.says("shop", "authenticates_with", "web")
    assert [problem.code for problem in app.problems()] == ["not-on-this-host"]


def test_its_address_is_no_value_for_others_environment_and_what_works_is_said(app: Builder) -> None:
    url = token(ConstructId("Compute.Container/web"), "url")
    pinned(app).add("container", "other", environment={"WEB": url})
    (problem,) = app.problems()
    assert problem.code == "unknown-output"
    assert "other.calls(web)" in problem.helps[0] and "`fargate`" in problem.helps[0]


def test_it_competes_where_something_may_stop_and_not_elsewhere(app: Builder) -> None:
    app.add("container", "web")
    found = choices(app)["Compute.Container/web"]
    assert found["implementation"] == "fargate"
    reasons = {item["implementation"]: item["reason"] for item in found["rejected"]}
    assert "may have to start first" in reasons["lambda-container"]
    app.requires("web", "always_on", False)
    assert choices(app)["Compute.Container/web"]["implementation"] == "lambda-container", "it costs least"
    app.requires("web", "cold_start", False)
    assert choices(app)["Compute.Container/web"]["implementation"] == "fargate-spot"


def test_code_on_lambda_is_told_of_its_callers_by_the_adapter(app: Builder) -> None:
    pinned(app).add("api", "shop").add("function", "door").says("shop", "attach_service", "web", route="/")
    app.says("shop", "authenticates_with", "door")
    variables = app.resolve().graph["Compute.Container/web:function"].properties["Environment"]["Variables"]
    assert variables["KLOTHO_CALLER"] == "adapter"


def test_who_calls_each_other_in_a_circle_has_names_known_beforehand(app: Builder) -> None:
    pinned(app).add("function", "web2").says("web", "calls", "web2").says("web2", "calls", "web")
    graph = app.resolve().graph
    assert graph["Compute.Container/web:function"].properties["FunctionName"].endswith("_container")


def choices(app: Builder) -> dict[str, Any]:
    found: dict[str, Any] = graph_to_json(app.resolve().graph)["choices"]
    return found
