"""Operations called in process: keys, pages, indexes, batches, transactions, expiry and upkeep."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.services.dynamodb.expiry import Expiry
from klotho.localcloud.services.dynamodb.rows import Bounds
from tests.localcloud.dynamodb.dynamodb_harness import Refused, Store, index, keys


def put(store: Store, pk: str, sk: float, **more: Any) -> None:
    attributes = {name: {"S": value} if isinstance(value, str) else value for name, value in more.items()}
    store.call("PutItem", TableName="things", Item={"pk": {"S": pk}, "sk": {"N": str(sk)}, **attributes})


def query(store: Store, condition: str = "pk = :p", **more: Any) -> Any:
    values = {":p": {"S": "a"}, **more.pop("values", {})}
    return store.call(
        "Query", TableName="things", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
    )


def sorts(answer: Any) -> list[float]:
    return [float(item["sk"]["N"]) for item in answer["Items"]]


# ---- keys and sizes


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"sk": {"N": "1"}}, "One or more parameter values were invalid: Missing the key pk in the item"),
        ({"pk": {"N": "1"}, "sk": {"N": "1"}},
         "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"),
        ({"pk": {"S": ""}, "sk": {"N": "1"}},
         "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
         "string value. Key: pk"),
        ({"pk": {"S": "x" * 2049}, "sk": {"N": "1"}},
         "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ({"pk": {"S": "x"}, "sk": {"N": "1"}, "big": {"S": "x" * 409600}},
         "Item size has exceeded the maximum allowed size"),
        ({"pk": {"S": "x"}, "sk": {"N": "1"}, "e": {"SS": []}},
         "One or more parameter values were invalid: An string set  may not be empty"),
        ({"pk": {"S": "x"}, "sk": {"N": "1"}, "e": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        ({"pk": {"S": "x"}, "sk": {"N": "1"}, "e": {}},
         "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"pk": {"S": "x"}, "sk": {"N": "1"}, "e": {"S": "a", "N": "1"}},
         "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
         "datatypes"),
        ({"pk": {"S": "x"}, "sk": {"N": "1"}, "e": {"NULL": False}},
         "One or more parameter values were invalid: Null attribute value types must have the value of true"),
    ],
)  # fmt: skip
def test_an_item_dynamodb_would_not_store_is_refused(store: Store, item: Any, message: str) -> None:
    store.table()
    with pytest.raises(Refused) as refused:
        store.call("PutItem", TableName="things", Item=item)
    assert refused.value.message == message
    assert store.all("things") == []


def test_an_update_may_not_grow_an_item_beyond_400_kilobytes(store: Store) -> None:
    store.table()
    put(store, "a", 1, big="x" * 300_000)
    with pytest.raises(Refused, match="Item size to update has exceeded the maximum allowed size"):
        store.call(
            "UpdateItem",
            TableName="things",
            Key={"pk": {"S": "a"}, "sk": {"N": "1"}},
            UpdateExpression="SET more = big",
        )


def test_nesting_deeper_than_32_levels_is_refused(store: Store) -> None:
    store.table()
    value: Any = {"S": "deep"}
    for _ in range(33):
        value = {"L": [value]}
    with pytest.raises(Refused, match="Nesting Levels have exceeded supported limits"):
        put(store, "a", 1, deep=value)


def test_numbers_that_are_equal_are_the_same_key(store: Store) -> None:
    store.table()
    put(store, "a", 1, v="first")
    store.call("PutItem", TableName="things", Item={"pk": {"S": "a"}, "sk": {"N": "1.00"}, "v": {"S": "second"}})
    assert [item["v"] for item in store.all("things")] == [{"S": "second"}]


def test_an_unknown_table_and_an_unknown_operation_are_refused(store: Store) -> None:
    with pytest.raises(Refused) as refused:
        store.call("GetItem", TableName="nothing", Key={"pk": {"S": "a"}})
    assert (refused.value.code, refused.value.message) == ("ResourceNotFoundException", "Requested resource not found")
    for operation in ("ExecuteStatement", "CreateGlobalTable", "CreateBackup", "DescribeExport"):
        with pytest.raises(Refused, match=f"DynamoDB {operation} is not supported by the local cloud"):
            store.call(operation)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"text"', b"null"])
def test_a_body_that_is_no_request_is_refused(store: Store, body: bytes) -> None:
    answer = store.service.answer("GetItem", body)
    assert answer.status == 400
    assert b"SerializationException" in answer.body


# ---- query and scan


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("pk = :p", [-3, -2.5, 0, 1, 2, 10]),
        ("pk = :p AND sk > :v", [2, 10]),
        ("pk = :p AND sk >= :v", [1, 2, 10]),
        ("sk < :v AND pk = :p", [-3, -2.5, 0]),
        ("pk = :p AND sk <= :v", [-3, -2.5, 0, 1]),
        ("pk = :p AND sk = :v", [1]),
        (":v < sk AND :p = pk", [2, 10]),
        ("(pk = :p) AND (sk BETWEEN :w AND :v)", [-2.5, 0, 1]),
    ],
)
def test_a_query_reads_a_range_in_numeric_order(store: Store, condition: str, expected: list[float]) -> None:
    store.table()
    for number in (10, 2, 1, 0, -2.5, -3):
        put(store, "a", number)
        put(store, "b", number)
    values = {name: {"N": text} for name, text in ((":v", "1"), (":w", "-2.5")) if name in condition}
    assert sorts(query(store, condition, values=values)) == expected
    assert sorts(query(store, condition, values=values, ScanIndexForward=False)) == expected[::-1]


def test_begins_with_on_a_text_sort_key(store: Store) -> None:
    store.table(sort="S")
    for text in ("a", "ab", "ab\U0010ffff", "abc", "ac"):
        store.call("PutItem", TableName="things", Item={"pk": {"S": "a"}, "sk": {"S": text}})
    answer = query(store, "pk = :p AND begins_with(sk, :v)", values={":v": {"S": "ab"}})
    assert [item["sk"]["S"] for item in answer["Items"]] == ["ab", "abc", "ab\U0010ffff"]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_a_query_join_to_the_whole(store: Store, forward: bool, limit: int) -> None:
    store.table()
    for number in range(7):
        put(store, "a", number)
    found, start = [], {}
    while True:
        page = query(
            store, "pk = :p AND sk > :v", values={":v": {"N": "1"}}, Limit=limit, ScanIndexForward=forward, **start
        )
        found += sorts(page)
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == ([2, 3, 4, 5, 6] if forward else [6, 5, 4, 3, 2])


def test_a_page_ends_at_one_megabyte_before_the_filter(store: Store) -> None:
    store.table()
    for number in range(5):
        put(store, "a", number, big="x" * 300_000)
    page = query(store, FilterExpression="big = :v", values={":v": {"S": "no"}})
    assert (page["Count"], page["ScannedCount"]) == (0, 3)
    assert page["LastEvaluatedKey"] == {"pk": {"S": "a"}, "sk": {"N": "2"}}


def test_scan_segments_hold_every_item_once(store: Store) -> None:
    store.table()
    for number in range(100):
        put(store, f"key {number}", number)
    segments = [store.call("Scan", TableName="things", Segment=s, TotalSegments=4)["Items"] for s in range(4)]
    assert all(segments)
    assert sorted(float(item["sk"]["N"]) for segment in segments for item in segment) == list(range(100))


def test_count_and_consumed_capacity(store: Store) -> None:
    store.table()
    put(store, "a", 1, big="x" * 5000)
    page = query(store, Select="COUNT", ReturnConsumedCapacity="TOTAL")
    assert page == {
        "Count": 1,
        "ScannedCount": 1,
        "ConsumedCapacity": {"TableName": "things", "CapacityUnits": 1.0},
    }
    written = store.call(
        "PutItem",
        TableName="things",
        Item={"pk": {"S": "a"}, "sk": {"N": "1"}},
        ReturnConsumedCapacity="INDEXES",
    )
    assert written["ConsumedCapacity"]["Table"] == {"CapacityUnits": 5.0}


@pytest.mark.parametrize(
    ("condition", "more", "message"),
    [
        ("sk = :v", {}, "Query condition missed key schema element: pk"),
        ("pk > :p AND sk = :v", {}, "Query key condition not supported"),
        ("pk = :p AND zz = :v", {}, "Query condition missed key schema element: sk"),
        ("pk = :p AND sk = :p", {}, "One or more parameter values were invalid: Condition parameter type does not "
         "match schema type"),
        ("pk = :p OR sk = :v", {}, "Invalid operator used in KeyConditionExpression: OR"),
        ("pk = :p AND sk > :v AND sk < :v", {}, "KeyConditionExpressions must only contain one condition per key"),
        ("pk = :p", {"FilterExpression": "sk = :v"}, "Filter Expression can only contain non-primary key attributes: "
         "Primary key attribute: sk"),
        ("pk = :p", {"Limit": 0}, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
         "Member must have value greater than or equal to 1"),
        ("pk = :p", {"IndexName": "none"}, "The table does not have the specified index: none"),
        ("pk = :p", {"ExclusiveStartKey": {"pk": {"S": "b"}, "sk": {"N": "1"}}}, "The provided starting key is outside "
         "query boundaries based on provided conditions"),
        ("pk = :p", {"ExclusiveStartKey": {"pk": {"S": "a"}}}, "The provided starting key is invalid"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_refused_in_awss_words(store: Store, condition: str, more: Any, message: str) -> None:
    store.table()
    used = condition + more.get("FilterExpression", "")
    values = {name: value for name, value in {":v": {"N": "1"}, ":p": {"S": "a"}}.items() if name in used}
    with pytest.raises(Refused) as refused:
        store.call(
            "Query", TableName="things", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
        )
    assert refused.value.message == message


# ---- indexes

INDEXES = {
    "GlobalSecondaryIndexes": [
        index("by-owner", "owner", "day"),
        index("owners", "owner", None, "KEYS_ONLY"),
        index("some", "owner", None, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["colour"]}),
    ],
    "LocalSecondaryIndexes": [index("by-day", "pk", "day", "KEYS_ONLY")],
    "attributes": {"owner": "S", "day": "S"},
}


def by_index(store: Store, name: str, **more: Any) -> Any:
    return store.call(
        "Query",
        TableName="things",
        IndexName=name,
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "ann"}},
        **more,
    )


def test_indexes_follow_every_write_and_are_sparse(store: Store) -> None:
    store.table(**INDEXES)
    put(store, "a", 1, owner="ann", day="2")
    put(store, "a", 2, owner="ann", day="1", colour="red")
    put(store, "a", 3, owner="ann")
    put(store, "a", 4, owner="bob", day="1")
    assert sorts(by_index(store, "by-owner")) == [2, 1]
    assert by_index(store, "owners", Limit=1)["Items"][0].keys() == {"pk", "sk", "owner"}
    assert [item.get("colour") for item in by_index(store, "some")["Items"]] == [None, {"S": "red"}, None]
    put(store, "a", 1, owner="bob", day="2")
    store.call(
        "UpdateItem",
        TableName="things",
        Key={"pk": {"S": "a"}, "sk": {"N": "4"}},
        UpdateExpression="SET #o = :ann",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":ann": {"S": "ann"}},
    )
    store.call("DeleteItem", TableName="things", Key={"pk": {"S": "a"}, "sk": {"N": "2"}})
    assert sorts(by_index(store, "by-owner")) == [4]
    assert sorts(by_index(store, "owners")) == [3, 4]


def test_pages_of_an_index_join_to_the_whole_although_its_keys_repeat(store: Store) -> None:
    store.table(**INDEXES)
    for number in range(9):
        put(store, f"p{number % 3}", number, owner="ann", day="same")
    for forward in (True, False):
        found, start = [], {}
        while True:
            page = by_index(store, "by-owner", Limit=2, ScanIndexForward=forward, **start)
            found += sorts(page)
            if "LastEvaluatedKey" not in page:
                break
            assert page["LastEvaluatedKey"].keys() == {"pk", "sk", "owner", "day"}
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert sorted(found) == list(range(9))
        assert len(found) == 9


def test_a_local_index_fetches_what_it_does_not_carry_and_a_global_one_refuses(store: Store) -> None:
    store.table(**INDEXES)
    put(store, "a", 1, owner="ann", day="2", colour="red")
    answer = query(store, "pk = :p AND #d = :d", IndexName="by-day", Select="ALL_ATTRIBUTES", ConsistentRead=True,
                   values={":d": {"S": "2"}}, ExpressionAttributeNames={"#d": "day"})  # fmt: skip
    assert answer["Items"][0]["colour"] == {"S": "red"}
    with pytest.raises(Refused, match="Select type ALL_ATTRIBUTES is not supported for global secondary index owners"):
        by_index(store, "owners", Select="ALL_ATTRIBUTES")
    with pytest.raises(Refused, match=r"Global secondary index owners does not project \[colour\]"):
        by_index(store, "owners", ProjectionExpression="colour")
    with pytest.raises(Refused, match="Consistent reads are not supported on global secondary indexes"):
        by_index(store, "owners", ConsistentRead=True)


def test_an_index_key_of_another_type_or_empty_is_refused(store: Store) -> None:
    store.table(**INDEXES)
    with pytest.raises(Refused, match="Type mismatch for Index Key owner Expected: S Actual: N IndexName: by-owner"):
        put(store, "a", 1, owner={"N": "1"})
    with pytest.raises(Refused, match=r"cannot contain an empty string value\. IndexName: by-owner, IndexKey: owner"):
        put(store, "a", 1, owner="")
    assert store.all("things") == []


def test_a_query_seeks_in_sqlites_index_and_never_scans(store: Store) -> None:
    store.table(**INDEXES)
    rows = store.service.catalog.table("things").rows
    statements: list[str] = []
    rows.connection.set_trace_callback(statements.append)
    after = (b"a", b"b", b"c")
    bounds = Bounds(b"a", b"z")
    list(rows.in_partition(None, b"p", bounds, None, True))
    list(rows.in_partition(None, b"p", bounds, after[:1], False))
    list(rows.in_partition(1, b"p", bounds, None, True))
    list(rows.in_partition(1, b"p", bounds, after, True))
    list(rows.everywhere(None, b"a", b"b", None))
    list(rows.everywhere(1, None, None, (b"x", *after)))
    rows.connection.set_trace_callback(None)
    for statement in statements:
        plan = [row[3] for row in rows.connection.execute(f"explain query plan {statement}")]
        assert all(step.startswith("SEARCH") for step in plan), (statement, plan)
    assert len(statements) == 6


def test_a_new_index_is_filled_while_writes_go_on_and_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.table()
    for number in range(2500):
        put(store, "a", number, owner="ann")
    created = index("owners", "owner", None, "KEYS_ONLY")
    change = {"TableName": "things", "GlobalSecondaryIndexUpdates": [{"Create": created}]}
    change["AttributeDefinitions"] = [
        *keys("pk", "sk", "N")["AttributeDefinitions"],
        {"AttributeName": "owner", "AttributeType": "S"},
    ]

    async def add_and_stop_at_once() -> None:
        await store.service.start()
        store.call("UpdateTable", **change)
        with pytest.raises(Refused, match="Cannot read from backfilling global secondary index: owners"):
            by_index(store, "owners")
        await asyncio.sleep(0)
        await store.service.stop()

    asyncio.run(add_and_stop_at_once())
    again = Store(tmp_path)

    async def start_again() -> None:
        await again.service.start()
        put(again, "a", 3000, owner="ann")
        while again.call("DescribeTable", TableName="things")["Table"]["GlobalSecondaryIndexes"][0].get("Backfilling"):
            await asyncio.sleep(0.001)
        assert by_index(again, "owners", Select="COUNT")["Count"] == 2501
        await again.service.stop()

    asyncio.run(start_again())


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
