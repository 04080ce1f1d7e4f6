"""Functions that follow the changes of a table.

The table gets a stream when somebody follows it, and not before; the event source mapping belongs to the function. What
fails is tried again in halves, so that one bad item does not hold back a hundred. Source: AWS Lambda Developer Guide,
"Using AWS Lambda with Amazon DynamoDB" (permissions of the execution role, parameters, partial batch responses,
destinations of discarded records).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct, ConstructId
from klotho.catalogue.iam import policy_key
from klotho.catalogue.kinds.function import function_key, function_role
from klotho.catalogue.kinds.keyvalue import stream, table_key
from klotho.catalogue.kinds.queue import KIND as QUEUE
from klotho.catalogue.kinds.queue import is_fifo, queue_key
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import LAMBDA, Link, Pair
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Report
from klotho.resources import AddResource, DependsOn, Ref, resource_key
from klotho.resources.changes import Action

DEFAULT_BATCH = 100
"""Changes in one call. AWS: "BatchSize … Amazon DynamoDB Streams – Default 100"."""
_RETRIES = 10
"""Where somebody is told of what is given up; else AWS's default holds: until the records expire."""


def follow_changes(link: Link) -> Iterator[Action]:
    """The table's stream with both images, and an event source mapping in its order."""
    if link.setting.foreign(link.target) is None:
        yield stream(link.target)
    key = resource_key(link.actor.id, f"follows-{link.target.name}")
    target = _dead_letter(link)
    properties: dict[str, Any] = {
        "EventSourceArn": Ref(table_key(link.target), "StreamArn"),
        "FunctionName": Ref(function_key(link.actor)),
        "StartingPosition": "TRIM_HORIZON" if link.get("from_start", True) else "LATEST",
        "BatchSize": link.get("batch", DEFAULT_BATCH),
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    if link.get("window"):
        properties["MaximumBatchingWindowInSeconds"] = link.get("window")
    retries = link.get("retries", None if target is None else _RETRIES)
    if retries is not None:
        properties["MaximumRetryAttempts"] = retries
    if target is not None:
        properties["DestinationConfig"] = {"OnFailure": {"Destination": Ref(queue_key(target), "Arn")}}
    yield AddResource(key, "AWS::Lambda::EventSourceMapping", properties)
    # AWS checks at creation that the role may read the stream.
    yield DependsOn(key, policy_key(function_role(link.actor)))


def read_stream(link: Link) -> Iterator[Action]:
    """Read exactly this stream; send to exactly the queue that is told of failures."""
    arn = Ref(table_key(link.target), "StreamArn")
    yield from grant(link, "follow", iam_actions("dynamodb", "stream"), [arn])
    yield from grant(link, "list streams of", iam_actions("unscoped", "list_streams"), ["*"])
    target = _dead_letter(link)
    if target is not None:
        yield from grant(link, "tell failures of", iam_actions("sqs", "tell"), [Ref(queue_key(target), "Arn")])


def _dead_letter(link: Link) -> Construct | None:
    name = link.get("dead_letter")
    return None if name is None else link.setting.application.by_id.get(ConstructId(f"{QUEUE}/{name}"))


def _check(link: Link, report: Report) -> None:
    of_buckets = [name for name in ("events", "prefix", "suffix") if link.get(name) is not None]
    if of_buckets:
        report.error(
            "conflicting-arguments",
            f"`{of_buckets[0]}` is for buckets: {link.target.title} tells every change",
            link.relationship.span,
            helps=["leave it out, and look at the event's own fields in the function"],
        )
    if link.setting.adopted(link.target) is not None:
        report.error(
            "existing-changed",
            f"{link.target.title} is there already (`existing=`): following it would give it a stream",
            link.relationship.span,
            helps=["follow a table of this application"],
        )
    target = _dead_letter(link)
    if link.get("dead_letter") is not None and target is None:
        name = link.get("dead_letter")
        report.error("unknown-construct", f"`{QUEUE}/{name}` does not exist", link.relationship.span)
    elif target is not None and is_fifo(target, link.setting):
        report.error(
            "bad-dead-letter",
            f"{target.title} is a FIFO queue, and Lambda tells only standard queues of what it gives up",
            link.relationship.span,
            helps=["give it `fifo=False`"],
        )


TRIGGERED_BY_TABLE = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Function",),
    targets=("Databases.KeyValue",),
    actor_on=(LAMBDA,),
    creates="a stream of the table, an event source mapping with partial batch failures, and reading the stream on "
    "its ARN",
    connect=follow_changes,
    grant=read_stream,
    check=_check,
)
