"""What is not granted by the deployed templates is denied, and people are told why: the real command, units and SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.examples.deployment import replaced
from tests.localcloud.permissions.guarded_app import GuardedApp

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

ITEM = {"id": {"S": "1"}, "day": {"S": "monday"}}
KEY = {"id": {"S": "1"}}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedApp]:
    guarded = GuardedApp(tmp_path_factory.mktemp("guarded"))
    try:
        yield guarded
    finally:
        assert guarded.deployment.end() == []


def denied(call: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response: dict[str, Any] = refused.value.response
    assert response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied"), response
    return {**response["Error"], "status": response["ResponseMetadata"]["HTTPStatusCode"]}


def test_a_reader_reads(app: GuardedApp) -> None:
    reader, table = app.client("dynamodb", "reader"), app.table()
    app.client("dynamodb", "writer").put_item(TableName=table, Item=ITEM)
    assert reader.get_item(TableName=table, Key=KEY)["Item"] == ITEM
    assert reader.scan(TableName=table)["Count"] == 1
    asked = {"KeyConditionExpression": "#d = :d", "ExpressionAttributeNames": {"#d": "day"}}
    asked |= {"ExpressionAttributeValues": {":d": {"S": "monday"}}}
    assert reader.query(TableName=table, IndexName="by_day", **asked)["Count"] == 1
    assert reader.batch_get_item(RequestItems={table: {"Keys": [KEY]}})["Responses"][table] == [ITEM]
    got = reader.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": KEY}}])
    assert got["Responses"][0]["Item"] == ITEM


def test_a_reader_does_not_write_and_is_told_in_awss_words(app: GuardedApp) -> None:
    reader, table = app.client("dynamodb", "reader"), app.table()
    error = denied(reader.put_item, TableName=table, Item={**ITEM, "id": {"S": "never"}})
    role = app.client("sts", "reader").get_caller_identity()["Arn"]
    assert role.startswith("arn:aws:sts::000000000000:assumed-role/")
    assert role.endswith("/reader")
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"
    assert (error["Code"], error["status"]) == ("AccessDeniedException", 400)
    assert error["Message"] == (
        f"User: {role} is not authorized to perform: dynamodb:PutItem on resource: {arn} because no identity-based "
        "policy allows the dynamodb:PutItem action. klotho: `reader.writes_to(carts)` in infra.py would allow it"
    )
    assert "Item" not in app.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "never"}})


@pytest.mark.parametrize(
    ("unit", "call", "arguments", "action"),
    [
        ("reader", "delete_item", {"Key": KEY}, "DeleteItem"),
        ("reader", "update_item", {"Key": KEY}, "UpdateItem"),
        ("reader", "delete_table", {}, "DeleteTable"),
        ("writer", "get_item", {"Key": KEY}, "GetItem"),
        ("writer", "scan", {}, "Scan"),
        ("writer", "scan", {"IndexName": "by_day"}, "Scan"),
        ("stranger", "get_item", {"Key": KEY}, "GetItem"),
        ("stranger", "describe_table", {}, "DescribeTable"),
        ("desk", "put_item", {"Item": ITEM}, "PutItem"),
    ],
)
def test_what_the_verb_does_not_say_is_denied(
    app: GuardedApp, unit: str, call: str, arguments: dict[str, Any], action: str
) -> None:
    error = denied(getattr(app.client("dynamodb", unit), call), TableName=app.table(), **arguments)
    assert f"not authorized to perform: dynamodb:{action} on resource: arn:aws:dynamodb:" in error["Message"]


def test_another_table_is_another_resource_in_batches_and_transactions_too(app: GuardedApp) -> None:
    carts, orders = app.table(), app.table("orders")
    writer, reader = app.client("dynamodb", "writer"), app.client("dynamodb", "reader")
    write = [{"PutRequest": {"Item": ITEM}}]
    writer.batch_write_item(RequestItems={carts: write})
    assert "orders" in denied(writer.batch_write_item, RequestItems={carts: write, orders: write})["Message"]
    keys = {"Keys": [KEY]}
    denied(reader.batch_get_item, RequestItems={carts: keys, orders: keys})
    put = {"Put": {"TableName": carts, "Item": {**ITEM, "id": {"S": "half"}}}}
    check = {"ConditionCheck": {"TableName": orders, "Key": KEY, "ConditionExpression": "attribute_not_exists(id)"}}
    writer.transact_write_items(TransactItems=[put, check])  # reads_from(orders) grants the check
    forbidden = {"Put": {"TableName": orders, "Item": ITEM}}
    error = denied(writer.transact_write_items, TransactItems=[{**put}, forbidden])
    assert "dynamodb:PutItem" in error["Message"]
    assert "`writer.writes_to(orders)`" in error["Message"]


def test_a_container_reads_with_its_own_role(app: GuardedApp) -> None:
    app.client("dynamodb").put_item(TableName=app.table(), Item=ITEM)
    assert app.client("dynamodb", "desk").get_item(TableName=app.table(), Key=KEY)["Item"] == ITEM


def test_a_function_is_invoked_by_who_calls_it_only(app: GuardedApp) -> None:
    function = app.shown("reader")["KLOTHO_SERVICE_PRICE"]["function"]
    answer = app.client("lambda", "reader").invoke(FunctionName=function)
    assert answer["Payload"].read() == b'{"price": 3}'
    error = denied(app.client("lambda", "stranger").invoke, FunctionName=function)
    assert (error["Code"], error["status"]) == ("AccessDeniedException", 403)
    assert "lambda:InvokeFunction on resource: arn:aws:lambda:" in error["Message"]
    assert "`stranger.calls(price)` in infra.py would allow it" in error["Message"]
    denied(app.client("lambda", "stranger").invoke, FunctionName=function, InvocationType="Event")


def test_other_services_are_closed_as_well(app: GuardedApp) -> None:
    bucket = "klotho-assets-000000000000-us-east-1"
    error = denied(app.client("s3", "stranger").list_objects_v2, Bucket=bucket)
    assert (error["Code"], error["status"]) == ("AccessDenied", 403)
    assert f's3:ListBucket on resource: "arn:aws:s3:::{bucket}"' in error["Message"]
    denied(app.client("s3", "stranger").get_object, Bucket=bucket, Key="x")
    made = app.client("secretsmanager").create_secret(Name="mail", SecretString="hush")["ARN"]
    for name in (made, "mail"):
        error = denied(app.client("secretsmanager", "reader").get_secret_value, SecretId=name)
        assert f"secretsmanager:GetSecretValue on resource: {made}" in error["Message"]
    denied(app.client("secretsmanager", "reader").get_secret_value, SecretId="none-such")
    denied(app.client("secretsmanager", "reader").list_secrets)
    denied(app.client("logs", "stranger").describe_log_groups)
    asked = {"NamespaceName": "x", "ServiceName": "desk"}
    denied(app.client("servicediscovery", "stranger").discover_instances, **asked)
    denied(app.client("cloudformation", "stranger").describe_stacks)
    with pytest.raises(ClientError) as refused:
        app.client("cloudformation", "stranger").list_exports()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_deployer_may_do_everything(app: GuardedApp) -> None:
    deployer = app.client("dynamodb")
    deployer.put_item(TableName=app.table("orders"), Item=ITEM)
    assert deployer.scan(TableName=app.table("orders"))["Count"] >= 1


def test_logs_and_status_tell_and_the_relationship_that_was_named_helps(app: GuardedApp) -> None:
    assert app.api.get("/reader/put").status == 500
    hint = "`reader.writes_to(carts)` in infra.py would allow it"
    lines = [line for line in app.deployment.logs("reader").splitlines() if "klotho: denied: User: " in line]
    assert lines and all(hint in line for line in lines if "dynamodb:PutItem" in line)
    detail = app.status()["reader"]
    assert "denied, last: dynamodb:PutItem on carts; " + hint in detail
    infra = app.deployment.folder / "infra.py"
    with replaced(infra, "reader.reads_from(carts)", "reader.read_writes_to(carts)"):
        assert app.deployment.up()["reader-function"] == "updated"
        assert app.api.get("/reader/put").status == 200
        assert "denied" not in app.status()["reader"], "the last denial would be allowed by now"
    app.deployment.up()
    app.forget()
    denied(app.client("dynamodb", "reader").put_item, TableName=app.table(), Item=ITEM)


def test_grants_are_the_same_after_a_restart_of_the_local_cloud(app: GuardedApp) -> None:
    app.restart()
    app.forget()
    table = app.table()
    app.client("dynamodb", "reader").scan(TableName=table)
    denied(app.client("dynamodb", "reader").put_item, TableName=table, Item=ITEM)
