"""Where events go that a function did not manage to handle.

Lambda tries what reaches a function asynchronously (a bucket's events, a topic's messages, a schedule's runs, `calls`
with `async`) three times and then forgets it. Each such function therefore has one queue for what is given up, and what
could not even be handed over goes to the same queue: decision 31. It is told the event itself, so that it can be sent
again. Sources: AWS Lambda Developer Guide, "Adding a dead-letter queue" (permissions of the execution role, attributes
of the messages); Amazon SNS Developer Guide, "Amazon SNS dead-letter queues"; EventBridge User Guide, "Using
dead-letter queues" (a resource policy for rules, the execution role for schedules).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.catalogue.function_keys import function_key, function_role
from klotho.catalogue.iam import allow, policy_key
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import iam_actions
from klotho.resources import AddItem, AddResource, DependsOn, Ref, ResourceKey, SetProperty, Value, resource_key
from klotho.resources.changes import Action

_TWO_WEEKS_S = 14 * 86400
"""The longest SQS keeps a message: what failed must still be there after a long weekend and a holiday."""


def keep_failed(function: Construct, setting: Setting) -> Iterator[Action]:
    """The queue, and the function's own way into it. Nothing for a function that is there already (`existing=`), or
    that another application makes, which has seen to it."""
    if setting.adopted(function) is not None or setting.foreign(function) is not None:
        return
    queue, role = failed_key(function), function_role(function)
    yield AddResource(
        queue,
        "AWS::SQS::Queue",
        {
            "SqsManagedSseEnabled": True,
            "MessageRetentionPeriod": _TWO_WEEKS_S,
            # No other queue sends its dead letters here; functions, rules and topics are not asked.
            "RedriveAllowPolicy": {"redrivePermission": "denyAll"},
        },
    )
    yield SetProperty(function_key(function), ("DeadLetterConfig", "TargetArn"), failed_arn(function))
    yield from allow(role, "keep failed events", iam_actions("sqs", "tell"), [failed_arn(function)])
    # AWS checks when it makes the function that its role may send there.
    yield DependsOn(function_key(function), policy_key(role))


def failed_key(function: Construct) -> ResourceKey:
    return resource_key(function.id, "failed-events")


def failed_arn(function: Construct) -> Value:
    return Ref(failed_key(function), "Arn")


def let_send(function: Construct, name: str, service: str, source: Value) -> Iterator[Action]:
    """The queue takes what this source of that service could not hand over; `name` tells its statements apart."""
    policy = ResourceKey(f"{failed_key(function)}-policy")
    yield AddResource(
        policy,
        "AWS::SQS::QueueInlinePolicy",
        {"Queue": Ref(failed_key(function)), "PolicyDocument": {"Version": "2012-10-17"}},
    )
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": failed_arn(function),
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    yield AddItem(policy, ("PolicyDocument", "Statement"), name, statement)
