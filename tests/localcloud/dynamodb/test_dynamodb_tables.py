"""Batches and transactions, tables, and the expiry of items, called in process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.services.dynamodb.expiry import Expiry
from tests.localcloud.dynamodb.dynamodb_harness import INDEXES, Refused, Store, by_index, index, keys, put, sorts

# ---- batches and transactions


def test_a_batch_write_and_a_batch_read(store: Store) -> None:
    store.table()
    put(store, "a", 99)
    requests: list[Any] = [{"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"N": str(n)}}}} for n in range(24)]
    requests.append({"DeleteRequest": {"Key": {"pk": {"S": "a"}, "sk": {"N": "99"}}}})
    assert store.call("BatchWriteItem", RequestItems={"things": requests}) == {"UnprocessedItems": {}}
    wanted = [{"pk": {"S": "a"}, "sk": {"N": str(n)}} for n in (0, 23, 99)]
    answer = store.call("BatchGetItem", RequestItems={"things": {"Keys": wanted}})
    assert answer == {"Responses": {"things": wanted[:2]}, "UnprocessedKeys": {}}
    with pytest.raises(Refused, match="Provided list of item keys contains duplicates"):
        store.call("BatchGetItem", RequestItems={"things": {"Keys": [wanted[0], wanted[0]]}})


def test_a_batch_read_stops_at_16_megabytes(store: Store) -> None:
    store.table()
    for number in range(50):
        put(store, "a", number, big="x" * 400_000)
    wanted = [{"pk": {"S": "a"}, "sk": {"N": str(n)}} for n in range(50)]
    answer = store.call("BatchGetItem", RequestItems={"things": {"Keys": wanted}})
    assert len(answer["Responses"]["things"]) == 41
    assert answer["UnprocessedKeys"]["things"]["Keys"] == wanted[41:]


def transfer(amount: str, token: str | None = None) -> dict[str, Any]:
    def move(pk: str, sign: str, condition: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": "things",
                "Key": {"pk": {"S": pk}, "sk": {"N": "0"}},
                "UpdateExpression": f"SET amount = amount {sign} :v",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {":v": {"N": amount}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    items = [move("from", "-", "amount >= :v"), move("to", "+", "amount < :v OR attribute_exists(pk)")]
    return {"TransactItems": items, **({"ClientRequestToken": token} if token else {})}


def amounts(store: Store) -> dict[str, str]:
    return {item["pk"]["S"]: item["amount"]["N"] for item in store.all("things")}


def test_a_transaction_does_all_or_nothing_and_says_why(store: Store) -> None:
    store.table()
    put(store, "from", 0, amount={"N": "10"})
    put(store, "to", 0, amount={"N": "0"})
    store.call("TransactWriteItems", **transfer("7"))
    assert amounts(store) == {"from": "3", "to": "7"}
    with pytest.raises(Refused) as refused:
        store.call("TransactWriteItems", **transfer("7"))
    assert amounts(store) == {"from": "3", "to": "7"}
    assert refused.value.code == "TransactionCanceledException"
    assert refused.value.message.endswith("[ConditionalCheckFailed, None]")
    assert refused.value.body["CancellationReasons"] == [
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"pk": {"S": "from"}, "sk": {"N": "0"}, "amount": {"N": "3"}},
        },
        {"Code": "None"},
    ]


def test_a_client_token_makes_a_transaction_happen_once(store: Store) -> None:
    store.table()
    put(store, "from", 0, amount={"N": "10"})
    put(store, "to", 0, amount={"N": "0"})
    for _ in range(3):
        store.call("TransactWriteItems", **transfer("2", token="once"))
    assert amounts(store) == {"from": "8", "to": "2"}
    with pytest.raises(Refused) as refused:
        store.call("TransactWriteItems", **transfer("3", token="once"))
    assert refused.value.code == "IdempotentParameterMismatchException"


def test_transactions_read_items_and_refuse_one_item_twice(store: Store) -> None:
    store.table()
    put(store, "a", 1, v="x")
    get = {"Get": {"TableName": "things", "Key": {"pk": {"S": "a"}, "sk": {"N": "1"}}, "ProjectionExpression": "v"}}
    other = {"Get": {"TableName": "things", "Key": {"pk": {"S": "a"}, "sk": {"N": "2"}}}}
    answer = store.call("TransactGetItems", TransactItems=[get, other])
    assert answer == {"Responses": [{"Item": {"v": {"S": "x"}}}, {}]}
    with pytest.raises(Refused, match="Transaction request cannot include multiple operations on one item"):
        store.call("TransactGetItems", TransactItems=[get, get])


# ---- tables


def test_tables_are_listed_in_pages_and_described(store: Store) -> None:
    for name in ("one", "three", "two"):
        store.table(name)
    page = store.call("ListTables", Limit=2)
    assert page == {"TableNames": ["one", "three"], "LastEvaluatedTableName": "three"}
    assert store.call("ListTables", ExclusiveStartTableName="three") == {"TableNames": ["two"]}
    table = store.call("DescribeTable", TableName="arn:aws:dynamodb:eu-west-1:000000000000:table/two")["Table"]
    assert (table["TableName"], table["TableStatus"], table["ItemCount"]) == ("two", "ACTIVE", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TableName": "no"}, "Member must have length greater than or equal to 3"),
        ({"TableName": "with space"}, "Member must satisfy regular expression pattern"),
        ({"BillingMode": "PROVISIONED"}, "ReadCapacityUnits and WriteCapacityUnits must both be specified"),
        ({"AttributeDefinitions": [{"AttributeName": "zz", "AttributeType": "S"}]}, "not defined in"),
        ({"StreamSpecification": {"StreamEnabled": True}}, "StreamSpecification of CreateTable is not supported"),
        ({"LocalSecondaryIndexes": [index("loc", "pk", "day")]}, "Table KeySchema does not have a range key"),
        ({"GlobalSecondaryIndexes": [index("glo", "pk", None, "INCLUDE")]}, "NonKeyAttributes is not specified"),
    ],
)
def test_a_wrong_table_is_refused(store: Store, change: Any, message: str) -> None:
    request = {"TableName": "fine", "BillingMode": "PAY_PER_REQUEST", **keys("pk"), **change}
    if "LocalSecondaryIndexes" in change:
        request["AttributeDefinitions"].append({"AttributeName": "day", "AttributeType": "S"})
    with pytest.raises(Refused, match=message):
        store.call("CreateTable", **request)
    assert store.call("ListTables") == {"TableNames": []}


def test_a_protected_table_cannot_be_deleted(store: Store) -> None:
    store.table(DeletionProtectionEnabled=True)
    with pytest.raises(Refused, match="currently protected against deletion"):
        store.call("DeleteTable", TableName="things")
    store.call("UpdateTable", TableName="things", DeletionProtectionEnabled=False)
    store.call("DeleteTable", TableName="things")
    assert store.call("ListTables") == {"TableNames": []}


# ---- expiry


def described(store: Store) -> Any:
    return store.call("DescribeTable", TableName="things")["Table"]


def test_expired_items_are_read_until_the_sweep_deletes_them_with_their_index_entries(store: Store) -> None:
    store.table(**INDEXES)
    now = int(time.time())
    put(store, "a", 1, owner="ann", ends={"N": str(now - 10)})
    put(store, "a", 2, owner="ann", ends={"N": str(now + 1000)})
    put(store, "a", 3, owner="ann", ends="text is no time")
    put(store, "a", 4, owner="ann", ends={"N": str(now - 6 * 365 * 24 * 3600)})
    store.call(
        "UpdateTimeToLive", TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"}
    )
    put(store, "a", 5, owner="ann", ends={"N": f"{now - 1}.5"})
    assert sorts(by_index(store, "owners")) == [1, 2, 3, 4, 5]
    catalog = store.service.catalog
    assert Expiry(catalog, 1).sweep(catalog.table("things"), now) == 2
    assert sorts(by_index(store, "owners")) == [2, 3, 4]
    assert {i["IndexName"]: i["ItemCount"] for i in described(store)["GlobalSecondaryIndexes"]}["owners"] == 3


def test_expiry_runs_in_the_background(tmp_path: Path) -> None:
    store = Store(tmp_path, expiry_seconds=0.01)

    async def scenario() -> None:
        await store.service.start()
        store.table()
        spec = {"Enabled": True, "AttributeName": "ends"}
        store.call("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=spec)
        put(store, "a", 1, ends={"N": str(int(time.time()) - 5)})
        for _ in range(200):
            await asyncio.sleep(0.01)
            if not store.all("things"):
                break
        assert store.all("things") == []
        await store.service.stop()

    asyncio.run(scenario())
