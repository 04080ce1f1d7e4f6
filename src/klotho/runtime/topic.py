"""A small client for one topic: values of JSON in and out, standard library only.

Messages are JSON text, so that services in several languages understand each other. A function that subscribed finds
it in each record's `Sns.Message`; a container receives from the queue that Klotho gave it. Not carried: batches, and a
text of its own for each protocol; for those use an AWS SDK with `.arn` and `.endpoint_url`. Raises AwsError for what
SNS refuses, ValueError for what makes no sense.
"""

from __future__ import annotations

import json

from klotho.runtime.errors import AwsError, WrongKindError
from klotho.runtime.grants import Grant, this_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klotho.runtime.queue import Message

    Attribute = str | int | float | bool | bytes | Sequence[str | int | float | bool | None]

_MOST_ATTRIBUTES = 10
"""SNS discards messages with more on their way to a queue."""


def topic(grant: Grant) -> Topic:
    """The topic that was granted; WrongKindError for a kind this runtime does not know."""
    if grant.kind != "Messaging.Topic":
        raise WrongKindError(
            f"topic {grant.name!r} is a {grant.kind or 'thing without a kind'}, which this version of the runtime "
            "does not know; it knows Messaging.Topic"
        )
    return Topic(grant)


class Topic:
    """A topic: `name` as in infra.py, `arn` as AWS knows it. Safe to use from several threads."""

    __slots__ = ("_queue_url", "access", "arn", "fifo", "kind", "name")

    def __init__(self, grant: Grant) -> None:
        self.name = grant.name
        self.kind = grant.kind
        self.arn = str(grant["arn"])
        self.fifo = bool(grant.fields.get("fifo", False))
        self.access = str(grant.fields.get("access", ""))
        self._queue_url = grant.fields.get("queue")

    def __repr__(self) -> str:
        return f"<Topic {self.name!r} {self.arn}>"

    @property
    def region(self) -> str:
        from klotho.runtime.aws import region_of

        return region_of()

    @property
    def endpoint_url(self) -> str | None:
        """For an AWS SDK's `endpoint_url`: None on AWS, the local cloud's address there."""
        from klotho.runtime.aws import configured_endpoint

        return configured_endpoint("sns")

    def publish(
        self,
        payload: object,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        group: str | None = None,
        dedup: str | None = None,
        subject: str | None = None,
    ) -> str:
        """Publish any JSON value; returns the message's id. Durable when it returns.

        `attributes`: at most 10, for subscribers' filters: text, numbers, True and False (as the texts `true` and
        `false`), bytes, lists. `group`: FIFO topics need it, and keep the order within it. `dedup`: on FIFO topics, a
        message with the same text here within five minutes is dropped; default: with the same payload. `subject`: of
        an e-mail, 1 to 100 characters of ASCII. ValueError for what the topic can't take.
        """
        if self.fifo and group is None:
            raise ValueError(f"topic {self.name!r} is FIFO: say which messages keep their order, publish(…, group=…)")
        if not self.fifo and (group is not None or dedup is not None):
            raise ValueError(f"topic {self.name!r} is not FIFO: it takes no group and no dedup (fifo=True in infra.py)")
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        fields = {"TopicArn": self.arn, "Message": body}
        given = {"Subject": subject, "MessageGroupId": group, "MessageDeduplicationId": dedup}
        fields.update({name: value for name, value in given.items() if value is not None})
        fields.update(_attribute_fields(attributes or {}))
        return self._publish(fields)

    def receive(self, limit: int = 10, *, wait: int = 20, visibility: int | None = None) -> list[Message]:
        """In a container that subscribed: up to `limit` messages (1 to 10), none when none came within `wait` seconds.

        As with a queue, each is hidden for `visibility` seconds (default 30); `delete` it when it was handled, else it
        is delivered again, five times in all. ValueError in a service that did not subscribe.
        """
        from klotho.runtime.inbox import inbox

        queue = inbox(self.name, "topic", "subscribes_to", self._queue_url, self.fifo)
        return queue.receive(limit, wait=wait, visibility=visibility)

    def _publish(self, fields: Mapping[str, str]) -> str:
        from klotho.runtime.aws import query, text_in  # here, for it brings http and TLS along

        try:
            return text_in(query("sns", "Publish", fields), "MessageId") or ""
        except AwsError as error:
            if error.code not in ("AuthorizationError", "AccessDenied") or not self.access:
                raise
            denied = error
        text = (
            f"{denied.message} (topic {self.name!r} was granted to this service as {self.access!r}; for Publish write "
            f"{this_service() or 'this_service'}.publishes_to({self.name}) in infra.py and run `klotho up`)"
        )
        raise AwsError(denied.service, denied.code, text, denied.status, denied.request_id) from denied


def _attribute_fields(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    """As the query protocol spells them."""
    if len(attributes) > _MOST_ATTRIBUTES:
        raise ValueError(f"a message takes at most {_MOST_ATTRIBUTES} attributes, not {len(attributes)}")
    fields: dict[str, str] = {}
    for number, (name, value) in enumerate(attributes.items(), 1):
        kind, text = _typed(name, value)
        entry = f"MessageAttributes.entry.{number}"
        fields[f"{entry}.Name"] = name
        fields[f"{entry}.Value.DataType"] = kind
        fields[f"{entry}.Value.{'BinaryValue' if kind == 'Binary' else 'StringValue'}"] = text
    return fields


def _typed(name: str, value: Attribute) -> tuple[str, str]:
    if isinstance(value, bool):
        return "String", "true" if value else "false"
    if isinstance(value, str):
        return "String", value
    if isinstance(value, int | float):
        return "Number", json.dumps(value, allow_nan=False)
    if isinstance(value, bytes):
        import base64

        return "Binary", base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return "String.Array", json.dumps(value, ensure_ascii=False, allow_nan=False)
    raise ValueError(f"attribute {name!r} must be text, a number, bytes or a list, not {type(value).__name__}")
