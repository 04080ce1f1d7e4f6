"""Code that publishes to a topic, and what gets its messages.

A subscription and the permission for it belong to the subscriber, so that who listens can change without the topic. A
queue has one policy, `AWS::SQS::QueueInlinePolicy`, with a statement for each topic. Queues get messages raw, so that
what they hold looks the same whoever sent it. Source: Amazon SNS Developer Guide ("Subscribing an Amazon SQS queue",
"Fanout to Lambda functions", "Amazon SNS raw message delivery", "FIFO topics … message delivery").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.application.filter_policy import is_nested
from klotho.catalogue.failed_events import failed_arn, keep_failed, let_send
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.queue import is_fifo, queue_key
from klotho.catalogue.kinds.topic import is_fifo_topic, region_of, topic_arn
from klotho.catalogue.relationships.connection import connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.relationships.own_queue import (
    handled,
    let_service_send,
    own_queue,
    own_queue_key,
    own_queue_url,
    queue_policy_key,
    receive_needs,
    receive_own,
)
from klotho.catalogue.rules import LAMBDA, STEADY, Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Report
from klotho.resources import AddResource, DependsOn, Ref, ResourceKey, SetProperty, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import pascal

_PUBLISHER = "sns.amazonaws.com"


def know_topic(link: Link) -> Iterator[Action]:
    """The topic's ARN in the actor's environment, and the URL of its own queue for a container that subscribed."""
    verbs = {item.verb for item in _relationships(link)}
    own_queue = link.actor.kind == "Compute.Container" and "subscribes_to" in verbs
    facts: dict[str, Any] = {
        "arn": topic_arn(link.target),
        "fifo": is_fifo_topic(link.target, link.setting),
        "access": "_".join(
            word for word, given in (("publish", "publishes_to" in verbs), ("subscribe", own_queue)) if given
        ),
    }
    if own_queue:
        facts["queue"] = own_queue_url(link)
    yield connection(link, "TOPIC", link.target, facts)


def _relationships(link: Link) -> list[Any]:
    everything = link.setting.application.relationships_of(link.actor.id)
    return [item for item in everything if item.target == link.target.id]


def publish(link: Link) -> Iterator[Action]:
    """Publish to exactly this topic."""
    yield from grant(link, "publish to", iam_actions("sns", "publish"), [topic_arn(link.target)])


def call_with_each(link: Link) -> Iterator[Action]:
    """A subscription of the function, and the topic's permission to invoke it."""
    function = Ref(function_key(link.actor), "Arn")
    permission = resource_key(link.actor.id, f"permission-of-{link.target.name}")
    yield AddResource(
        permission,
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function,
            "Principal": _PUBLISHER,
            "SourceArn": topic_arn(link.target),
        },
    )
    yield from _subscription(link, "lambda", function, permission)
    yield from keep_failed(link.actor, link.setting)
    if region_of(link.target, link.setting) is not None:
        return  # the subscription is where the topic is, and takes a dead letter queue of that region only
    yield from let_send(link.actor, f"topic {link.target.name}", _PUBLISHER, topic_arn(link.target))
    redrive = {"deadLetterTargetArn": failed_arn(link.actor)}
    yield SetProperty(_subscription_key(link), ("RedrivePolicy",), redrive)


def fan_out(link: Link) -> Iterator[Action]:
    """A subscription of the queue, and a policy that lets exactly this topic send to it."""
    queue = queue_key(link.actor)
    policy = resource_key(link.actor.id, "policy")
    yield from _let_topic_send(policy, queue, link.target)
    yield from _queue_subscription(link, queue, policy)


def receive_from_own_queue(link: Link) -> Iterator[Action]:
    """A queue of the container's own, with one for what failed, subscribed to the topic."""
    queue = own_queue_key(link.actor, link.target)
    policy = queue_policy_key(queue)
    yield from own_queue(link, fifo=is_fifo_topic(link.target, link.setting))
    yield from _let_topic_send(policy, queue, link.target)
    yield from _queue_subscription(link, queue, policy)
    yield from know_topic(link)


def hand_over_notifications(link: Link) -> Iterator[Action]:
    """The same for a function that is not on Lambda, whose server hands over each as Lambda would."""
    queue = own_queue_key(link.actor, link.target)
    policy = queue_policy_key(queue)
    yield from own_queue(link)
    yield from _let_topic_send(policy, queue, link.target)
    yield from _subscription(link, "sqs", Ref(queue, "Arn"), policy)
    yield handled(link, "topic")


def _queue_subscription(link: Link, queue: ResourceKey, policy: ResourceKey) -> Iterator[Action]:
    yield from _subscription(link, "sqs", Ref(queue, "Arn"), policy)
    yield SetProperty(_subscription_key(link), ("RawMessageDelivery",), True)


def _subscription_key(link: Link) -> ResourceKey:
    return resource_key(link.actor.id, f"subscribes-to-{link.target.name}")


def _subscription(link: Link, protocol: str, endpoint: Ref, permission: ResourceKey) -> Iterator[Action]:
    key = _subscription_key(link)
    yield AddResource(
        key,
        "AWS::SNS::Subscription",
        {"TopicArn": topic_arn(link.target), "Protocol": protocol, "Endpoint": endpoint},
    )
    region = region_of(link.target, link.setting)
    if region is not None:
        yield SetProperty(key, ("Region",), region)
    # What is published the moment after must find the door open.
    yield DependsOn(key, permission)
    policy = link.get("filter")
    if policy is not None:
        scope = "MessageBody" if link.get("filter_on") == "body" else "MessageAttributes"
        yield SetProperty(key, ("FilterPolicyScope",), scope)
        yield SetProperty(key, ("FilterPolicy",), policy)


def _let_topic_send(policy: ResourceKey, queue: ResourceKey, topic: Construct) -> Iterator[Action]:
    yield from let_service_send(policy, queue, f"Topic{pascal(topic.name)}", _PUBLISHER, topic_arn(topic))


def _publish_needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("sns")


def _check_subscription(link: Link, report: Report) -> None:
    """One subscription each, and a filter that can be asked of what it is about."""
    twins = [item for item in _relationships(link) if item.verb == "subscribes_to"]
    if twins[0] is not link.relationship:
        report.error(
            "subscribed-twice",
            f"{link.actor.title} subscribes to {link.target.title} twice",
            link.relationship.span,
            notes=["AWS keeps one subscription of a subscriber to a topic"],
            helps=['put both into one filter: `filter={"kind": ["order", "refund"]}`, or with `"$or"`'],
        )
    policy, on_body = link.get("filter"), link.get("filter_on") == "body"
    if policy is None and link.get("filter_on") is not None:
        report.error(
            "bad-filter",
            "`filter_on` means nothing without `filter`",
            link.relationship.span,
            helps=["add `filter=…`, or leave it out"],
        )
    if policy is not None and not on_body and is_nested(policy):
        report.error(
            "bad-filter",
            "the attributes of a message hold no objects, so a filter can't look inside of them",
            link.relationship.span,
            helps=['give lists of conditions, or filter on the body: `filter_on="body"`'],
        )


def _check_function(link: Link, report: Report) -> None:
    _check_subscription(link, report)
    if is_fifo_topic(link.target, link.setting):
        report.error(
            "bad-subscription",
            f"{link.target.title} is a FIFO topic, and those call no functions",
            link.relationship.span,
            helps=["put a FIFO queue between: `queue.subscribes_to(topic)` and `function.consumes(queue)`"],
        )


def _check_queue(link: Link, report: Report) -> None:
    _check_subscription(link, report)
    of_buckets = [name for name in ("events", "prefix", "suffix") if link.get(name) is not None]
    if of_buckets:
        report.error(
            "conflicting-arguments",
            f"`{of_buckets[0]}` is for buckets, and {link.target.title} has messages, not keys",
            link.relationship.span,
            helps=["say which messages by `filter=`"],
        )
    if link.setting.adopted(link.actor) is not None:
        report.error(
            "existing-changed",
            f"{link.actor.title} is there already (`existing=`): `subscribes_to` would change its policy",
            link.relationship.span,
            helps=["subscribe a queue of this application, or subscribe it where it is deployed"],
        )
    if is_fifo(link.actor, link.setting) and not is_fifo_topic(link.target, link.setting):
        report.error(
            "bad-subscription",
            f"{link.actor.title} is a FIFO queue, and {link.target.title} is no FIFO topic",
            link.relationship.span,
            helps=["give the topic `fifo=True`, or the queue `fifo=False`"],
        )


PUBLISH_TO_TOPIC = Pair(
    verbs=("publishes_to",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("Messaging.Topic",),
    creates="`sns:Publish` on the topic's ARN, and the ARN in the code's environment",
    connect=know_topic,
    grant=publish,
    needs=_publish_needs,
)
SUBSCRIBE_BY_FUNCTION = Pair(
    verbs=("subscribes_to",),
    actors=("Compute.Function",),
    targets=("Messaging.Topic",),
    actor_on=(LAMBDA,),
    creates="a subscription of the function, the topic's permission to invoke it, and a queue for messages it failed "
    "on",
    connect=call_with_each,
    check=_check_function,
)
SUBSCRIBE_BY_STEADY_FUNCTION = Pair(
    verbs=("subscribes_to",),
    actors=("Compute.Function",),
    targets=("Messaging.Topic",),
    actor_on=STEADY,
    creates="a queue of the function's own (and one for what failed) subscribed to the topic, receiving and deleting "
    "on its ARN, and the queue in the environment of the server that calls the function",
    connect=hand_over_notifications,
    grant=receive_own,
    needs=receive_needs,
    check=_check_function,
)
SUBSCRIBE_BY_QUEUE = Pair(
    verbs=("subscribes_to",),
    actors=("Messaging.Queue",),
    targets=("Messaging.Topic",),
    creates="a subscription of the queue with raw messages, and a queue policy that lets exactly this topic send",
    connect=fan_out,
    check=_check_queue,
)
SUBSCRIBE_BY_CONTAINER = Pair(
    verbs=("subscribes_to",),
    actors=("Compute.Container",),
    targets=("Messaging.Topic",),
    actor_on=STEADY,
    creates="a queue of the container's own (and one for what failed) subscribed to the topic, receiving and deleting "
    "on its ARN, and its URL in the code's environment",
    connect=receive_from_own_queue,
    grant=receive_own,
    needs=receive_needs,
    check=_check_subscription,
)
