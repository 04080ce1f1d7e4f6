"""SQS through a real boto3 client, which checks the digests of bodies and attributes itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .served import ServedQueues

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedQueues]:
    running = ServedQueues(tmp_path_factory.mktemp("served"))
    yield running
    running.close()


@pytest.fixture
def sqs(served: ServedQueues) -> Iterator[Any]:
    yield served.client()
    served.ahead = 0.0


def bodies(answer: dict[str, Any]) -> list[str]:
    return [item["Body"] for item in answer.get("Messages", [])]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_message_is_sent_received_hidden_and_deleted(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("plain")
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "size": {"DataType": "Number.int", "StringValue": "7"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="héllo", MessageAttributes=attributes)
    (got,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "héllo")
    assert got["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\x01"
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    served.ahead = 3600
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_what_was_not_deleted_shows_again_when_its_visibility_is_over(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("again", {"VisibilityTimeout": 10})
    sqs.send_message(QueueUrl=url, MessageBody="a")
    (first,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=60)
    served.ahead = 30
    assert bodies(sqs.receive_message(QueueUrl=url)) == []
    served.ahead = 61
    (second,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    with pytest.raises(ClientError) as error:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert code_of(error) == "AWS.SimpleQueueService.MessageNotInflight"
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=url)) == ["a"]


def test_a_long_poll_ends_as_soon_as_a_message_comes(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("long")
    threading.Timer(0.3, lambda: served.client().send_message(QueueUrl=url, MessageBody="late")).start()
    start = time.monotonic()
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)) == ["late"]
    assert 0.2 < time.monotonic() - start < 3
    start = time.monotonic()
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)) == []
    assert time.monotonic() - start >= 0.9


def test_a_delayed_message_comes_later(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("delayed")
    sqs.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=60)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"
    assert bodies(sqs.receive_message(QueueUrl=url)) == []
    served.ahead = 61
    assert bodies(sqs.receive_message(QueueUrl=url)) == ["a"]


def test_a_message_is_gone_after_its_retention(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("short", {"MessageRetentionPeriod": 60})
    sqs.send_message(QueueUrl=url, MessageBody="a")
    served.ahead = 61
    assert bodies(sqs.receive_message(QueueUrl=url)) == []


def test_a_batch_says_of_each_message_what_became_of_it(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("batch", {"MaximumMessageSize": 1024})
    entries = [{"Id": str(n), "MessageBody": "x" * size} for n, size in enumerate((10, 2000, 10))]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [item["Id"] for item in answer["Successful"]] == ["0", "2"]
    assert [(item["Id"], item["SenderFault"]) for item in answer["Failed"]] == [("1", True)]
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": str(n), "ReceiptHandle": item["ReceiptHandle"]} for n, item in enumerate(got)]
    done = sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "bad", "ReceiptHandle": "bad"}])
    assert ([item["Id"] for item in done["Successful"]], done["Failed"][0]["Code"]) == (
        ["0", "1"],
        "ReceiptHandleIsInvalid",
    )


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        ([{"Id": "a!", "MessageBody": "x"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        (
            [{"Id": str(n), "MessageBody": "x"} for n in range(11)],
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        ),
        (
            [{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)],
            "AWS.SimpleQueueService.BatchRequestTooLong",
        ),
    ],
)
def test_a_batch_aws_refuses_is_refused(served: ServedQueues, sqs: Any, entries: list[Any], code: str) -> None:
    with pytest.raises(ClientError) as error:
        sqs.send_message_batch(QueueUrl=served.queue("refusing"), Entries=entries)
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"MessageBody": "\x00"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
        (
            {"MessageBody": "x", "MessageAttributes": {"n": {"DataType": "Date", "StringValue": "1"}}},
            "InvalidParameterValue",
        ),
        (
            {"MessageBody": "x", "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "one"}}},
            "InvalidParameterValue",
        ),
    ],
)
def test_a_message_aws_refuses_is_refused(served: ServedQueues, sqs: Any, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=served.queue("strict"), **given)
    assert code_of(error) == code


def test_a_message_of_one_mebibyte_is_taken(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("big")
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    assert [len(body) for body in bodies(sqs.receive_message(QueueUrl=url))] == [1_048_576]


def test_a_fifo_queue_keeps_the_order_of_each_group_and_locks_groups_in_flight(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("order.fifo", {"FifoQueue": True, "ContentBasedDeduplication": True, "VisibilityTimeout": 30})
    numbers = [
        sqs.send_message(QueueUrl=url, MessageBody=f"{group}{n}", MessageGroupId=group)["SequenceNumber"]
        for n in range(3)
        for group in "ab"
    ]
    assert numbers == sorted(numbers)
    (first,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert first["Body"] == "a0"
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["b0", "b1", "b2"]
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["a1", "a2"]
    served.ahead = 31
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["b0", "a1", "b1", "a2", "b2"]


def test_a_fifo_queue_drops_what_is_sent_twice_within_five_minutes(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("once.fifo", {"FifoQueue": True, "ContentBasedDeduplication": True})
    sent = [sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g") for _ in range(2)]
    other = sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="other")
    assert sent[0]["MessageId"] == sent[1]["MessageId"] != other["MessageId"]
    assert sent[0]["SequenceNumber"] == sent[1]["SequenceNumber"]
    served.ahead = 301
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g")
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["a", "a", "a"]


def test_an_expired_receipt_of_a_fifo_queue_deletes_nothing(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("expired.fifo", {"FifoQueue": True, "ContentBasedDeduplication": True, "VisibilityTimeout": 5})
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g")
    (got,) = sqs.receive_message(QueueUrl=url)["Messages"]
    served.ahead = 6
    with pytest.raises(ClientError, match="receipt handle has expired"):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert bodies(sqs.receive_message(QueueUrl=url)) == ["a"]


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(served: ServedQueues, sqs: Any) -> None:
    dead = served.queue("dead")
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"deadLetterTargetArn": arn, "maxReceiveCount": 2}
    url = served.queue("source", {"RedrivePolicy": policy, "VisibilityTimeout": 0})
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    sqs.send_message(QueueUrl=url, MessageBody="other")
    for _ in range(2):
        assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["poison", "other"]
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == []
    got = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [item["Body"] for item in got] == ["poison", "other"]
    assert got[0]["Attributes"]["DeadLetterQueueSourceArn"].endswith(":source")
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


def test_queues_are_found_described_tagged_and_purged(served: ServedQueues, sqs: Any) -> None:
    url = served.queue("found")
    assert sqs.get_queue_url(QueueName="found")["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix="found")["QueueUrls"] == [url]
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.purge_queue(QueueUrl=url)
    assert bodies(sqs.receive_message(QueueUrl=url)) == []
    with pytest.raises(ClientError) as error:
        sqs.purge_queue(QueueUrl=url)
    assert code_of(error) == "AWS.SimpleQueueService.PurgeQueueInProgress"
    with pytest.raises(ClientError) as missing:
        sqs.get_queue_url(QueueName="nobody")
    assert code_of(missing) == "AWS.SimpleQueueService.NonExistentQueue"


def test_what_only_stacks_may_do_is_refused_by_name(served: ServedQueues, sqs: Any) -> None:
    for act in (
        lambda: sqs.create_queue(QueueName="new"),
        lambda: sqs.delete_queue(QueueUrl=served.queue("kept")),
        lambda: sqs.set_queue_attributes(QueueUrl=served.queue("kept"), Attributes={"DelaySeconds": "1"}),
    ):
        with pytest.raises(ClientError, match=r"does not carry sqs:(CreateQueue|DeleteQueue|SetQueueAttributes) yet"):
            act()


def test_many_receivers_share_a_queue_without_doubles(served: ServedQueues) -> None:
    url = served.queue("shared")
    sender, got, lock = served.client(), [], threading.Lock()
    for start in range(0, 200, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        sender.send_message_batch(QueueUrl=url, Entries=entries)

    def work() -> None:
        client = served.client()
        while found := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            with lock:
                got.extend(item["Body"] for item in found)
            entries = [{"Id": str(n), "ReceiptHandle": item["ReceiptHandle"]} for n, item in enumerate(found)]
            client.delete_message_batch(QueueUrl=url, Entries=entries)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got, key=int) == [str(n) for n in range(200)]
