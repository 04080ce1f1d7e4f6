"""How events reach a container: in a queue of its own, one for each topic, schedule or bucket it listens to.

A container runs all the time and nobody can call it with an event, so it receives. What it does not delete is delivered
again, five times in all, and is then kept for two weeks in a second queue: what `failed_events.py` does for functions.
All of it belongs to the container. Sources: Amazon SNS Developer Guide, "Subscribing an Amazon SQS queue"; EventBridge
Scheduler User Guide, "Using templated targets" (SQS's SendMessage under the execution role); EventBridge User Guide,
"Using resource-based policies" (SQS) and "Using dead-letter queues".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.catalogue.queues import hidden_s, queue_with_failures
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.resources import AddItem, AddResource, Ref, ResourceKey, Value, json_text, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import environment_suffix


def own_queue_key(container: Construct, source: Construct) -> ResourceKey:
    """The queue of what this source tells this container."""
    return resource_key(container.id, f"{source.kind.rpartition('.')[2].lower()}-{source.name}-queue")


def own_failed_key(container: Construct, source: Construct) -> ResourceKey:
    """The queue of what the container failed on."""
    return ResourceKey(f"{own_queue_key(container, source)}-failed")


def own_queue(link: Link, *, fifo: bool = False) -> Iterator[Action]:
    """The container's queue for this source, and the one for what failed."""
    yield from queue_with_failures(
        own_queue_key(link.actor, link.target), hidden_s(link.actor, link.setting), fifo=fifo
    )


def handled(link: Link, kind: str) -> Action:
    """Tells a function that is not on Lambda what to receive."""
    told = {"queue": own_queue_url(link), "kind": kind}
    name = f"KLOTHO_SOURCE_{link.target.kind.rpartition('.')[2].upper()}_{environment_suffix(link.target.label)}"
    return link.setting.compute(link.actor).environment(link.actor, name, json_text(told))


def queue_policy_key(queue: ResourceKey) -> ResourceKey:
    """The policy that says who may send to a queue made here."""
    return ResourceKey(f"{queue}-policy")


def let_service_send(
    policy: ResourceKey, queue: ResourceKey, sid: str, service: str, source: Value
) -> Iterator[Action]:
    """Exactly this source of that service may send to the queue; `sid` tells the policy's statements apart."""
    yield AddResource(
        policy,
        "AWS::SQS::QueueInlinePolicy",
        {"Queue": Ref(queue), "PolicyDocument": {"Version": "2012-10-17"}},
    )
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": Ref(queue, "Arn"),
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    yield AddItem(policy, ("PolicyDocument", "Statement"), sid, statement)


def own_queue_url(link: Link) -> Value:
    """What the code receives by."""
    return Ref(own_queue_key(link.actor, link.target))


def receive_own(link: Link) -> Iterator[Action]:
    """Receive from and delete on exactly the container's own queue."""
    kind = link.target.kind.rpartition(".")[2].lower()
    arn = Ref(own_queue_key(link.actor, link.target), "Arn")
    yield from grant(link, f"receive from {kind}", iam_actions("sqs", "receive"), [arn])


def receive_needs(link: Link) -> Iterator[Need]:
    """The container asks SQS."""
    yield ServiceNeed("sqs")
