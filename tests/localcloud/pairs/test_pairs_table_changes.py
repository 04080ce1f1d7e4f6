"""Functions that follow the changes of a table."""

from __future__ import annotations

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
things = Databases.KeyValue("things")
quiet = Databases.KeyValue("quiet")
lost = Messaging.Queue("lost")
writer, follower = function("writer"), function("follower")
writer.read_writes_to(things)
follower.triggered_by(things, dead_letter=lost)
"""


@pair("triggered_by", "Compute.Function", "Databases.KeyValue")
def test_a_function_follows_a_table_and_may_not_read_it(deployed: Deployed) -> None:
    things = 'config.datastores.get("things")'
    deployed.run("writer", f'{things}.put({{"id": "a", "n": 1}})')
    deployed.run("writer", f'{things}.put({{"id": "a", "n": 2}})')
    deployed.run("writer", f'{things}.delete({{"id": "a"}})')
    deployed.seen("follower", lambda event: "REMOVE" in str(event))
    records = [record for event in deployed.events("follower") for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    changed = records[1]["dynamodb"]
    assert (changed["OldImage"]["n"], changed["NewImage"]["n"]) == ({"N": "1"}, {"N": "2"})
    assert changed["Keys"] == {"id": {"S": "a"}}
    name = deployed.run("writer", f"return {things}.table")
    with pytest.raises(Exception, match=r"dynamodb:GetItem .*follower.reads_from\(things\)"):
        deployed.client("dynamodb", "follower").get_item(TableName=name, Key={"id": {"S": "a"}})
    with pytest.raises(Exception, match=r"dynamodb:DescribeStream .*writer.triggered_by\(things\)"):
        deployed.client("dynamodbstreams", "writer").describe_stream(StreamArn=records[0]["eventSourceARN"])
    streams = deployed.client("dynamodbstreams", "follower")
    shards = streams.describe_stream(StreamArn=records[0]["eventSourceARN"])["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(
        StreamArn=records[0]["eventSourceARN"], ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    assert len(streams.get_records(ShardIterator=start["ShardIterator"])["Records"]) == 3


def test_in_a_project_every_table_has_a_stream_for_who_may_come(deployed: Deployed) -> None:
    tables = deployed.resources("AWS::DynamoDB::Table")
    assert ["StreamSpecification" in table for table in tables] == [True, True]
