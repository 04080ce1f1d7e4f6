"""The stream of a table: what changed, in order, in the same transaction as the change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.services.dynamodb import streams
from klotho.localcloud.services.dynamodb.streams import SHARD
from tests.localcloud.dynamodb.dynamodb_harness import Refused, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    made.table("things", sort=None)
    made.service.set_stream("things", "NEW_AND_OLD_IMAGES")
    return made


def put(store: Store, key: str, value: str, **more: Any) -> None:
    store.call("PutItem", TableName="things", Item={"pk": {"S": key}, "v": {"S": value}, **more})


def records(store: Store) -> list[dict[str, Any]]:
    arn = store.call("DescribeTable", TableName="things")["Table"]["LatestStreamArn"]
    start = store.call("GetShardIterator", StreamArn=arn, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")
    found: list[dict[str, Any]] = store.call("GetRecords", ShardIterator=start["ShardIterator"])["Records"]
    return found


def test_every_kind_of_write_is_recorded_in_order_and_no_write_that_changes_nothing(store: Store) -> None:
    put(store, "a", "1")
    put(store, "a", "1")
    store.call(
        "UpdateItem",
        TableName="things",
        Key={"pk": {"S": "a"}},
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"S": "2"}},
    )
    store.call("BatchWriteItem", RequestItems={"things": [{"PutRequest": {"Item": {"pk": {"S": "b"}}}}]})
    store.call("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "things", "Key": {"pk": {"S": "a"}}}}])
    store.call("DeleteItem", TableName="things", Key={"pk": {"S": "gone"}})
    found = records(store)
    assert [(item["eventName"], item["dynamodb"]["Keys"]["pk"]["S"]) for item in found] == [
        ("INSERT", "a"),
        ("MODIFY", "a"),
        ("INSERT", "b"),
        ("REMOVE", "a"),
    ]
    assert found[1]["dynamodb"]["OldImage"]["v"] == {"S": "1"}
    assert found[1]["dynamodb"]["NewImage"]["v"] == {"S": "2"}
    numbers = [item["dynamodb"]["SequenceNumber"] for item in found]
    assert numbers == sorted(numbers)
    assert "userIdentity" not in found[3]


def test_what_is_rolled_back_was_never_recorded(store: Store) -> None:
    put(store, "a", "1")
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    entries = [
        {"Put": {"TableName": "things", "Item": {"pk": {"S": "b"}}}},
        {"Put": {"TableName": "things", "Item": {"pk": {"S": "a"}}, **condition}},
    ]
    with pytest.raises(Refused, match="TransactionCanceled"):
        store.call("TransactWriteItems", TransactItems=entries)
    assert len(records(store)) == 1


def test_an_expired_item_is_removed_by_the_service(store: Store) -> None:
    store.service.set_time_to_live("things", "until")
    put(store, "a", "1", until={"N": "2000000000"})
    table = store.service.find_table("things")
    assert table is not None
    assert store.service._expiry.sweep(table, 2_000_000_001) == 1
    last = records(store)[-1]
    assert last["eventName"] == "REMOVE"
    assert last["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def test_a_stream_survives_a_restart_and_ends_when_it_is_turned_off(store: Store, tmp_path: Path) -> None:
    put(store, "a", "1")
    arn = store.call("ListStreams", TableName="things")["Streams"][0]["StreamArn"]
    store.service.catalog.close()
    again = Store(tmp_path)
    assert [item["eventName"] for item in records(again)] == ["INSERT"]
    put(again, "a", "2")
    assert [item["eventName"] for item in records(again)] == ["INSERT", "MODIFY"]
    again.service.set_stream("things", None)
    put(again, "a", "3")
    with pytest.raises(Refused, match="ResourceNotFound"):
        again.call("DescribeStream", StreamArn=arn)
    again.service.set_stream("things", "KEYS_ONLY")
    put(again, "a", "4")
    (only,) = records(again)
    assert not {"NewImage", "OldImage"} & set(only["dynamodb"])


def test_records_are_kept_for_a_day_and_places_before_them_are_trimmed(store: Store) -> None:
    put(store, "a", "1")
    put(store, "a", "2")
    first = records(store)[0]
    arn = store.call("ListStreams")["Streams"][0]["StreamArn"]
    streams.expire(store.service.catalog.connection, first["dynamodb"]["ApproximateCreationDateTime"] + 24 * 3600 + 60)
    assert records(store) == []
    place = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": first["dynamodb"]["SequenceNumber"]}
    with pytest.raises(Refused, match="TrimmedDataAccess"):
        store.call("GetShardIterator", StreamArn=arn, ShardId=SHARD, **place)


def test_iterators_and_shards_that_are_none_are_refused(store: Store) -> None:
    arn = store.call("ListStreams")["Streams"][0]["StreamArn"]
    with pytest.raises(Refused, match="Invalid ShardIterator"):
        store.call("GetRecords", ShardIterator="nonsense")
    with pytest.raises(Refused, match="Shard does not exist"):
        store.call("GetShardIterator", StreamArn=arn, ShardId="shardId-1", ShardIteratorType="LATEST")
    latest = store.call("GetShardIterator", StreamArn=arn, ShardId=SHARD, ShardIteratorType="LATEST")
    put(store, "a", "1")
    answer = store.call("GetRecords", ShardIterator=latest["ShardIterator"], Limit=1)
    assert len(answer["Records"]) == 1
    assert store.call("GetRecords", ShardIterator=answer["NextShardIterator"])["Records"] == []
