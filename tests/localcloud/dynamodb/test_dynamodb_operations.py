"""Operations called in process: keys, pages, indexes, batches, transactions, expiry and upkeep."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.services.dynamodb.rows import Bounds
from tests.localcloud.dynamodb.dynamodb_harness import INDEXES, Refused, Store, by_index, index, keys, put, query, sorts

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
