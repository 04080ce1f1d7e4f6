"""Secrets Manager through boto3, and the handler of AWS::SecretsManager::Secret."""

from __future__ import annotations

import asyncio
import json
import string
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud.database import Database
from klotho.localcloud.handler import HandlerError, Outcome, Request
from klotho.localcloud.handlers.secret import SecretHandler, generate_password
from klotho.localcloud.services.secretsmanager import SecretsManager
from tests.localcloud.frame.frame_harness import EndpointUnderTest

pytestmark = pytest.mark.localcloud


def test_a_secret_has_current_and_previous_versions(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("secretsmanager")
    made = client.create_secret(Name="app/db", SecretString="one", Description="d", Tags=[{"Key": "a", "Value": "b"}])
    second = client.put_secret_value(SecretId="app/db", SecretString="two")
    assert client.get_secret_value(SecretId=made["ARN"])["SecretString"] == "two"
    previous = client.get_secret_value(SecretId="app/db", VersionStage="AWSPREVIOUS")
    assert (previous["SecretString"], previous["VersionId"]) == ("one", made["VersionId"])
    client.update_secret(SecretId="app/db", SecretString="three", Description="new")
    found = client.describe_secret(SecretId="app/db")
    assert found["Description"] == "new"
    assert sorted(found["VersionIdsToStages"].values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    assert found["VersionIdsToStages"][second["VersionId"]] == ["AWSPREVIOUS"]
    client.tag_resource(SecretId="app/db", Tags=[{"Key": "c", "Value": "d"}])
    client.untag_resource(SecretId="app/db", TagKeys=["a"])
    assert client.describe_secret(SecretId="app/db")["Tags"] == [{"Key": "c", "Value": "d"}]
    assert made["ARN"].startswith("arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-")
    assert client.get_secret_value(SecretId=made["ARN"][:-7])["SecretString"] == "three"


def test_binary_values_come_back(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("secretsmanager")
    client.create_secret(Name="binary", SecretBinary=b"\x00\xff")
    assert client.get_secret_value(SecretId="binary")["SecretBinary"] == b"\x00\xff"


def test_the_same_token_does_the_work_once(endpoint: EndpointUnderTest) -> None:
    client, token = endpoint.client("secretsmanager"), "t" * 32
    first = client.create_secret(Name="token", SecretString="v", ClientRequestToken=token)
    assert client.create_secret(Name="token", SecretString="v", ClientRequestToken=token)["ARN"] == first["ARN"]
    with pytest.raises(client.exceptions.ResourceExistsException):
        client.put_secret_value(SecretId="token", SecretString="other", ClientRequestToken=token)
    with pytest.raises(client.exceptions.ResourceExistsException):
        client.create_secret(Name="token", SecretString="v")


def test_a_deleted_secret_can_be_restored_until_it_is_gone(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("secretsmanager")
    client.create_secret(Name="gone", SecretString="v")
    assert client.delete_secret(SecretId="gone", RecoveryWindowInDays=7)["DeletionDate"]
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.get_secret_value(SecretId="gone")
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.create_secret(Name="gone", SecretString="v")
    assert "gone" not in [secret["Name"] for secret in client.list_secrets()["SecretList"]]
    client.restore_secret(SecretId="gone")
    assert client.get_secret_value(SecretId="gone")["SecretString"] == "v"
    client.delete_secret(SecretId="gone", ForceDeleteWithoutRecovery=True)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_secret(SecretId="gone")


def test_secrets_are_listed_in_pages(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("secretsmanager")
    for number in range(5):
        client.create_secret(Name=f"page/{number}", SecretString="v")
    pages = client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2})
    assert [s["Name"] for p in pages for s in p["SecretList"] if s["Name"].startswith("page/")] == [
        f"page/{number}" for number in range(5)
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.create_secret(Name="bad name", SecretString="v"), "Invalid name"),
        (lambda c: c.create_secret(Name="r", AddReplicaRegions=[{"Region": "eu-west-2"}]), "AddReplicaRegions"),
        (lambda c: c.create_secret(Name="big", SecretString="x" * 65537), "65536 bytes"),
        (lambda c: c.get_secret_value(SecretId="nobody"), "ResourceNotFoundException"),
        (
            lambda c: c.list_secrets(Filters=[{"Key": "name", "Values": ["x"]}]),
            "does not carry ListSecrets with Filters",
        ),
        (lambda c: c.rotate_secret(SecretId="x"), "does not carry secretsmanager:RotateSecret"),
    ],
)
def test_what_is_wrong_or_not_carried_is_refused(endpoint: EndpointUnderTest, call: Any, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        call(endpoint.client("secretsmanager"))


def test_secrets_survive_a_restart_and_leave_after_their_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "state.sqlite3")
    arn = SecretsManager(database, "eu-west-1").create("kept", "value", "token")
    SecretsManager(database, "eu-west-1").create("leaving", "value", "token2")
    SecretsManager(database, "eu-west-1").delete("leaving", 7)
    database.close()
    again = SecretsManager(Database(tmp_path / "state.sqlite3"), "eu-west-1")
    assert (again.value(arn), again.value("kept")) == ("value", "value")
    assert [secret.name for secret in again.list(include_deleted=True)] == ["kept", "leaving"]
    import time

    later = time.time() + 8 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert [secret.name for secret in again.list(include_deleted=True)] == ["kept"]


class Stack:
    """Calls the handler as the engine would."""

    def __init__(self, state: Path) -> None:
        self.secrets = SecretsManager(Database(state / "state.sqlite3"), "eu-west-1")
        self.handler = SecretHandler(SimpleNamespace(secrets=self.secrets))  # type: ignore[arg-type]

    def request(self, properties: dict[str, Any], token: str = "t1", **more: Any) -> Request:
        return Request("AWS::SecretsManager::Secret", "Db", "shop", "stack-id", token, properties, **more)

    def create(self, properties: dict[str, Any], token: str = "t1") -> Outcome:
        return asyncio.run(self.handler.create(self.request(properties, token, tags={"stack": "shop"})))

    def update(self, arn: str, before: dict[str, Any], after: dict[str, Any], token: str) -> Outcome:
        return asyncio.run(self.handler.update(self.request(after, token, identifier=arn, previous=before)))


def test_a_generated_secret_is_made_once_however_often_the_operation_is_tried(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    rules = {"GenerateStringKey": "password", "SecretStringTemplate": '{"username":"app"}', "PasswordLength": 20}
    first = stack.create({"GenerateSecretString": rules, "Tags": [{"Key": "k", "Value": "v"}]})
    value = stack.secrets.value(first.identifier)
    assert stack.create({"GenerateSecretString": rules}) == first
    assert stack.secrets.value(first.identifier) == value
    assert (json.loads(value)["username"], len(json.loads(value)["password"])) == ("app", 20)
    assert stack.secrets.find(first.identifier).tags == {"stack": "shop", "k": "v"}
    assert first.attributes == {"Id": first.identifier}


def test_an_update_changes_the_value_only_when_its_rules_change(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    before: dict[str, Any] = {"Name": "db", "GenerateSecretString": {"PasswordLength": 8}, "Description": "a"}
    arn = stack.create(before).identifier
    value = stack.secrets.value(arn)
    described = {**before, "Description": "b"}
    stack.update(arn, before, described, "t2")
    assert (stack.secrets.value(arn), stack.secrets.find("db").description) == (value, "b")
    longer = {"Name": "db", "GenerateSecretString": {"PasswordLength": 9}}
    stack.update(arn, described, longer, "t3")
    changed = stack.secrets.value(arn)
    stack.update(arn, described, longer, "t3")
    assert (len(changed), stack.secrets.value(arn)) == (9, changed)
    stack.update(arn, longer, {"Name": "db", "SecretString": "fixed"}, "t4")
    assert stack.secrets.value(arn) == "fixed"


def test_deleting_twice_succeeds_and_frees_the_name(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    arn = stack.create({"Name": "db", "SecretString": "v"}).identifier
    with pytest.raises(HandlerError) as taken:
        stack.create({"Name": "db", "SecretString": "v"}, "t2")
    assert taken.value.code == "AlreadyExists"
    for _ in range(2):
        asyncio.run(stack.handler.delete(stack.request({}, identifier=arn)))
    assert stack.create({"Name": "db", "SecretString": "v"}, "t3").identifier != arn


@pytest.mark.parametrize(
    "properties",
    [
        {"SecretString": "a", "GenerateSecretString": {}},
        {"GenerateSecretString": {"GenerateStringKey": "k"}},
        {"GenerateSecretString": {"GenerateStringKey": "k", "SecretStringTemplate": "[]"}},
        {"GenerateSecretString": {"PasswordLength": 0}},
        {"GenerateSecretString": {"PasswordLength": 3}},
        {
            "GenerateSecretString": {
                f"Exclude{kind}": True for kind in ("Lowercase", "Uppercase", "Numbers", "Punctuation")
            }
        },
        {"Name": "not a name", "SecretString": "a"},
    ],
)
def test_impossible_secrets_are_refused_with_a_reason(tmp_path: Path, properties: dict[str, Any]) -> None:
    with pytest.raises(HandlerError) as refused:
        Stack(tmp_path).create(properties)
    assert refused.value.code == "InvalidRequest"


flags = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from([True, False, "true", "false"])
        for name in ("ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation", "IncludeSpace",
                     "RequireEachIncludedType")
    } | {"ExcludeCharacters": st.text(string.printable, max_size=10), "PasswordLength": st.integers(1, 60)},
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(rules=flags)
def test_generated_passwords_keep_every_rule_or_are_refused(rules: dict[str, Any]) -> None:
    def on(name: str, default: bool = False) -> bool:
        return str(rules.get(name, default)).lower() == "true"

    kinds = {
        string.ascii_lowercase: not on("ExcludeLowercase"),
        string.ascii_uppercase: not on("ExcludeUppercase"),
        string.digits: not on("ExcludeNumbers"),
        string.punctuation: not on("ExcludePunctuation"),
        " ": on("IncludeSpace"),
    }
    allowed = [set(kind) - set(rules.get("ExcludeCharacters", "")) for kind, included in kinds.items() if included]
    try:
        password = generate_password(rules)
    except HandlerError:
        required = sum(1 for kind in allowed if kind) if on("RequireEachIncludedType", True) else 0
        assert not any(allowed) or required > rules.get("PasswordLength", 32)
        return
    assert len(password) == rules.get("PasswordLength", 32)
    assert set(password) <= set().union(*allowed)
    if on("RequireEachIncludedType", True):
        assert all(set(password) & kind for kind in allowed if kind)
