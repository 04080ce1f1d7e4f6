"""The function that makes login roles always answers, waits where waiting helps, and gives no secret away."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.provider import handler, work
from klotho.provider.role import Role, RoleError
from klotho.runtime.errors import AwsError

PROPERTIES = {
    "Engine": "postgres", "Host": "127.0.0.1", "Port": "5432", "Database": "db", "Master": "arn:master",
    "Login": "arn:login", "User": "web_1", "Access": "read",
}  # fmt: skip
EVENT = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l", "ResponseURL": "http://x", "RequestType": "Create"}


def event(kind: str = "Create", **properties: str) -> dict[str, Any]:
    held = {"PhysicalResourceId": "web_1@old"} if kind != "Create" else {}
    return {**EVENT, "RequestType": kind, **held, "ResourceProperties": {**PROPERTIES, **properties}}


class Database:
    """What the engine was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        engine = work.Engine(
            self.connected, self.ensure, self.drop, lambda error: False, lambda error: "gone" in str(error)
        )
        monkeypatch.setitem(work.ENGINES, "postgres", engine)

    @contextmanager
    def connected(self, role: Role, user: str, password: str) -> Iterator[str]:
        if self.error is not None:
            raise self.error
        yield f"{user}:{password}"

    def ensure(self, connection: str, role: Role, password: str) -> None:
        self.calls.append(("ensure", connection, role.user, password))

    def drop(self, connection: str, role: Role) -> None:
        self.calls.append(("drop", connection, role.user))


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    logins = {"arn:master": ("klotho", "m"), "arn:login": ("web_1", "p")}

    def fetch(arn: str) -> str:
        user, password = logins[arn]
        return json.dumps({"username": user, "password": password})

    monkeypatch.setattr(work, "fetch_secret", fetch)
    monkeypatch.setattr(work, "is_there", lambda role: True)
    return Database(monkeypatch)


def test_a_role_is_made_with_the_password_of_its_secret_by_the_master(database: Database) -> None:
    assert handler.answered(event()) == {
        "StackId": "s", "RequestId": "r", "LogicalResourceId": "l", "Status": "SUCCESS",
        "PhysicalResourceId": "web_1@127.0.0.1:5432/db", "Data": {"User": "web_1"},
    }  # fmt: skip
    assert database.calls == [("ensure", "klotho:m", "web_1", "p")]


def test_a_database_that_moved_is_another_resource_and_a_delete_keeps_its_id(database: Database) -> None:
    assert handler.answered(event("Update", Host="127.0.0.2"))["PhysicalResourceId"] == "web_1@127.0.0.2:5432/db"
    assert handler.answered(event("Delete"))["PhysicalResourceId"] == "web_1@old"
    assert database.calls[-1] == ("drop", "klotho:m", "web_1")


def test_a_failure_is_an_answer_with_a_reason(database: Database) -> None:
    database.error = ConnectionError("x" * 9000)
    answer = handler.answered(event())
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("ConnectionError: xxx")
    assert len(json.dumps(answer)) < 4096
    assert answer["PhysicalResourceId"] == "web_1@127.0.0.1:5432/db", "so that the rollback deletes it"


def test_a_secret_of_another_user_is_refused(database: Database) -> None:
    answer = handler.answered(event(User="someone"))
    assert (answer["Status"], database.calls) == ("FAILED", [])


def test_removing_from_what_is_gone_succeeds(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.error = RuntimeError("the database is gone")
    assert handler.answered(event("Delete"))["Status"] == "SUCCESS"
    database.error = RuntimeError("out of memory")
    assert handler.answered(event("Delete"))["Status"] == "FAILED"

    def gone(arn: str) -> str:
        raise AwsError("secretsmanager", "ResourceNotFoundException", "no such secret")

    monkeypatch.setattr(work, "fetch_secret", gone)
    assert handler.answered(event("Delete"))["Status"] == "SUCCESS"
    monkeypatch.setattr(work, "is_there", lambda role: False)
    assert handler.answered(event("Delete"))["Status"] == "SUCCESS"
    assert handler.answered(event("Create"))["Status"] == "FAILED"


def test_a_server_is_there_when_it_takes_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        role = Role.of({**PROPERTIES, "Port": str(server.getsockname()[1])})
        assert work.is_there(role)
    assert not work.is_there(role, patience_s=0.0)
    assert not work.is_there(Role.of({**PROPERTIES, "Host": "no-such-host.invalid"}))


def test_a_permission_given_a_moment_ago_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [AwsError("secretsmanager", "AccessDeniedException", "not yet")] * 3
    slept: list[float] = []

    def fetch(arn: str) -> str:
        if answers:
            raise answers.pop()
        return '{"username": "u", "password": "p"}'

    monkeypatch.setattr(work, "fetch_secret", fetch)
    monkeypatch.setattr(work.time, "sleep", slept.append)
    assert work.read_login("arn:login") == ("u", "p")
    assert slept == [0.5, 1.0, 2.0]
    answers.append(AwsError("secretsmanager", "InternalFailure", "no"))
    with pytest.raises(AwsError):
        work.read_login("arn:login")


@pytest.mark.parametrize("text", ["canary", '"canary"', '{"password": "canary"}', "[]"])
def test_a_secret_of_another_shape_is_not_shown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "fetch_secret", lambda arn: text)
    with pytest.raises(RoleError) as refused:
        work.read_login("arn:login")
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None


@given(st.dictionaries(st.sampled_from(sorted(PROPERTIES)), st.text() | st.none() | st.integers()))
def test_any_properties_are_a_role_or_refused(given_properties: dict[str, Any]) -> None:
    try:
        role = Role.of({**PROPERTIES, **given_properties})
    except RoleError:
        return
    assert role.engine in ("postgres", "mysql") and role.access in ("read", "write", "read_write")


def told(action: str, before: dict[str, Any] | None = None, **properties: str) -> Any:
    """What `aws_lambda_invocation` with the lifecycle scope CRUD sends, and its answer."""
    change = {"action": action, "prev_input": before and {"ResourceProperties": before}}
    return handler.handler({"ResourceProperties": {**PROPERTIES, **properties}, "tf": change}, None)


def test_another_tool_has_a_role_made_and_removed(database: Database) -> None:
    assert told("create") == {"User": "web_1"}
    assert told("delete") == {}
    assert [call[0] for call in database.calls] == ["ensure", "drop"]


def test_a_role_that_moved_is_removed_where_it_was(database: Database) -> None:
    assert told("update", before=PROPERTIES, Access="write") == {"User": "web_1"}
    told("update", before={**PROPERTIES, "Database": "old"})
    assert [call[0] for call in database.calls] == ["ensure", "ensure", "drop"]


def test_another_tool_hears_of_a_failure_by_an_error(database: Database) -> None:
    with pytest.raises(RoleError, match="lacks User"):
        told("create", User="")
