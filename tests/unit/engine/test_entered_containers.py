"""Containers that can be entered on AWS: ECS Exec, where `allow:` of the environment names it."""

from __future__ import annotations

from klotho.catalogue.policy import EnvironmentPolicy
from tests.unit.engine.conftest import Builder

SERVICE, POLICY = "Compute.Container/web:service", "Compute.Container/web:task-role-policy"
ACTIONS = {
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


def test_containers_have_what_ecs_exec_needs_where_entering_is_allowed(app: Builder) -> None:
    app.policy = EnvironmentPolicy(enter=True)
    graph = app.add("container", "web").resolve().graph
    assert graph[SERVICE].properties["EnableExecuteCommand"] is True
    roles = [resource for resource in graph if resource.type == "AWS::IAM::RolePolicy"]
    entering = [
        (resource.key, statement["Resource"])
        for resource in roles
        for statement in resource.properties["PolicyDocument"]["Statement"]
        if set(statement["Action"]) == ACTIONS
    ]
    ((key, where),) = entering
    assert "task-role" in key and where == ["*"]
    assert key in graph[SERVICE].depends_on


def test_elsewhere_they_have_nothing_of_it(app: Builder) -> None:
    graph = app.add("container", "web").resolve().graph
    assert "EnableExecuteCommand" not in graph[SERVICE].properties
    assert not any("ssmmessages" in str(dict(resource.properties)) for resource in graph)
