"""Messages sent, received and handled by one function, beside what moto's server can send, receive and delete.

Input: none (`python benchmarks/queues.py [seconds of sending, default 5]`). Output: a line for each figure
(`figures.line`). Servers are processes of their own on loopback, called by boto3 in this one; the local cloud checks
signature and permission. "handled": sent for so many seconds and counted until the queue is empty, which a message
leaves only when the function (real workers, Python) has answered. "received and deleted" is the same client for both
servers, the queue without a function. Needs the `dev` extra.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import servers
from figures import REGION, Address, line

SOURCE = """
import json

def handler(event, context):
    for record in event["Records"]:
        json.loads(record["body"])
"""
BODY = '{"order": 7, "lines": [' + ", ".join('{"sku": "book", "count": 2}' for _ in range(5)) + "]}"
FIFO = {"FifoQueue": True, "ContentBasedDeduplication": True}
GROUPS = 20
AIM = 500
PATIENCE_S = 120.0

Entry = Callable[[int], dict[str, str]]


def arn(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def stack() -> dict[str, Any]:
    """A queue without a function, one with it, and a FIFO queue with it."""
    queues = {
        "Plain": {"QueueName": "plain"},
        "Work": {"QueueName": "work"},
        "Fifo": {"QueueName": "work.fifo", **FIFO},
    }
    actions = ["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage"]
    allowed = {
        "Effect": "Allow",
        "Action": [f"sqs:{name}" for name in (*actions, "SendMessage")],
        "Resource": [arn(name) for name in queues],
    }
    consumes = {
        **allowed,
        "Action": [f"sqs:{name}" for name in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")],
    }
    worker = servers.role([consumes], "lambda.amazonaws.com")
    worker["Properties"]["RoleName"] = "worker"
    properties = {"FunctionName": "handle", "Runtime": "python3.12", "Handler": "index.handler", "Role": arn("Worker")}
    return {
        "Role": servers.role([allowed]),
        "Worker": worker,
        "Handle": {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Code": {"ZipFile": SOURCE}}},
        **{name: {"Type": "AWS::SQS::Queue", "Properties": found} for name, found in queues.items()},
        **{f"{name}Events": mapping(name) for name in ("Work", "Fifo")},
    }


def mapping(queue: str) -> dict[str, Any]:
    properties = {
        "EventSourceArn": arn(queue),
        "FunctionName": {"Ref": "Handle"},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}


def standard(number: int) -> dict[str, str]:
    return {"Id": str(number), "MessageBody": BODY}


def fifo(number: int) -> dict[str, str]:
    return {**standard(number), "MessageGroupId": str(number % GROUPS), "MessageDeduplicationId": str(number)}


def handled(address: Address, queue: str, seconds: float, entry: Entry, batch: int = 10) -> float:
    """Messages a second from the first send until the queue is empty."""
    client = address.client("sqs")
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        if batch == 1:
            client.send_message(QueueUrl=url, MessageBody=BODY)
        else:
            client.send_message_batch(QueueUrl=url, Entries=[entry(count + n) for n in range(batch)])
        count += batch
    end = time.perf_counter() + PATIENCE_S
    while left := _left(client, url):
        if time.perf_counter() > end:
            raise RuntimeError(f"{left} of {count} messages were still in {queue} after {PATIENCE_S:.0f} s")
        time.sleep(0.02)
    return count / (time.perf_counter() - start)


def _left(client: Any, url: str) -> int:
    names = ("", "NotVisible", "Delayed")
    names = tuple(f"ApproximateNumberOfMessages{name}" for name in names)
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
    return sum(int(found[name]) for name in names)


def received_and_deleted(address: Address, seconds: float) -> float:
    """Messages a second that one client sends, receives and deletes, ten with each call."""
    client = address.client("sqs")
    url = client.get_queue_url(QueueName="plain")["QueueUrl"]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        client.send_message_batch(QueueUrl=url, Entries=[standard(number) for number in range(10)])
        found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        entries = [{"Id": str(n), "ReceiptHandle": item["ReceiptHandle"]} for n, item in enumerate(found)]
        if entries:
            client.delete_message_batch(QueueUrl=url, Entries=entries)
        count += len(entries)
    return count / (time.perf_counter() - start)


def in_process(seconds: float) -> float:
    """The store alone: sends one by one, receives and deletes by ten."""
    from klotho.localcloud.identity import ACCOUNT
    from klotho.localcloud.services.sqs.catalog import Catalog
    from klotho.localcloud.services.sqs.drafts import Draft

    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder) / "sqs.db", REGION, ACCOUNT, "http://127.0.0.1:9")
        queue = catalog.create("bench", {}, {}, "bench")
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            for _ in range(10):
                queue.send([Draft(BODY, {}, None, None, None, len(BODY))], "bench")
            found = catalog.receive(queue, 10)
            queue.delete([item.receipt for item in found])
            count += len(found)
        spent = time.perf_counter() - start
        catalog.close()
    return count / spent


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    ours = "local cloud: sent by ten, handled by one function"
    with servers.local_cloud(stack()) as address:
        handled(address, "work", min(1.0, seconds), standard)  # the function's workers start
        line(f"{ours}, {seconds:g} s", handled(address, "work", seconds, standard), "/s", more_than=AIM)
        line(f"{ours}, FIFO of {GROUPS}", handled(address, "work.fifo", seconds, fifo), "/s", more_than=AIM)
        alone = handled(address, "work", seconds, standard, batch=1)
        line("local cloud: sent one by one, handled by one function", alone, "/s")
        line("local cloud: sent, received and deleted", received_and_deleted(address, seconds), "/s")
    with servers.moto() as address:
        address.client("sqs").create_queue(QueueName="plain")
        line("moto server: sent, received and deleted", received_and_deleted(address, seconds), "/s")
    line("local cloud's store, in process", in_process(seconds), "/s")


if __name__ == "__main__":
    main()
