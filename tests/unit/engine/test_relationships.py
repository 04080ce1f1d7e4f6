"""What relationships mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from klotho.catalogue.relationships import INSTEAD, PAIRS, find_pair
from klotho.catalogue.tables import table
from klotho.engine.passes.connect import what_works
from klotho.resources import ResourceGraph
from tests.unit.engine.conftest import Builder


def statements(graph: ResourceGraph, role: str) -> dict[str, Any]:
    policy = graph[f"{role}-policy"].properties["PolicyDocument"]["Statement"]  # type: ignore[index]
    return {item["Sid"]: item for item in policy}


def everything(app: Builder) -> Builder:
    """One application with every pair of the catalogue."""
    app.add("postgres", "db").add("keyvalue", "carts", indexes={"by_user": {"key": [["user", "S"]]}})
    app.add("container", "web").add("container", "pdf", context="services/pdf", ports={"http": 80, "grpc": 81})
    app.add("function", "work").add("function", "mail").add("api", "shop")
    app.add("secret", "key").add("schedule", "nightly", every="1 day")
    app.says("web", "uses", "key").says("work", "uses", "key").says("work", "triggered_by", "nightly")
    for actor in ("web", "work"):
        for target in ("db", "carts"):
            app.says(actor, "read_writes_to", target)
    app.says("web", "calls", "pdf", protocol="grpc").says("web", "calls", "pdf").says("web", "calls", "work")
    app.says("work", "calls", "mail").says("mail", "calls", "pdf")
    app.says("shop", "attach_service", "web", route="/orders").says("shop", "attach_service", "work", route="/work")
    return app


def test_reading_a_table_gives_the_read_actions_on_its_arn_only(app: Builder) -> None:
    graph = app.add("function", "work").add("keyvalue", "carts").says("work", "reads_from", "carts").resolve().graph
    statement = statements(graph, "Compute.Function/work:function-role")["ReadCarts"]
    assert statement["Action"] == sorted(table("iam")["dynamodb"]["read"])
    assert [(item.resource, item.attribute) for item in statement["Resource"]] == [
        ("Databases.KeyValue/carts:table", "Arn")
    ]


def test_writing_a_table_does_not_give_reading(app: Builder) -> None:
    graph = app.add("function", "work").add("keyvalue", "carts").says("work", "writes_to", "carts").resolve().graph
    actions = statements(graph, "Compute.Function/work:function-role")["WriteCarts"]["Action"]
    assert "dynamodb:GetItem" not in actions
    assert "dynamodb:PutItem" in actions


def test_indexes_are_named_in_the_grant(app: Builder) -> None:
    app.add("function", "work").add("keyvalue", "carts", indexes={"by_user": {"key": [["user", "S"]]}})
    graph = app.says("work", "reads_from", "carts").resolve().graph
    assert len(statements(graph, "Compute.Function/work:function-role")["ReadCarts"]["Resource"]) == 2


def test_no_action_is_a_wildcard_and_no_resource_where_aws_has_a_level(app: Builder) -> None:
    unscoped = {action for actions in table("iam")["unscoped"].values() for action in actions}
    for resource in everything(app).resolve().graph:
        if resource.type != "AWS::IAM::RolePolicy":
            continue
        for statement in resource.properties["PolicyDocument"]["Statement"]:
            assert not [action for action in statement["Action"] if "*" in action]
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= unscoped


def test_a_database_may_be_reached_on_its_port_by_its_users_only(app: Builder) -> None:
    app.add("postgres", "db").add("container", "web").add("container", "pdf").says("web", "reads_from", "db")
    rules = [item for item in app.resolve().graph if item.type == "AWS::EC2::SecurityGroupIngress"]
    assert {item.key: item.properties["SourceSecurityGroupId"].resource for item in rules} == {
        "Compute.Container/web:reaches-postgres-db-5432": "Compute.Container/web:container-security-group",
        "Databases.Postgres/db:roles-reach-database": "Databases.Postgres/db:roles-security-group",
    }
    assert {(item.properties["FromPort"], item.properties["ToPort"]) for item in rules} == {(5432, 5432)}


def test_the_connection_is_references_and_never_a_password(app: Builder) -> None:
    bundle = app.add("postgres", "db").add("container", "web").says("web", "reads_from", "db").bundle()
    template = json.loads(bundle.files["cloudformation/web-container.template.json"])
    definition = template["Resources"]["WebTaskDefinition"]["Properties"]["ContainerDefinitions"][0]
    (value,) = [item["Value"] for item in definition["Environment"] if item["Name"] == "KLOTHO_DATASTORE_DB"]
    connection = json.loads(value["Fn::Sub"])
    assert connection["secret"] == "${WebLoginPostgresDb.Id}"
    assert set(connection) == {"access", "database", "host", "kind", "name", "port", "secret", "sslmode"}
    assert connection["sslmode"] == "verify-full"
    assert connection["access"] == "read"


def test_a_function_that_uses_a_database_enters_the_network_without_a_nat_gateway(app: Builder) -> None:
    app.add("postgres", "db").add("function", "work").says("work", "reads_from", "db")
    graph = app.resolve().graph
    types = [item.type for item in graph]
    assert "VpcConfig" in graph["Compute.Function/work:function"].properties
    assert "AWS::EC2::NatGateway" not in types
    endpoints = [item.key for item in graph if item.type == "AWS::EC2::VPCEndpoint"]
    assert endpoints == ["shared:s3-endpoint", "shared:secretsmanager-endpoint"]


def test_functions_over_tables_need_no_network_at_all(app: Builder) -> None:
    app.add("function", "work").add("keyvalue", "carts").add("api", "shop").says("work", "read_writes_to", "carts")
    types = set(app.says("shop", "attach_service", "work", route="/").types())
    assert not [name for name in types if name.startswith("AWS::EC2::")]


def test_containers_go_out_through_one_nat_gateway(app: Builder) -> None:
    graph = app.add("container", "web").add("container", "pdf").resolve().graph
    assert sum(item.type == "AWS::EC2::NatGateway" for item in graph) == 1
    assert "shared:s3-endpoint" in graph


def test_grpc_and_http_calls_to_one_container_share_one_connection(app: Builder) -> None:
    app.add("container", "web").add("container", "pdf", ports={"http": 8080, "grpc": 50051})
    graph = app.says("web", "calls", "pdf", protocol="grpc").says("web", "calls", "pdf").resolve().graph
    main = graph["Compute.Container/web:task-definition"].properties["ContainerDefinitions"][0]
    (value,) = [item["Value"] for item in main["Environment"] if item["Name"] == "KLOTHO_SERVICE_PDF"]
    assert json.loads(value) == {
        "grpc": "pdf:50051",
        "http": "http://pdf:8080",
        "kind": "Compute.Container",
        "name": "pdf",
    }


def test_containers_that_call_each_other_end_up_in_one_stack(app: Builder) -> None:
    app.add("container", "web").add("container", "pdf").says("web", "calls", "pdf").says("pdf", "calls", "web")
    names = [stack.name for stack in app.bundle().manifest.stacks]
    assert names == ["shared", "pdf-container-and-web-container"]


def test_functions_that_call_each_other_know_their_names_beforehand(app: Builder) -> None:
    app.add("function", "work").add("function", "mail").says("work", "calls", "mail").says("mail", "calls", "work")
    graph = app.resolve().graph
    assert graph["Compute.Function/mail:function"].properties["FunctionName"] == "default--shop--local--mail"
    assert [stack.name for stack in app.bundle().manifest.stacks] == ["mail-function", "work-function"]


def test_a_route_serves_itself_and_everything_below(app: Builder) -> None:
    app.add("function", "work").add("api", "shop")
    app.says("shop", "attach_service", "work", route="/work/{id}", methods=["GET", "POST"])
    keys = [item.properties["RouteKey"] for item in app.resolve().graph if item.type == "AWS::ApiGatewayV2::Route"]
    assert sorted(keys) == [
        "GET /work/{id}",
        "GET /work/{id}/{proxy+}",
        "POST /work/{id}",
        "POST /work/{id}/{proxy+}",
    ]


def test_two_routes_to_one_service_share_its_integration(app: Builder) -> None:
    app.add("function", "work").add("api", "shop").says("shop", "attach_service", "work", route="/a")
    graph = app.says("shop", "attach_service", "work", route="/b").resolve().graph
    assert sum(item.type == "AWS::ApiGatewayV2::Integration" for item in graph) == 1
    assert sum(item.type == "AWS::ApiGatewayV2::Route" for item in graph) == 4


@pytest.mark.parametrize(
    ("actor", "verb", "target", "help_text"),
    [
        ("shop", "reads_from", "db", "Compute.Container and Compute.Function can `reads_from` Databases.Postgres"),
        (
            "shop",
            "attach_service",
            "db",
            "put code between: `api.attach_service(function)`, `function.read_writes_to(database)`",
        ),
        (
            "web",
            "calls",
            "db",
            "Compute.Container can `read_writes_to` or `reads_from` or `writes_to` Databases.Postgres",
        ),
        ("web", "calls", "web", "leave it out, or give `calls` the construct it was meant for"),
    ],
)
def test_a_relationship_that_makes_no_sense_says_what_does(
    app: Builder, actor: str, verb: str, target: str, help_text: str
) -> None:
    app.add("api", "shop").add("postgres", "db").add("container", "web").says(actor, verb, target)
    (problem,) = app.problems()
    assert problem.code == "senseless-relationship"
    assert problem.span is not None
    assert problem.span.line == 4
    assert problem.helps == (help_text,)


def test_what_is_said_instead_of_a_senseless_pair_makes_sense() -> None:
    kinds = {"queue": "Messaging.Queue", "topic": "Messaging.Topic", "bucket": "Storage.Bucket", "api": "API"}
    kinds |= {"table": "Databases.KeyValue", "schedule": "Schedule"}
    kinds |= {"function": "Compute.Function", "container": "Compute.Container", "secret": "Secret", "site": "Site"}
    kinds |= {"login": "Auth.OIDC", "database": "Databases.Postgres", "cache": "Databases.Redis"}
    for (verb, actor, target), text in INSTEAD.items():
        assert find_pair(verb, actor, target) is None, "a pair that is built needs no way around"
        named = re.findall(r"`(?:(\w+)\.)?(\w+)\((\w+)", text)
        exposed = re.findall(r"exposes=(\w+)", text)
        assert named or exposed, "it names a pair that works"
        assert all(find_pair("exposes", "Domain", kinds[about]) for about in exposed)
        for subject, said, about in named:
            actors = [kinds[subject]] if subject else [actor, "Compute.Function"]
            assert any(find_pair(said, item, kinds[about]) for item in actors), f"{text}: {said} {about}"


def test_every_refusal_of_a_pair_names_one_that_works() -> None:
    everything = {kind for pair in PAIRS for kind in (*pair.actors, *pair.targets)}
    verbs = {verb for pair in PAIRS for verb in pair.verbs}
    for actor in sorted({kind for pair in PAIRS for kind in pair.actors}):
        for verb in sorted({verb for pair in PAIRS if actor in pair.actors for verb in pair.verbs}):
            for target in sorted(everything - {kind for kind in everything if find_pair(verb, actor, kind)}):
                text = what_works(verb, actor, target)
                assert any(f"`{word}" in text or f".{word}(" in text or f"{word}=" in text for word in verbs), text


def test_the_order_of_the_program_changes_nothing_but_spans(app: Builder, another_app: Callable[[], Builder]) -> None:
    one, other = everything(app), everything(another_app())
    other.constructs.reverse()
    other.relationships.reverse()
    first, second = one.bundle(), other.bundle()
    assert first.files["cloudformation/shared.template.json"] == second.files["cloudformation/shared.template.json"]
    templates = [name for name in first.files if name.endswith(".template.json")]
    assert [first.files[name] for name in templates] == [second.files[name] for name in templates]


@pytest.mark.parametrize(
    ("verb", "has", "has_not"),
    [
        ("reads_from", {"+@read", "+subscribe"}, {"+@write", "+publish"}),
        ("writes_to", {"+@write", "+publish"}, {"+@read", "+subscribe"}),
        ("read_writes_to", {"+@read", "+@write", "+publish", "+subscribe"}, set()),
    ],
)
def test_the_user_of_a_cache_may_do_what_the_verb_says_and_nothing_dangerous(
    app: Builder, verb: str, has: set[str], has_not: set[str]
) -> None:
    graph = app.add("function", "work").add("redis", "cache").says("work", verb, "cache").resolve().graph
    words = graph["Databases.Redis/cache:user-of-function-work"].properties["AccessString"].split()
    assert has <= set(words) and not has_not & set(words)
    assert words[:4] == ["on", "~*", "&*", "-@all"]
    assert max(words.index(word) for word in has) < words.index("-@dangerous"), "what comes later wins"
    assert not {"+@all", "+@admin", "+@dangerous", "allcommands"} & set(words)


def test_a_cache_knows_its_users_and_nothing_of_who_uses_it(app: Builder) -> None:
    """The stacks would form a circle otherwise: the code needs the cache's address."""
    app.add("function", "work").add("container", "web").add("redis", "cache")
    app.says("work", "reads_from", "cache").says("web", "writes_to", "cache")
    graph = app.resolve().graph
    members = graph["Databases.Redis/cache:users"].properties["UserIds"]
    assert sorted(item.resource.rpartition(":")[2] for item in members) == [
        "user-of-container-web", "user-of-default", "user-of-function-work",
    ]  # fmt: skip
    own = [item for item in graph if item.key.startswith("Databases.Redis/cache:")]
    assert not [item.key for item in own if "Compute." in repr(item.properties)]
    read = statements(graph, "Compute.Function/work:function-role")["LoginToCache"]
    assert [item.resource for item in read["Resource"]] == ["Databases.Redis/cache:login-of-function-work"]
