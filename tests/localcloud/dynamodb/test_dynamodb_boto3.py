"""Real boto3 clients against the real endpoint."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from tests.localcloud.dynamodb.dynamodb_harness import ServedStore, index

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def table(served: ServedStore) -> Any:
    made = served.client("resource").create_table(
        TableName="auctions",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in (("id", "S"), ("at", "N"), ("owner", "S"))
        ],
        GlobalSecondaryIndexes=[index("owners", "owner", "at")],
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    made.wait_until_exists()
    return made


def test_every_type_comes_back_as_it_went_in(table: Any) -> None:
    item = {
        "id": "types",
        "at": Decimal("1.5"),
        "text": 'é\U0001f414\n"',
        "empty": "",
        "big": Decimal("12345678901234567890123456789012345678"),
        "binary": b"\x00\xff",
        "flags": [True, False, None],
        "nested": {"deep": [{"er": {"set": {Decimal(1), Decimal("2.5")}}}], "texts": {"a", "b"}, "blobs": {b"x"}},
    }
    table.put_item(Item=item)
    assert table.get_item(Key={"id": "types", "at": Decimal("1.5")}, ConsistentRead=True)["Item"] == item


def test_the_conditions_boto3_builds_are_understood(table: Any) -> None:
    for at in range(12):
        table.put_item(Item={"id": "built", "at": at, "owner": f"o{at % 2}", "status": "odd" if at % 2 else "even"})
    found = table.query(
        KeyConditionExpression=Key("id").eq("built") & Key("at").between(2, 9),
        FilterExpression=Attr("status").eq("odd") & (Attr("at_all").not_exists() | ~Attr("owner").is_in(["o9"])),
        ProjectionExpression="#a, #s",
        ExpressionAttributeNames={"#a": "at", "#s": "status"},
    )
    assert [int(item["at"]) for item in found["Items"]] == [3, 5, 7, 9]
    by_owner = table.query(IndexName="owners", KeyConditionExpression=Key("owner").eq("o0"), ScanIndexForward=False)
    assert [int(item["at"]) for item in by_owner["Items"]] == [10, 8, 6, 4, 2, 0]
    assert table.scan(FilterExpression=Attr("id").begins_with("bui"), Select="COUNT")["Count"] == 12


def test_the_batch_writer_and_the_paginator_work(served: ServedStore, table: Any) -> None:
    with table.batch_writer() as batch:
        for at in range(130):
            batch.put_item(Item={"id": "batch", "at": at})
    pages = (
        served.client()
        .get_paginator("query")
        .paginate(
            TableName="auctions",
            KeyConditionExpression="id = :i",
            ExpressionAttributeValues={":i": {"S": "batch"}},
            PaginationConfig={"PageSize": 50},
        )
    )
    assert [page["Count"] for page in pages] == [50, 50, 30]


def test_errors_are_the_exceptions_boto3_knows(served: ServedStore, table: Any) -> None:
    client = served.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_table(TableName="nothing")
    table.put_item(Item={"id": "once", "at": 1, "who": "first"})
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as refused:
        client.put_item(
            TableName="auctions",
            Item={"id": {"S": "once"}, "at": {"N": "1"}},
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"]["who"] == {"S": "first"}
    with pytest.raises(ClientError) as unsupported:
        client.execute_statement(Statement="select * from auctions")
    assert "ExecuteStatement is not supported by the local cloud" in str(unsupported.value)


def test_tags_time_to_live_and_recovery_are_recorded(served: ServedStore, table: Any) -> None:
    client = served.client()
    arn = client.describe_table(TableName="auctions")["Table"]["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    spec = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="auctions", PointInTimeRecoverySpecification=spec)
    described = client.describe_continuous_backups(TableName="auctions")["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client.describe_time_to_live(TableName="auctions")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"


def test_an_index_added_by_a_client_is_filled(served: ServedStore, table: Any) -> None:
    client = served.client()
    table.put_item(Item={"id": "indexed", "at": 1, "place": "here"})
    client.update_table(
        TableName="auctions",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("id", "S"), ("at", "N"), ("owner", "S"), ("place", "S"))
        ],
        GlobalSecondaryIndexUpdates=[{"Create": index("places", "place")}],
    )
    client.get_waiter("table_exists").wait(TableName="auctions")
    for _ in range(500):
        states = {i["IndexName"]: i["IndexStatus"] for i in client.describe_table(TableName="auctions")["Table"]
                  ["GlobalSecondaryIndexes"]}  # fmt: skip
        if states["places"] == "ACTIVE":
            break
    found = table.query(IndexName="places", KeyConditionExpression=Key("place").eq("here"))["Items"]
    assert [item["id"] for item in found] == ["indexed"]
    client.update_table(TableName="auctions", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "places"}}])
    assert {i["IndexName"] for i in client.describe_table(TableName="auctions")["Table"]["GlobalSecondaryIndexes"]} == {
        "owners"
    }


def together(count: int, act: Callable[[int], None]) -> None:
    """Run `act` that many times on ten threads that start at one moment."""
    gate = threading.Barrier(10)

    def share(first: int) -> None:
        gate.wait()
        for number in range(first, count, 10):
            act(number)

    with ThreadPoolExecutor(10) as threads:
        for done in [threads.submit(share, first) for first in range(10)]:
            done.result()


def test_a_hundred_concurrent_increments_all_count(served: ServedStore, table: Any) -> None:
    client = served.client()

    def increment(_: int) -> None:
        client.update_item(
            TableName="auctions",
            Key={"id": {"S": "counter"}, "at": {"N": "0"}},
            UpdateExpression="ADD hits :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    together(100, increment)
    assert table.get_item(Key={"id": "counter", "at": 0})["Item"]["hits"] == 100


def test_of_a_hundred_concurrent_bids_the_highest_stands_and_losers_are_told(served: ServedStore, table: Any) -> None:
    client = served.client()
    table.put_item(Item={"id": "auction", "at": 0, "bid": 0})
    accepted: list[int] = []

    def bid(number: int) -> None:
        amount = (number * 37) % 100 + 1
        try:
            client.update_item(
                TableName="auctions",
                Key={"id": {"S": "auction"}, "at": {"N": "0"}},
                UpdateExpression="SET bid = :b ADD accepted :one",
                ConditionExpression="bid < :b",
                ExpressionAttributeValues={":b": {"N": str(amount)}, ":one": {"N": "1"}},
            )
            accepted.append(amount)
        except client.exceptions.ConditionalCheckFailedException:
            return

    together(100, bid)
    item = table.get_item(Key={"id": "auction", "at": 0})["Item"]
    assert item["bid"] == 100 == max(accepted)
    assert item["accepted"] == len(accepted) < 100


def test_concurrent_transactions_keep_the_sum(served: ServedStore, table: Any) -> None:
    client = served.client()
    for account in range(3):
        table.put_item(Item={"id": f"account {account}", "at": 0, "amount": 50})

    def move(number: int) -> None:
        def change(account: int, sign: str) -> dict[str, Any]:
            return {
                "Update": {
                    "TableName": "auctions",
                    "Key": {"id": {"S": f"account {account}"}, "at": {"N": "0"}},
                    "UpdateExpression": f"SET amount = amount {sign} :v",
                    "ConditionExpression": "amount >= :v",
                    "ExpressionAttributeValues": {":v": {"N": "7"}},
                }
            }

        try:
            client.transact_write_items(TransactItems=[change(number % 3, "-"), change((number + 1) % 3, "+")])
        except client.exceptions.TransactionCanceledException as cancelled:
            assert {reason["Code"] for reason in cancelled.response["CancellationReasons"]} <= {
                "ConditionalCheckFailed",
                "None",
            }

    together(60, move)
    amounts = [table.get_item(Key={"id": f"account {account}", "at": 0})["Item"]["amount"] for account in range(3)]
    assert sum(amounts) == 150
    assert min(amounts) >= 0
