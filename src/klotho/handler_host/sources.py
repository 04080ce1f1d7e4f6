"""What triggers the handler, received from queues: `KLOTHO_SOURCE_…`, JSON, one for each.

`queue`: its URL; `kind`: what the messages are. `queue`: the user's own, handed over in batches as Lambda does, with
the messages that failed left in the queue; `topic`: notifications of SNS; `event`: the event itself (a schedule's, a
bucket's, a call nobody waits for). What the handler fails on comes again, and after five times is kept in a second
queue (`relationships/own_queue.py`). Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "… SNS".
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from klotho.handler_host.pool import say
from klotho.runtime.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from klotho.handler_host.pool import Answer, Pool

PREFIX = "KLOTHO_SOURCE_"
WAIT_S = 20
PAUSE_S = 1.0
"""Between two tries to reach SQS."""
_MARGIN_S = 10.0
_MOST = 10
"""Messages of one receive. AWS: SQS API, ReceiveMessage."""


def started(environment: Mapping[str, str], pool: Pool) -> list[threading.Thread]:
    """One thread for each source and each call of it that may run at once."""
    threads = []
    for name, text in environment.items():
        if name.startswith(PREFIX):
            source = Source(json.loads(text), pool)
            threads += [threading.Thread(target=source.follow, daemon=True) for _ in range(source.concurrency)]
    for thread in threads:
        thread.start()
    return threads


class Source:
    """One queue."""

    def __init__(self, told: Mapping[str, Any], pool: Pool) -> None:
        self._url = str(told["queue"])
        self._kind = str(told["kind"])
        self._arn = str(told.get("arn", ""))
        self._batch = int(told.get("batch", 4))
        self._window = float(told.get("window", 0))
        self._pool = pool
        self.concurrency = int(told.get("concurrency", 2))

    def follow(self) -> None:
        while not self._pool.closing:
            try:
                messages = self._received()
                if messages and self._kind == "queue":
                    self._handle_batch(messages)
                elif messages:
                    with ThreadPoolExecutor(len(messages)) as threads:
                        list(threads.map(self._handle_one, messages))
            except AwsError as error:
                say(str(error))
                time.sleep(PAUSE_S)

    def _received(self) -> list[dict[str, Any]]:
        """A batch; with a window, as many as come within it."""
        found = self._receive(min(self._batch, _MOST), WAIT_S)
        until = time.monotonic() + self._window
        while found and self._window and len(found) < self._batch and time.monotonic() < until:
            left = max(0, min(WAIT_S, int(until - time.monotonic())))
            found += self._receive(min(self._batch - len(found), _MOST), left)
        return found

    def _receive(self, most: int, wait: int) -> list[dict[str, Any]]:
        asked = {
            "QueueUrl": self._url, "MaxNumberOfMessages": most, "WaitTimeSeconds": wait,
            "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"],
        }  # fmt: skip
        answer = self._call("ReceiveMessage", asked, wait + _MARGIN_S)
        return list(answer.get("Messages", []))

    def _handle_batch(self, messages: list[dict[str, Any]]) -> None:
        records = [queue_record(message, self._arn) for message in messages]
        answer = self._pool.run(json.dumps({"Records": records}).encode())
        failed = failed_of(answer)
        for message in messages:
            if failed is not None and message["MessageId"] not in failed:
                self._delete(message)

    def _handle_one(self, message: dict[str, Any]) -> None:
        event = topic_event(message["Body"]) if self._kind == "topic" else message["Body"].encode()
        if not self._pool.run(event).failed:
            self._delete(message)

    def _delete(self, message: dict[str, Any]) -> None:
        self._call("DeleteMessage", {"QueueUrl": self._url, "ReceiptHandle": message["ReceiptHandle"]}, _MARGIN_S)

    def _call(self, action: str, fields: Mapping[str, object], timeout: float) -> dict[str, Any]:
        from klotho.runtime.aws import call

        return call("sqs", action, fields, read_timeout=timeout)


def failed_of(answer: Answer) -> set[str] | None:
    """The messages to be tried again; None for all. AWS: "Implementing partial batch responses"."""
    if answer.failed:
        return None
    try:
        said = json.loads(answer.body)
    except ValueError:
        return None
    listed = said.get("batchItemFailures") if isinstance(said, dict) else None
    if not listed:
        return set()
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in listed]
    return {str(name) for name in named} if all(named) else None


def queue_record(message: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """A message as Lambda hands it over."""
    given = message.get("MessageAttributes") or {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes") or {},
        "messageAttributes": {name: _attribute(item) for name, item in given.items()},
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3] if arn.count(":") >= 5 else "",
    }


def _attribute(item: Mapping[str, Any]) -> dict[str, Any]:
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    return {names[key]: value for key, value in item.items() if key in names}


def topic_event(body: str) -> bytes:
    """A notification as Lambda hands it over; it spells two names otherwise."""
    told = json.loads(body)
    keys = ("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature")
    sns = {key: told.get(key) for key in keys}
    sns["SigningCertUrl"], sns["UnsubscribeUrl"] = told.get("SigningCertURL"), told.get("UnsubscribeURL")
    sns["MessageAttributes"] = told.get("MessageAttributes", {})
    arn = str(told.get("UnsubscribeURL", "")).rpartition("SubscriptionArn=")[2]
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": arn, "Sns": sns}
    return json.dumps({"Records": [record]}).encode()
