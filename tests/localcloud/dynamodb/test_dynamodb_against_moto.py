"""The same operations on this store and on moto give the same answers, wherever moto is known to be right.

Left out, because moto differs from AWS there: booleans (moto finds true equal to the number 1), messages of errors,
capacity, `size` of an absent attribute (moto fails), and LastEvaluatedKey of a page whose limit ends exactly at the
last item (AWS gives one, as it does not look further).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests.localcloud.dynamodb.dynamodb_harness import Refused, Store, index, keys

pytestmark = pytest.mark.localcloud  # moto takes its time

TABLE = {
    "TableName": "both",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": keys("pk", "sk")["KeySchema"],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [index("by-g", "g", "sk")],
}
PARTITIONS = st.sampled_from(["a", "b"])
SORTS = st.integers(-2, 3).map(str)
KEYS = st.builds(lambda pk, sk: {"pk": {"S": pk}, "sk": {"N": sk}}, PARTITIONS, SORTS)
SCALARS = st.one_of(
    st.sampled_from(["x", "xy", "z"]).map(lambda text: {"S": text}),
    st.integers(-3, 12).map(lambda number: {"N": str(number)}),
)
VALUES = st.one_of(
    SCALARS,
    st.sets(st.sampled_from(["x", "y", "z"]), min_size=1).map(lambda texts: {"SS": sorted(texts)}),
    st.lists(SCALARS, max_size=3).map(lambda members: {"L": members}),
    st.dictionaries(st.sampled_from(["k", "j"]), SCALARS, max_size=2).map(lambda members: {"M": members}),
)
ATTRIBUTES = st.fixed_dictionaries(
    {}, optional={"g": st.sampled_from(["p", "q"]).map(lambda text: {"S": text}), "v": VALUES, "w": VALUES}
)
CONDITIONS = st.sampled_from(
    [
        "attribute_exists(pk)",
        "attribute_not_exists(v)",
        "v = :c",
        "v <> :c AND attribute_exists(v)",
        "attribute_exists(w) OR NOT attribute_exists(v)",
        "v < :c",
        "v >= :c",
        "v BETWEEN :c AND :d",
        "v IN (:c, :d)",
        "attribute_type(v, :t)",
        "attribute_exists(w) AND size(w) > :n",
        "contains(v, :c)",
    ]
)
UPDATES = st.sampled_from(
    [
        "SET v = :u",
        "SET v = if_not_exists(v, :u), w = :u",
        "SET w = v",
        "REMOVE v",
        "REMOVE w, v",
        "SET v = v + :n",
        "SET v = list_append(v, :l)",
        "ADD v :n",
        "ADD w :ss",
        "DELETE w :ss",
        "SET v.k = :u",
        "SET w.j = v REMOVE w.k",
    ]
)
PLACEHOLDERS = {
    ":n": {"N": "1"},
    ":l": {"L": [{"S": "end"}]},
    ":ss": {"SS": ["x", "q"]},
    ":t": {"S": "N"},
}


def with_values(request: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    text = " ".join(str(part) for name, part in request.items() if name.endswith("Expression"))
    tokens = set(text.replace("(", " ").replace(")", " ").replace(",", " ").split())
    used = {name: value for name, value in {**PLACEHOLDERS, **values}.items() if name in tokens}
    return {**request, **({"ExpressionAttributeValues": used} if used else {})}


def _bounds(one: Any, two: Any) -> dict[str, Any]:
    """Two scalars of one type in order, as BETWEEN wants them."""
    kind, other = next(iter(one)), next(iter(two))
    if kind != other:
        return {":c": {"N": "1"}, ":d": {"N": "5"}}
    low, high = sorted((one, two), key=lambda value: float(value["N"]) if kind == "N" else value["S"])
    return {":c": low, ":d": high}


def _put(key: Any, attributes: Any, condition: str | None, bounds: Any) -> tuple[str, dict[str, Any]]:
    request = {"TableName": "both", "Item": {**key, **attributes}, "ReturnValues": "ALL_OLD"}
    if condition:
        request["ConditionExpression"] = condition
    return "PutItem", with_values(request, bounds)


def _delete(key: Any, condition: str | None, bounds: Any) -> tuple[str, dict[str, Any]]:
    request = {"TableName": "both", "Key": key, "ReturnValues": "ALL_OLD"}
    if condition:
        request["ConditionExpression"] = condition
    return "DeleteItem", with_values(request, bounds)


def _update(key: Any, update: str, value: Any, condition: str | None, bounds: Any) -> tuple[str, dict[str, Any]]:
    request = {"TableName": "both", "Key": key, "UpdateExpression": update, "ReturnValues": "ALL_NEW"}
    if condition:
        request["ConditionExpression"] = condition
    return "UpdateItem", with_values(request, {":u": value, **bounds})


def _query(pk: str, low: str, forward: bool, limit: int | None, by_index: bool) -> tuple[str, dict[str, Any]]:
    request: dict[str, Any] = {"TableName": "both", "ScanIndexForward": forward}
    partition = ("g", {"a": "p", "b": "q"}[pk]) if by_index else ("pk", pk)
    request["KeyConditionExpression"] = f"{partition[0]} = :p AND sk >= :low"
    request["ExpressionAttributeValues"] = {":p": {"S": partition[1]}, ":low": {"N": low}}
    if by_index:
        request["IndexName"] = "by-g"
    elif limit:
        request["Limit"] = limit
    return "Query", request


MAYBE = st.none() | CONDITIONS
BOUNDS = st.builds(_bounds, SCALARS, SCALARS)
OPERATIONS = st.one_of(
    st.builds(_put, KEYS, ATTRIBUTES, MAYBE, BOUNDS),
    st.builds(_update, KEYS, UPDATES, VALUES, MAYBE, BOUNDS),
    st.builds(_delete, KEYS, MAYBE, BOUNDS),
    st.builds(_query, PARTITIONS, SORTS, st.booleans(), st.none() | st.integers(1, 3), st.booleans()),
)


def normal(value: Any) -> Any:
    """Sets without order, numbers by value, items of an index without the order of equal keys."""
    if isinstance(value, dict):
        if "SS" in value:
            return {"SS": sorted(value["SS"])}
        if "N" in value and isinstance(value["N"], str):
            return {"N": float(value["N"])}
        return {name: normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    return value


def ours(store: Store, action: str, request: dict[str, Any]) -> Any:
    try:
        return normal(store.call(action, **request))
    except Refused as refused:
        return refused.code


MOTO_FAILED = "moto failed"
"""moto breaks where a condition or path meets a value of a type it does not expect: AWS refuses all of these."""


def theirs(client: Any, action: str, request: dict[str, Any]) -> Any:
    method = {"PutItem": "put_item", "UpdateItem": "update_item", "DeleteItem": "delete_item", "Query": "query"}
    try:
        answer = getattr(client, method[action])(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # moto looks at the update before the condition; AWS says first that the condition failed.
        return "ConditionalCheckFailedException" if code == "ValidationException" and unmet(client, request) else code
    except (TypeError, ValueError):
        return MOTO_FAILED
    for extra in ("ResponseMetadata", "ConsumedCapacity"):  # moto always gives the latter
        answer.pop(extra, None)
    return normal(answer)


def unmet(client: Any, request: dict[str, Any]) -> bool:
    """Whether moto finds the condition of this request unmet, asked by a check that changes nothing."""
    if "UpdateExpression" not in request or "ConditionExpression" not in request:
        return False
    check = {name: request[name] for name in ("TableName", "Key", "ConditionExpression")}
    texts = check["ConditionExpression"].replace("(", " ").replace(")", " ").replace(",", " ").split()
    values = {name: value for name, value in request.get("ExpressionAttributeValues", {}).items() if name in texts}
    entry = {**check, **({"ExpressionAttributeValues": values} if values else {})}
    try:
        client.transact_write_items(TransactItems=[{"ConditionCheck": entry}])
    except (ClientError, TypeError, ValueError):
        return True
    return False


def _by_key(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: (item["pk"]["S"], float(item["sk"]["N"])))


@pytest.fixture(scope="module")
def moto_client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "dynamodb", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(OPERATIONS, min_size=4, max_size=20))
def test_random_operations_answer_as_moto_does(moto_client: Any, operations: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.call("CreateTable", **TABLE)
        moto_client.create_table(**TABLE)
        try:
            for action, request in operations:
                mine, other = ours(store, action, request), theirs(moto_client, action, request)
                if "Limit" in request:
                    mine.pop("LastEvaluatedKey", None)
                    other.pop("LastEvaluatedKey", None)
                if "IndexName" in request:
                    mine, other = _by_key(mine["Items"]), _by_key(other["Items"])
                if other == MOTO_FAILED:
                    assert mine in ("ConditionalCheckFailedException", "ValidationException"), (action, request)
                else:
                    assert mine == other, (action, request)
            left = _by_key(normal(store.all("both")))
            assert left == _by_key(normal(moto_client.scan(TableName="both")["Items"]))
        finally:
            moto_client.delete_table(TableName="both")
            store.service.catalog.close()
