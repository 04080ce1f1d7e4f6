"""Any JSON is answered with a result or an error in AWS's form, and changes nothing else."""

from __future__ import annotations

import asyncio
import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.service import ApiResponse
from klotho.localcloud.services.dynamodb.service import OPERATIONS
from tests.localcloud.dynamodb.dynamodb_harness import Store, index, keys

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
VALUES = {":v": {"N": "1"}}
WRITE = {
    "TableName": "things",
    "ConditionExpression": "attribute_not_exists(pk) OR v < :v",
    "ExpressionAttributeValues": VALUES,
    "ReturnValues": "ALL_OLD",
    "ReturnConsumedCapacity": "INDEXES",
}
UPDATE = {
    **WRITE,
    "Key": KEY,
    "UpdateExpression": "SET #w = if_not_exists(#w, :v), l[0].a = :v",
    "ExpressionAttributeNames": {"#w": "w"},
}
PAGE = {
    "TableName": "things",
    "FilterExpression": "v < :v",
    "ProjectionExpression": "v, l[0]",
    "Limit": 3,
    "Select": "SPECIFIC_ATTRIBUTES",
    "ExclusiveStartKey": KEY,
}
NEW_TABLE = {
    "TableName": "another",
    "BillingMode": "PAY_PER_REQUEST",
    **keys("pk", "sk"),
    "GlobalSecondaryIndexes": [index("glob", "sk", None, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]})],
    "LocalSecondaryIndexes": [index("loc", "pk", "sk")],
    "Tags": [{"Key": "k", "Value": "v"}],
    "SSESpecification": {"Enabled": True},
    "DeletionProtectionEnabled": False,
}
ARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/things"
SAMPLES: dict[str, Any] = {
    "PutItem": {**WRITE, "Item": {**KEY, "v": {"N": "2"}, "l": {"L": [{"M": {"a": {"SS": ["x"]}}}]}}},
    "UpdateItem": UPDATE,
    "DeleteItem": {**WRITE, "Key": KEY},
    "GetItem": {"TableName": "things", "Key": KEY, "ProjectionExpression": "v, l[0].a", "ConsistentRead": True},
    "Query": {
        **PAGE,
        "KeyConditionExpression": "pk = :p AND sk BETWEEN :v AND :v",
        "ExpressionAttributeValues": {**VALUES, ":p": {"S": "a"}},
        "ScanIndexForward": False,
    },
    "Scan": {**PAGE, "ExpressionAttributeValues": VALUES, "Segment": 0, "TotalSegments": 2},
    "BatchGetItem": {"RequestItems": {"things": {"Keys": [KEY], "ProjectionExpression": "v"}}},
    "BatchWriteItem": {"RequestItems": {"things": [{"PutRequest": {"Item": KEY}}]}},
    "TransactWriteItems": {
        "TransactItems": [{"Put": {"TableName": "things", "Item": KEY}}],
        "ClientRequestToken": "t",
    },
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "things", "Key": KEY}}]},
    "CreateTable": NEW_TABLE,
    "UpdateTable": {
        "TableName": "things",
        "AttributeDefinitions": [*keys("pk", "sk", "N")["AttributeDefinitions"], *keys("g")["AttributeDefinitions"]],
        "GlobalSecondaryIndexUpdates": [{"Create": index("glob", "g")}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    },
    "DeleteTable": {"TableName": "another"},
    "DescribeTable": {"TableName": "things"},
    "ListTables": {"Limit": 1, "ExclusiveStartTableName": "a"},
    "DescribeTimeToLive": {"TableName": "things"},
    "UpdateTimeToLive": {
        "TableName": "things",
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ends"},
    },
    "ListTagsOfResource": {"ResourceArn": ARN},
    "TagResource": {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]},
    "UntagResource": {"ResourceArn": ARN, "TagKeys": ["a"]},
    "DescribeContinuousBackups": {"TableName": "things"},
    "UpdateContinuousBackups": {
        "TableName": "things",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 3},
    },
    "DescribeLimits": {},
    "DescribeEndpoints": {},
    "ListStreams": {"TableName": "things", "Limit": 1},
    "DescribeStream": {"StreamArn": f"{ARN}/stream/2026-11-20T00:00:00.000", "Limit": 1},
    "GetShardIterator": {
        "StreamArn": f"{ARN}/stream/2026-11-20T00:00:00.000",
        "ShardId": "shardId-00000000000000000001-00000000",
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "SequenceNumber": "100000000000000000001",
    },
    "GetRecords": {"ShardIterator": "WyJhIiwxLDFd", "Limit": 1},
}
JUNK = st.sampled_from(
    [None, True, -1, 0, 1.5, 10**30, "", "a", "#x", ":v", "things", [], [None], [{}], {}, {"": {}}, {"S": 1},
     {"N": "x"}, {"pk": "a"}, {"L": [1]}, {"M": {"a": None}}, {"NS": "12"}, {"B": "?"}, [[]], {"a": {"S": "b"}}]
)  # fmt: skip


def _paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [prefix]
    if isinstance(value, dict):
        for name, child in value.items():
            found += _paths(child, (*prefix, name))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            found += _paths(child, (*prefix, position))
    return found


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """A right request of some operation with up to three places replaced by junk or left out."""
    action = draw(st.sampled_from(sorted(SAMPLES)))
    request = copy.deepcopy(SAMPLES[action])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_paths(request)))
        if not path:
            continue
        parent = request
        for step in path[:-1]:
            parent = parent[step]
        if draw(st.booleans()) and isinstance(parent, dict):
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(draw(JUNK))
    return action, request


def test_every_operation_has_a_sample() -> None:
    assert SAMPLES.keys() == OPERATIONS.keys()


async def _answered(store: Store, action: str, body: bytes) -> ApiResponse:
    """Inside an event loop, as in the endpoint: a request that is still a valid UpdateTable starts a backfill."""
    return store.service.answer(action, body)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged())
def test_a_damaged_request_gets_an_answer_in_awss_form(damage: tuple[str, Any]) -> None:
    action, request = damage
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.table()
        store.call("PutItem", TableName="things", Item={**KEY, "v": {"N": "0"}, "l": {"L": [{"M": {}}]}})
        catalog = store.service.catalog
        try:
            answer = asyncio.run(_answered(store, action, json.dumps(request).encode()))
            body = json.loads(answer.body)
            assert answer.status == 200 or ("#" in body["__type"] and body["message"]), (action, request, body)
            if answer.status != 200:
                assert not catalog.connection.in_transaction
        finally:
            catalog.close()
