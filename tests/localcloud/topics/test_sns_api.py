"""The SNS API as boto3 sees it, behind the real endpoint: publishing, filters, FIFO, limits, delivery to queues."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.handler import Record
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.logs import Logs
from klotho.localcloud.permissions.resource_policies import INLINE, QUEUE
from klotho.localcloud.ports import Ports
from klotho.localcloud.services.object_store import ObjectStore
from klotho.localcloud.services.sns import Sns
from klotho.localcloud.services.sns.delivery import MAX_ATTEMPTS, log_group, retry_delay
from klotho.localcloud.services.sqs import Sqs
from klotho.localcloud.world import World

pytestmark = pytest.mark.localcloud
REGION = "eu-west-1"


class ServedTopics:
    """SNS and SQS on an ephemeral port, in an event loop of their own thread; `ahead` moves the clock."""

    def __init__(self, state: Path) -> None:
        self.ahead = 0.0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.database = Database(state / "state.sqlite3")
        credentials = Credentials(self.database)
        self.key = credentials.deployer()
        listener = bind(0)
        port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.cloud = Cloud(
            project="test", environment="local", region=REGION, state=state, endpoint_url=self.url,
            database=self.database, world=World(self.database), ports=Ports(self.database, "test", "local"),
            logs=Logs(state), credentials=credentials, objects=ObjectStore(state),
        )  # fmt: skip
        self.cloud.queues = Sqs(state, REGION, ACCOUNT, self.url)
        self.cloud.topics = Sns(self.cloud, clock=lambda: time.time() + self.ahead)
        services = (self.cloud.queues, self.cloud.topics)
        self.server = EndpointServer(Endpoint(services, credentials, REGION, port), listener)
        self.run(self.server.start())
        self.run(self.cloud.topics.start())

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def topic(self, name: str, **settings: Any) -> str:
        """Make a topic as its resource handler does; its ARN."""

        async def make() -> str:
            return self.cloud.topics.catalog.create_topic(name, settings, {}, owner=name).arn

        arn: str = self.run(make())
        return arn

    def queue(self, name: str, topic: str | None = None, **settings: Any) -> str:
        """Make a queue, whose policy lets in `topic`; its ARN."""

        async def make() -> str:
            catalog = self.cloud.queues.catalog
            queue = catalog.create(name, settings, {}, owner=name)
            url = catalog.url(queue)
            common = {"token": name, "stack_id": "s", "stack_name": "s", "logical_id": name, "tags": {}}
            self.cloud.world.put(Record(QUEUE, url, {}, {"Arn": queue.arn}, **common))
            if topic is not None:
                statement = {
                    "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                    "Resource": queue.arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
                }  # fmt: skip
                policy = {"Version": "2012-10-17", "Statement": [statement]}
                self.cloud.world.put(Record(INLINE, url, {"Queue": url, "PolicyDocument": policy}, {}, **common))
            return queue.arn

        arn: str = self.run(make())
        return arn

    def client(self, service: str = "sns") -> Any:
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.key.id,
            aws_secret_access_key=self.key.secret,
            config=Config(retries={"max_attempts": 1, "mode": "standard"}),
        )

    def received(self, queue_arn: str, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        """So many messages of a queue, in the order they came; deleted."""
        client, found = self.client("sqs"), []
        url = client.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            answer = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)
        return found

    def log(self, topic: str) -> str:
        return "\n".join(event.message for event in self.cloud.logs.read(log_group(topic)))

    def close(self) -> None:
        self.run(self.server.stop())
        self.run(self.cloud.topics.stop())
        self.run(self.cloud.queues.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.cloud.logs.close()
        self.database.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedTopics]:
    running = ServedTopics(tmp_path)
    yield running
    running.close()


def test_a_notification_is_the_document_aws_describes_and_a_raw_one_the_message_itself(served: ServedTopics) -> None:
    topic, sns = served.topic("news"), served.client()
    plain, raw = served.queue("plain", topic), served.queue("raw", topic)
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain, ReturnSubscriptionArn=True)["SubscriptionArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw, Attributes={"RawMessageDelivery": "true"})
    attributes = {
        "kind": {"DataType": "String", "StringValue": "a<&>"},
        "n": {"DataType": "Number", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = sns.publish(TopicArn=topic, Message="hé <llo>", Subject="subject", MessageAttributes=attributes)
    (message,) = served.received(plain, 1)
    document = json.loads(message["Body"])
    assert {name: document[name] for name in ("Type", "MessageId", "TopicArn", "Subject", "Message")} == {
        "Type": "Notification",
        "MessageId": sent["MessageId"],
        "TopicArn": topic,
        "Subject": "subject",
        "Message": "hé <llo>",
    }
    assert document["MessageAttributes"]["kind"] == {"Type": "String", "Value": "a<&>"}
    assert {"Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"} <= set(document)
    (message,) = served.received(raw, 1)
    assert message["Body"] == "hé <llo>"
    assert message["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\x01"
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["Protocol"], shown["Endpoint"], shown["PendingConfirmation"]) == ("sqs", plain, "false")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "2"
    sns.unsubscribe(SubscriptionArn=arn)
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


def test_filters_are_about_attributes_or_the_body_and_can_be_changed(served: ServedTopics) -> None:
    topic, sns = served.topic("news"), served.client()
    kinds, totals = served.queue("kinds", topic), served.queue("totals", topic)
    policy = {"FilterPolicy": '{"kind": ["order"]}', "RawMessageDelivery": "true"}
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=kinds, Attributes=policy)["SubscriptionArn"]
    body = {"FilterPolicy": '{"o": {"total": [{"numeric": [">", 5]}]}}', "FilterPolicyScope": "MessageBody"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=totals, Attributes=body)
    for kind, total in (("order", 1), ("refund", 9)):
        sns.publish(
            TopicArn=topic,
            Message=json.dumps({"o": {"total": total}}),
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    assert [json.loads(item["Body"])["o"]["total"] for item in served.received(kinds, 1)] == [1]
    (found,) = served.received(totals, 1)
    assert json.loads(json.loads(found["Body"])["Message"]) == {"o": {"total": 9}}
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"kind": ["refund"]}'
    )
    refund = {"kind": {"DataType": "String", "StringValue": "refund"}}
    sns.publish(TopicArn=topic, Message="again", MessageAttributes=refund)
    assert [item["Body"] for item in served.received(kinds, 1)] == ["again"]
    with pytest.raises(sns.exceptions.InvalidParameterException, match="FilterPolicy"):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a": 1}')


def test_a_fifo_topic_keeps_the_order_of_groups_and_drops_doubles_for_five_minutes(served: ServedTopics) -> None:
    topic = served.topic("bids.fifo", FifoTopic=True, ContentBasedDeduplication=True)
    sns, queue = served.client(), served.queue("bids.fifo", topic, FifoQueue=True)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    first = sns.publish(TopicArn=topic, Message="0", MessageGroupId="a")
    again = sns.publish(TopicArn=topic, Message="0", MessageGroupId="a")
    assert first["MessageId"] == again["MessageId"]
    assert first["SequenceNumber"] == again["SequenceNumber"]
    entries = [{"Id": str(n), "Message": str(n), "MessageGroupId": "ab"[n % 2]} for n in range(1, 11)]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert len(answer["Successful"]) == 10
    found = served.received(queue, 11)
    for group in "ab":
        mine = [int(item["Body"]) for item in found if item["Attributes"]["MessageGroupId"] == group]
        assert mine == sorted(mine)
    assert len(found) == 11
    with pytest.raises(sns.exceptions.InvalidParameterException, match="MessageGroupId"):
        sns.publish(TopicArn=topic, Message="no group")
    with pytest.raises(sns.exceptions.InvalidParameterException, match="protocol type: lambda"):
        arn = "arn:aws:lambda:eu-west-1:000000000000:function:f"
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    standard = served.topic("standard")
    with pytest.raises(sns.exceptions.InvalidParameterException, match="FIFO SQS Queues can not be subscribed"):
        sns.subscribe(TopicArn=standard, Protocol="sqs", Endpoint=queue)


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue_or_into_the_log(served: ServedTopics) -> None:
    topic, sns = served.topic("news"), served.client()
    closed, dead = served.queue("closed"), served.queue("dead", topic)
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead}), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=closed, Attributes=redrive)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:000000000000:gone")
    sns.publish(TopicArn=topic, Message="lost?")
    assert [item["Body"] for item in served.received(dead, 1)] == ["lost?"]
    deadline = time.monotonic() + 5
    while "gone does not exist" not in served.log(topic) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "no resource-based policy allows the sqs:SendMessage action" in served.log(topic)
    assert "gone does not exist" in served.log(topic)
    (unit,) = served.cloud.topics.status()
    assert "last failure" in str(unit.detail)


def test_mail_is_written_to_the_log_and_not_sent(served: ServedTopics) -> None:
    topic, sns = served.topic("alarms"), served.client()
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    sns.publish(TopicArn=topic, Message="it burns", Subject="ALARM")
    deadline = time.monotonic() + 5
    while "it burns" not in served.log(topic) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "email to ops@example.com (not sent by the local cloud): 'ALARM': it burns" in served.log(topic)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"Message": "x" * (256 * 1024 + 1)}, "Message too long"),
        ({"Message": "x", "Subject": "two\nlines"}, "Subject"),
        ({"Message": "x", "MessageDeduplicationId": "a"}, "MessageDeduplicationId"),
        ({"Message": "x", "MessageStructure": "json"}, "JSON message body failed to parse"),
        ({"Message": "x", "MessageAttributes": {"a": {"DataType": "Odd", "StringValue": "x"}}}, "type"),
        ({"Message": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "is no Number"),
    ],
)
def test_what_aws_refuses_is_refused(served: ServedTopics, request_: dict[str, Any], words: str) -> None:
    topic = served.topic("news")
    with pytest.raises(Exception, match=words):
        served.client().publish(TopicArn=topic, **request_)


def test_what_is_not_carried_is_refused_by_name_and_unknown_topics_are_not_found(served: ServedTopics) -> None:
    sns = served.client()
    with pytest.raises(Exception, match="does not carry sns:CreateTopic yet"):
        sns.create_topic(Name="mine")
    with pytest.raises(Exception, match="PhoneNumber is not supported"):
        sns.publish(PhoneNumber="+431234", Message="hi")
    with pytest.raises(sns.exceptions.NotFoundException, match="Topic does not exist"):
        sns.publish(TopicArn="arn:aws:sns:eu-west-1:000000000000:none", Message="hi")
    topic = served.topic("news")
    with pytest.raises(sns.exceptions.InvalidParameterException, match="not http"):
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:1/")
    with pytest.raises(Exception, match="same Id"):
        entry = {"Id": "a", "Message": "x"}
        sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[entry, entry])


def test_retries_are_those_of_aws_over_23_days() -> None:
    delays = [retry_delay(attempt) for attempt in range(1, 18)]
    assert delays[:5] == [0, 0, 0, 1, 1]
    assert delays[5:16] == [1, 2, 4, 8, 16, 20, 20, 20, 20, 20, 20]
    assert retry_delay(MAX_ATTEMPTS) is None


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, st.dictionaries(TEXT, st.tuples(st.sampled_from(["String", "Number", "Binary", "X"]), TEXT), max_size=2))
def test_any_message_is_published_or_refused_by_a_known_error(
    served: ServedTopics, text: str, attributes: dict[str, tuple[str, str]]
) -> None:
    topic, sns = served.topic("any"), served.client()
    given_ = {
        name: {"DataType": kind, **({"BinaryValue": value.encode()} if kind == "Binary" else {"StringValue": value})}
        for name, (kind, value) in attributes.items()
    }
    try:
        sns.publish(TopicArn=topic, Message=text, MessageAttributes=given_)
    except sns.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] in ("InvalidParameter", "ParameterValueInvalid")
