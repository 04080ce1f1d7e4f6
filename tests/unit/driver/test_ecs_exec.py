"""ECS Exec, tunnels through a task, and the health of services, with the answers ECS and Systems Manager give."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klotho.deploy.place import Clients, Place
from klotho.diagnostics import Failure
from klotho.driver import aws_units
from klotho.driver.reach import databases, ecs_exec
from klotho.driver.reach.services import Service

ORDERS = Service("orders", "container", "arn:aws:ecs:eu-west-1:1:service/shop/orders-1")
TASK = {
    "taskArn": "arn:aws:ecs:eu-west-1:1:task/shop/abc123",
    "lastStatus": "RUNNING",
    "enableExecuteCommand": True,
    "containers": [{"name": "orders", "runtimeId": "abc123-77"}],
}
GRANT = {"name": "users_db", "kind": "Databases.Postgres", "host": "db.internal", "port": 5432, "database": "users"}


class Ecs:
    """Answers as ECS does; keeps what it was asked."""

    def __init__(self, *tasks: dict[str, Any], running: int = 1) -> None:
        self.tasks = tasks
        self.running = running
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def list_tasks(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(("list_tasks", asked))
        return {"taskArns": [task["taskArn"] for task in self.tasks]}

    def describe_tasks(self, **asked: Any) -> dict[str, Any]:
        return {"tasks": list(self.tasks)}

    def execute_command(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(("execute_command", asked))
        return {"session": {"sessionId": "s", "streamUrl": "wss://x", "tokenValue": "t"}}

    def describe_services(self, **asked: Any) -> dict[str, Any]:
        events = [{"message": "unable to place a task"}]
        return {
            "services": [
                {"taskDefinition": "orders:7", "runningCount": self.running, "desiredCount": 2, "events": events}
            ]
        }

    def describe_task_definition(self, **asked: Any) -> dict[str, Any]:
        environment = [{"name": "KLOTHO_DATASTORE_USERS_DB", "value": json.dumps({**GRANT, "secret": "arn:secret"})}]
        return {"taskDefinition": {"containerDefinitions": [{"environment": environment}]}}


class Ssm:
    def start_session(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"SessionId": "s", "TokenValue": "t", "StreamUrl": "wss://x", "ResponseMetadata": {}}


def clients(ecs: Ecs, ssm: Ssm | None = None) -> Clients:
    place = Place("eu-west-1", "123456789012")
    return cast("Clients", SimpleNamespace(place=place, containers=ecs, sessions=ssm))


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "session-manager-plugin"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return str(program)


def test_a_command_runs_in_a_task_that_allows_it_through_the_plugin(plugin: str) -> None:
    closed = {**TASK, "enableExecuteCommand": False, "taskArn": "arn:aws:ecs:eu-west-1:1:task/shop/other"}
    ecs = Ecs(closed, TASK)
    command = ecs_exec.command(clients(ecs), ORDERS, ["python", "manage.py", "say hello"], "work")
    assert ecs.asked[0] == (
        "list_tasks", {"cluster": "shop", "serviceName": ORDERS.identifier, "desiredStatus": "RUNNING"},
    )  # fmt: skip
    assert ecs.asked[1] == (
        "execute_command",
        {
            "cluster": "shop",
            "task": TASK["taskArn"],
            "container": "orders",
            "command": "python manage.py 'say hello'",
            "interactive": True,
        },
    )
    program, session, region, verb, profile, target, endpoint = command.arguments
    assert (program, region, verb, profile) == (plugin, "eu-west-1", "StartSession", "work")
    assert json.loads(session)["sessionId"] == "s"
    assert json.loads(target) == {"Target": "ecs:shop_abc123_abc123-77"}
    assert endpoint == "https://ecs.eu-west-1.amazonaws.com"


def test_a_shell_is_a_command_of_its_own(plugin: str) -> None:
    ecs = Ecs(TASK)
    ecs_exec.command(clients(ecs), ORDERS, None, None)
    assert ecs.asked[1][1]["command"] == "/bin/sh"


def test_a_tunnel_forwards_through_the_task_to_the_database(plugin: str) -> None:
    ssm = Ssm()
    command = ecs_exec.port_forwarding(clients(Ecs(TASK), ssm), ORDERS, "db.internal", 5432, 15432, None)
    assert ssm.asked == {
        "Target": "ecs:shop_abc123_abc123-77",
        "DocumentName": "AWS-StartPortForwardingSessionToRemoteHost",
        "Parameters": {"host": ["db.internal"], "portNumber": ["5432"], "localPortNumber": ["15432"]},
    }
    assert json.loads(command.arguments[1]) == {"SessionId": "s", "TokenValue": "t", "StreamUrl": "wss://x"}
    assert command.arguments[-1] == "https://ssm.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("tasks", "code", "said"),
    [
        ((), "no-process-to-enter", "no task of `orders` runs"),
        (({**TASK, "lastStatus": "PENDING"},), "no-process-to-enter", "no task of `orders` runs"),
        (({**TASK, "enableExecuteCommand": False},), "exec-not-enabled", "allow: [exec]"),
    ],
)
def test_what_is_needed_is_said(plugin: str, tasks: tuple[dict[str, Any], ...], code: str, said: str) -> None:
    with pytest.raises(Failure) as error:
        ecs_exec.command(clients(Ecs(*tasks)), ORDERS, None, None)
    found = error.value.diagnostic
    assert found.code == code
    assert said in " ".join([found.message, *found.helps])


def test_without_the_plugin_no_session_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ecs = Ecs(TASK)
    with pytest.raises(Failure) as error:
        ecs_exec.command(clients(ecs), ORDERS, None, None)
    assert error.value.diagnostic.code == "session-plugin-missing"
    assert {name for name, _ in ecs.asked} <= {"list_tasks", "describe_tasks"}


def test_the_database_and_the_login_of_a_service_come_from_its_task_definition() -> None:
    found = databases.find(
        {"orders": ORDERS}, lambda service: ecs_exec.variables_of(clients(Ecs(TASK)), service), "users_db", None
    )
    assert (found.host, found.port, found.secret, found.service) == ("db.internal", 5432, "arn:secret", ORDERS)
    assert found.url(15432, None) == "postgresql://127.0.0.1:15432/users"
    login = databases.Login("orders", "p@ss/word")
    assert found.url(15432, login) == "postgresql://orders:p%40ss%2Fword@127.0.0.1:15432/users"
    assert "p@ss" not in repr(login)


@pytest.mark.parametrize(
    ("running", "state", "detail"),
    [(2, "running", "2 of 2 running"), (1, "starting", "1 of 2"), (0, "failed", "0 of 2 running; unable to place")],
)
def test_the_health_of_a_service_is_that_of_its_tasks(running: int, state: str, detail: str) -> None:
    (unit,) = aws_units.units(clients(Ecs(running=running)), [ORDERS])
    assert unit["state"] == state
    assert detail in unit["detail"]
