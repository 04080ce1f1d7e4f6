"""A small client for one queue: values of JSON in and out, standard library only.

Messages are JSON text, so that services in several languages understand each other; a function that consumes the queue
finds it in each record's `body`. Not carried: sending attributes, and batches of sends; for those use an AWS SDK with
`.url` and `.endpoint_url`. Raises AwsError for what SQS refuses, ValueError for what makes no sense.
"""

from __future__ import annotations

import json

from klotho.runtime.errors import AwsError, WrongKindError
from klotho.runtime.grants import this_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from klotho.runtime.grants import Grant

_READ_MARGIN_S = 10.0
"""A receive may be silent for as long as it waits; so much later an answer is lost."""


def queue(grant: Grant) -> Queue:
    """The queue that was granted; WrongKindError for a kind this runtime does not know."""
    if grant.kind != "Messaging.Queue":
        raise WrongKindError(
            f"queue {grant.name!r} is a {grant.kind or 'thing without a kind'}, which this version of the runtime "
            "does not know; it knows Messaging.Queue"
        )
    return Queue(grant)


class Queue:
    """A queue: `name` as in infra.py, `url` as AWS knows it. Safe to use from several threads."""

    __slots__ = ("access", "fifo", "kind", "name", "url")

    def __init__(self, grant: Grant) -> None:
        self.name = grant.name
        self.kind = grant.kind
        self.url = str(grant["url"])
        self.fifo = bool(grant.fields.get("fifo", False))
        self.access = str(grant.fields.get("access", ""))

    def __repr__(self) -> str:
        return f"<Queue {self.name!r} {self.url}>"

    @property
    def region(self) -> str:
        from klotho.runtime.aws import region_of

        return region_of()

    @property
    def endpoint_url(self) -> str | None:
        """For an AWS SDK's `endpoint_url`: None on AWS, the local cloud's address there."""
        from klotho.runtime.aws import configured_endpoint

        return configured_endpoint("sqs")

    def send(
        self, payload: object, *, group: str | None = None, dedup: str | None = None, delay: int | None = None
    ) -> str:
        """Send any JSON value; returns the message's id. Durable when it returns.

        `group`: FIFO queues need it, and keep the order within it. `dedup`: on FIFO queues, a message with the same
        text here within five minutes is dropped; default: with the same payload. `delay`: seconds until it can be
        received, at most 900, not on FIFO queues. ValueError for what the queue can't take.
        """
        if self.fifo and group is None:
            raise ValueError(f"queue {self.name!r} is FIFO: say which messages keep their order, send(…, group=…)")
        if not self.fifo and (group is not None or dedup is not None):
            raise ValueError(f"queue {self.name!r} is not FIFO: it takes no group and no dedup (fifo=True in infra.py)")
        if self.fifo and delay is not None:
            raise ValueError(f"queue {self.name!r} is FIFO: its messages can't be delayed one by one")
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        fields = {"MessageGroupId": group, "MessageDeduplicationId": dedup, "DelaySeconds": delay}
        given = {name: value for name, value in fields.items() if value is not None}
        return str(self._call("SendMessage", {"MessageBody": body, **given})["MessageId"])

    def receive(self, limit: int = 10, *, wait: int = 20, visibility: int | None = None) -> list[Message]:
        """Up to `limit` messages (1 to 10); empty when none came within `wait` seconds (0 to 20).

        Each is hidden from other receivers for `visibility` seconds (default: the queue's); `delete` it when it was
        handled, else it is delivered again.
        """
        asked: dict[str, object] = {
            "MaxNumberOfMessages": limit, "WaitTimeSeconds": wait, "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }  # fmt: skip
        if visibility is not None:
            asked["VisibilityTimeout"] = visibility
        answer = self._call("ReceiveMessage", asked, read_timeout=wait + _READ_MARGIN_S)
        return [Message(self, item) for item in answer.get("Messages", [])]

    def _call(self, action: str, fields: Mapping[str, object], read_timeout: float = _READ_MARGIN_S) -> dict[str, Any]:
        from klotho.runtime.aws import call  # here, for it brings http and TLS along

        try:
            return call("sqs", action, {"QueueUrl": self.url, **fields}, read_timeout=read_timeout)
        except AwsError as error:
            if error.code not in ("AccessDenied", "AccessDeniedException") or not self.access:
                raise
            denied = error
        verb = "sends_to" if action == "SendMessage" else "consumes"
        text = (
            f"{denied.message} (queue {self.name!r} was granted to this service as {self.access!r}; for {action} write "
            f"{this_service() or 'this_service'}.{verb}({self.name}) in infra.py and run `klotho up`)"
        )
        raise AwsError(denied.service, denied.code, text, denied.status, denied.request_id) from denied


class Message:
    """A received message."""

    __slots__ = ("_queue", "attributes", "body", "group", "id", "receipt", "receives")

    def __init__(self, queue: Queue, item: Mapping[str, Any]) -> None:
        system = item.get("Attributes", {})
        self._queue = queue
        self.id = str(item["MessageId"])
        self.body = str(item["Body"])
        """The text as it was sent."""
        self.receipt = str(item["ReceiptHandle"])
        self.receives = int(system.get("ApproximateReceiveCount", 1))
        """How often it was received, this time included."""
        self.group = system.get("MessageGroupId")
        self.attributes = {name: _attribute(value) for name, value in item.get("MessageAttributes", {}).items()}
        """What its publisher gave along: text, numbers, bytes, lists."""

    def __repr__(self) -> str:
        return f"<Message {self.id} of {self._queue.name!r}>"

    @property
    def payload(self) -> Any:
        """The value that was sent; ValueError for a message that is not JSON, as other senders may send."""
        return json.loads(self.body)

    def delete(self) -> None:
        """It was handled: never deliver it again."""
        self._queue._call("DeleteMessage", {"ReceiptHandle": self.receipt})

    def hide(self, seconds: int) -> None:
        """Hide it from others for so many seconds from now on (0 to 43200); 0 gives it back at once."""
        self._queue._call("ChangeMessageVisibility", {"ReceiptHandle": self.receipt, "VisibilityTimeout": seconds})


def _attribute(value: Mapping[str, str]) -> Any:
    if "BinaryValue" in value:
        import base64

        return base64.b64decode(value["BinaryValue"])
    text = value["StringValue"]
    return json.loads(text) if value["DataType"] == "String.Array" or _is_number(value["DataType"], text) else text


def _is_number(kind: str, text: str) -> bool:
    """Whether JSON can read it as the number it is."""
    if not kind.startswith("Number"):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
