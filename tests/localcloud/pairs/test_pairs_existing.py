"""Code that uses what was there before Klotho: `existing=`."""

from __future__ import annotations

import json

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
things = Databases.KeyValue("things", existing="old_things")
jobs = Messaging.Queue("jobs", existing="arn:aws:sqs:us-east-1:000000000000:old-jobs")
reader, sender = function("reader"), function("sender")
reader.reads_from(things)
sender.sends_to(jobs)
"""
GET = 'return config.datastores.get("things").get({"id": "1"})'


@pair("reads_from", "Compute.Function", "Databases.KeyValue")
def test_a_table_that_was_there_is_read_and_not_written_and_outlives_the_application(deployed: Deployed) -> None:
    mine = deployed.client("dynamodb")
    mine.create_table(
        TableName="old_things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    mine.put_item(TableName="old_things", Item={"id": {"S": "1"}, "from": {"S": "before"}})
    assert deployed.run("reader", GET) == {"id": "1", "from": "before"}
    deployed.denied("reader", 'config.datastores.get("things").put({"id": "2"})', "dynamodb:PutItem")
    deployed.denied("sender", GET, "things")
    assert deployed.resources("AWS::DynamoDB::Table") == []
    deployed.deployment.klotho("down", "--yes")
    deployed.deployment.up()
    assert mine.get_item(TableName="old_things", Key={"id": {"S": "1"}})["Item"]["from"] == {"S": "before"}


@pair("sends_to", "Compute.Function", "Messaging.Queue")
def test_a_queue_that_was_there_is_sent_to_by_its_arn(deployed: Deployed) -> None:
    resources = {"Old": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "old-jobs"}}}
    stacks = deployed.client("cloudformation")
    stacks.create_stack(StackName="somebody-elses", TemplateBody=json.dumps({"Resources": resources}))
    stacks.get_waiter("stack_create_complete").wait(StackName="somebody-elses", WaiterConfig={"Delay": 1})
    mine = deployed.client("sqs")
    url = mine.get_queue_url(QueueName="old-jobs")["QueueUrl"]
    deployed.run("sender", 'config.queues.get("jobs").send({"hello": 1})')
    assert mine.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == '{"hello":1}'
    with pytest.raises(Exception, match="not authorized to perform: sqs:ReceiveMessage"):
        deployed.client("sqs", "sender").receive_message(QueueUrl=url)
