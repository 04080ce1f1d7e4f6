"""What the engine refuses, and what it says."""

from __future__ import annotations

import pytest

from klotho.application import token
from tests.unit.engine.conftest import Builder


def test_a_secret_in_the_environment_is_refused_with_the_way_to_do_it(app: Builder) -> None:
    app.add("postgres", "db")
    app.add("container", "web", environment={"PASSWORD": f"x{token(app.id('db'), 'password')}"})
    (problem,) = app.problems()
    assert problem.code == "secret-in-environment"
    assert 'klotho.config.datastores.get("db").password' in problem.helps[0]


def test_an_unknown_output_offers_the_nearest(app: Builder) -> None:
    app.add("api", "shop")
    app.add("container", "web", environment={"API": token(app.id("shop"), "uri")})
    (problem,) = app.problems()
    assert problem.code == "unknown-output"
    assert problem.helps[0] == "did you mean `url`?"


def test_a_cycle_of_values_names_every_construct_in_it(app: Builder) -> None:
    app.add("container", "web").add("container", "pdf")
    web, pdf = app.constructs
    app.constructs = [
        web.__class__(web.kind, "web", {**web.properties, "environment": {"A": token(pdf.id, "url")}}, web.span),
        pdf.__class__(pdf.kind, "pdf", {**pdf.properties, "environment": {"B": token(web.id, "url")}}, pdf.span),
    ]
    (problem,) = app.problems()
    assert problem.code == "value-cycle"
    assert problem.message.endswith("`pdf` → `web` → `pdf`")


@pytest.mark.parametrize(
    ("kind", "properties", "code"),
    [
        ("container", {"context": "services/none"}, "missing-context"),
        ("container", {"context": None}, "missing-context"),
        ("container", {"context": "../../../etc"}, "outside-repository"),
        ("container", {"dockerfile": "services/web/Dockerfile.x"}, "missing-dockerfile"),
        ("container", {"cpu": 300}, "bad-size"),
        ("container", {"cpu": 256, "memory": 4096}, "bad-size"),
        ("function", {"handler": "functions/none.handler"}, "missing-handler"),
        ("function", {"handler": "functions/work.hander"}, "missing-handler"),
        ("function", {"handler": "work"}, "bad-handler"),
        ("function", {"runtime": "python2.7"}, "bad-runtime"),
        ("function", {"timeout": 7201}, "bad-size"),
        ("function", {"memory": 64}, "bad-size"),
    ],
)
def test_a_bad_parameter_is_named(app: Builder, kind: str, properties: dict[str, object], code: str) -> None:
    (problem,) = app.add(kind, "it", **properties).problems()
    assert problem.code == code
    assert problem.span is not None


def test_the_nearest_function_of_a_handler_is_offered(app: Builder) -> None:
    (problem,) = app.add("function", "it", handler="functions/work.handlr").problems()
    assert problem.helps[0] == "did you mean `handler`?"


def test_all_mistakes_are_reported_at_once(app: Builder) -> None:
    app.add("container", "web", cpu=1).add("function", "work", timeout=0).add("api", "shop")
    app.says("shop", "attach_service", "shop", route="/")
    assert sorted(app.codes()) == ["bad-size", "bad-size", "senseless-relationship"]


def test_a_pin_to_what_does_not_exist_is_refused(app: Builder) -> None:
    app.add("container", "web").directive("web", "use", "lambda")
    assert app.codes() == ["unknown-implementation"]


def test_a_pins_parameter_wins_over_the_constructs(app: Builder) -> None:
    app.add("container", "web", cpu=256).directive("web", "use", "fargate", cpu=512, memory=1024)
    task = app.resolve().graph["Compute.Container/web:task-definition"].properties
    assert (task["Cpu"], task["Memory"]) == ("512", "1024")


def test_an_override_wins_and_is_recorded(app: Builder) -> None:
    app.add("postgres", "db").directive("db", "override", "AWS::RDS::DBInstance", MultiAZ=True)
    instance = app.resolve().graph["Databases.Postgres/db:database"]
    assert instance.properties["MultiAZ"] is True
    decision = instance.decisions["MultiAZ",]
    assert decision.winner.rule == "override"
    assert [value for _, value in decision.losers] == [False]


def test_an_override_of_what_is_not_generated_lists_what_is(app: Builder) -> None:
    app.add("keyvalue", "carts").directive("carts", "override", "AWS::DynamoDB::Tabel", TableClass="STANDARD")
    (problem,) = app.problems()
    assert problem.code == "override-matches-nothing"
    assert problem.helps[0] == "did you mean `AWS::DynamoDB::Table`?"


def test_an_override_with_a_wrong_property_points_at_its_line(app: Builder) -> None:
    app.add("keyvalue", "carts").directive("carts", "override", "AWS::DynamoDB::Table", TableClas="STANDARD")
    (problem,) = app.problems()
    assert problem.code == "bad-property"
    assert problem.span is not None
    assert problem.span.line == 2
    assert problem.message == "`TableClas` of AWS::DynamoDB::Table is no property here"
    assert problem.helps == ("did you mean `TableClass`?",)


def test_every_resource_and_property_leads_back_to_a_rule_and_a_line(app: Builder) -> None:
    app.add("postgres", "db").add("container", "web").add("function", "work").add("api", "shop")
    app.says("web", "reads_from", "db").says("shop", "attach_service", "web", route="/").says("web", "calls", "work")
    for resource in app.resolve().graph:
        assert resource.origins
        assert all(origin.rule and origin.spans for origin in resource.origins)
        assert all(decision.winner.rule and decision.winner.spans for decision in resource.decisions.values())
