"""Queues that Klotho makes for itself: one a service receives from, and one that keeps what it failed on.

What is not deleted is delivered again, five times in all, and is then kept for two weeks. Source: Amazon SQS Developer
Guide, "Amazon SQS visibility timeout", "Using dead-letter queues".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.catalogue.iam import allow
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import iam_actions
from klotho.resources import AddResource, Ref, ResourceKey, json_text, resource_key
from klotho.resources.changes import Action

_DAY_S = 86400
_MAX_RECEIVES = 5
"""As `Messaging.Queue` has it by default."""


def queue_with_failures(key: ResourceKey, hidden: int, *, fifo: bool = False) -> Iterator[Action]:
    """`hidden`: seconds a message stays hidden while it is worked on."""
    failed = ResourceKey(f"{key}-failed")
    kind: dict[str, Any] = {"FifoQueue": True, "ContentBasedDeduplication": True} if fifo else {}
    common = {"SqsManagedSseEnabled": True, **kind}
    yield AddResource(
        failed,
        "AWS::SQS::Queue",
        {
            **common,
            "MessageRetentionPeriod": 14 * _DAY_S,
            # AWS's default. Said, because alarms know by it that messages here are failures.
            "RedriveAllowPolicy": {"redrivePermission": "allowAll"},
        },
    )
    yield AddResource(
        key,
        "AWS::SQS::Queue",
        {
            **common,
            "MessageRetentionPeriod": 4 * _DAY_S,
            "VisibilityTimeout": hidden,
            "RedrivePolicy": {"deadLetterTargetArn": Ref(failed, "Arn"), "maxReceiveCount": _MAX_RECEIVES},
        },
    )


def hidden_s(construct: Construct, setting: Setting) -> int:
    """Seconds a message stays hidden while it is worked on; of a function six times what one call may take."""
    if construct.kind != "Compute.Function":
        return 30
    return max(30, 6 * int(setting.parameter(construct, "timeout")))


def calls_queue(function: Construct, setting: Setting) -> Iterator[Action]:
    """The queue of calls nobody waits for, of a function that is not on Lambda, which fills it by itself."""
    key, role = resource_key(function.id, "calls-queue"), setting.compute(function).role(function)
    yield from queue_with_failures(key, hidden_s(function, setting))
    yield from allow(role, "queue calls", iam_actions("sqs", "tell"), [Ref(key, "Arn")])
    yield from allow(role, "receive calls", iam_actions("sqs", "receive"), [Ref(key, "Arn")])
    yield setting.compute(function).environment(
        function, "KLOTHO_SOURCE_CALLS", json_text({"queue": Ref(key), "kind": "event"})
    )
