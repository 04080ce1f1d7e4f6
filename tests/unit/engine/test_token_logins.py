"""Logins by tokens of IAM: what is granted, and what is not made any more."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from klotho.application import Existing
from klotho.resources import ResourceGraph, ResourceKey
from tests.unit.engine.conftest import Builder


def used(app: Builder, **more: object) -> Builder:
    app.add("postgres", "db", login="iam", **more).add("function", "work")
    return app.says("work", "reads_from", "db")


def texts(graph: ResourceGraph, type_name: str) -> str:
    return json.dumps([item.properties for item in graph if item.type == type_name], default=repr)


@pytest.mark.parametrize(
    ("name", "role", "attribute"),
    [
        ("rds", "database", "DbiResourceId"),
        ("aurora", "database-cluster", "DBClusterResourceId"),
        ("aurora-serverless", "database-cluster", "DBClusterResourceId"),
    ],
)
def test_each_service_may_connect_as_its_own_user_and_has_no_secret(
    app: Builder, name: str, role: str, attribute: str
) -> None:
    graph = used(app).directive("db", "use", name).resolve().graph
    database = graph[ResourceKey(f"Databases.Postgres/db:{role}")]
    assert database.properties["EnableIAMDatabaseAuthentication"] is True
    assert not [item for item in graph if item.type == "AWS::SecretsManager::Secret"]
    (made,) = [item for item in graph if item.type == "Custom::SqlRole"]
    policies = texts(graph, "AWS::IAM::RolePolicy")
    assert made.properties["Login"] == "iam" and "rds-db:connect" in policies
    assert f"/{made.properties['User']}" in policies and attribute in policies and "/klotho" in policies


def test_without_it_nothing_of_the_kind_is_made(app: Builder) -> None:
    graph = app.add("postgres", "db").add("function", "work").says("work", "reads_from", "db").resolve().graph
    database = graph[ResourceKey("Databases.Postgres/db:database")]
    assert "EnableIAMDatabaseAuthentication" not in database.properties
    assert "rds-db:connect" not in texts(graph, "AWS::IAM::RolePolicy")


def test_ways_to_log_in_that_there_are_not_are_refused(app: Builder) -> None:
    (problem,) = app.add("postgres", "db").directive("db", "use", "rds", login="token").problems()
    assert problem.code == "wrong-argument" and "`token`" in problem.message
    (problem,) = Builder(app.root).add("mysql", "db").directive("db", "use", "rds", login="iam").problems()
    assert problem.code == "wrong-argument" and problem.notes[0].startswith("Klotho does not make it")


def test_an_adopted_database_gets_no_users_of_tokens(app: Builder) -> None:
    app.add("postgres", "db")
    app.constructs[0] = replace(app.constructs[0], existing=Existing("orders", {"ingress": False}))
    problems = app.directive("db", "use", "rds", login="iam").problems()
    assert "existing-changed" in [problem.code for problem in problems]
