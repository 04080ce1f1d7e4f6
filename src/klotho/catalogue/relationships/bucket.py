"""Code that uses a bucket; functions that run for its objects, and containers and queues that are told of them.

Source: Amazon S3 User Guide, "Actions, resources, and condition keys for Amazon S3"; "Required permissions for Amazon
S3 API operations"; "EventBridge event message structure"; EventBridge User Guide, "Comparison operators".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from klotho.catalogue.failed_events import failed_arn, keep_failed, let_send
from klotho.catalogue.kinds.bucket import bucket_key, is_versioned
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.queue import is_fifo, queue_key
from klotho.catalogue.relationships.connection import DATA_VERBS, access, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.relationships.own_queue import (
    handled,
    let_service_send,
    own_failed_key,
    own_queue,
    own_queue_key,
    own_queue_url,
    queue_policy_key,
    receive_needs,
    receive_own,
)
from klotho.catalogue.rules import LAMBDA, STEADY, Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Label, Report
from klotho.resources import AddResource, Ref, ResourceKey, Value, join, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import pascal

_SENDER = "events.amazonaws.com"


def use_bucket(link: Link) -> Iterator[Action]:
    """The bucket's name and ARN, and the URL of its own queue for a container that is told of objects."""
    bucket = bucket_key(link.target)
    verbs = {
        item.verb for item in link.setting.application.relationships_of(link.actor.id) if item.target == link.target.id
    }
    uses, told = not verbs.isdisjoint(DATA_VERBS), link.actor.kind == "Compute.Container" and "triggered_by" in verbs
    facts = {"bucket": Ref(bucket), "arn": Ref(bucket, "Arn"), "access": access(link) if uses else ""}
    yield connection(link, "BUCKET", link.target, {**facts, "queue": own_queue_url(link)} if told else facts)


def use_objects(link: Link) -> Iterator[Action]:
    """The object actions of the verb on what is in this bucket, the listing ones on the bucket itself."""
    arn = Ref(bucket_key(link.target), "Arn")
    versioned = is_versioned(link.target, link.setting)
    if link.relationship.verb in ("reads_from", "read_writes_to"):
        reading = [*iam_actions("s3", "read"), *(iam_actions("s3", "read_versions") if versioned else ())]
        listing = [*iam_actions("s3", "list"), *(iam_actions("s3", "list_versions") if versioned else ())]
        yield from grant(link, "read", reading, [join(arn, "/*")])
        yield from grant(link, "list", listing, [arn])
    if link.relationship.verb in ("writes_to", "read_writes_to"):
        yield from grant(link, "write", iam_actions("s3", "write"), [join(arn, "/*")])
        yield from grant(link, "list uploads to", iam_actions("s3", "list_uploads"), [arn])


def _needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("s3")


USE_BUCKET = Pair(
    verbs=DATA_VERBS,
    actors=("Compute.Container", "Compute.Function"),
    targets=("Storage.Bucket",),
    creates="the read or write actions on the bucket's objects, listing on the bucket's ARN, and the bucket's name in "
    "the code's environment",
    connect=use_bucket,
    grant=use_objects,
    needs=_needs,
)


def run_for_objects(link: Link) -> Iterator[Action]:
    """A rule with the function as its target; both belong to the function, so that the bucket stays as it is.

    Lambda takes the event into its own queue and tries it three times; EventBridge tries to hand it over for a day.
    What they give up is kept (`failed_events.py`).
    """
    rule, permission = _rule_key(link), resource_key(link.actor.id, f"{_role(link)}-permission")
    yield from _rule(link, "function", Ref(function_key(link.actor), "Arn"), failed_arn(link.actor))
    yield AddResource(
        permission,
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": Ref(function_key(link.actor)),
            "Principal": _SENDER,
            "SourceArn": Ref(rule, "Arn"),
        },
    )
    yield from keep_failed(link.actor, link.setting)
    yield from let_send(link.actor, _role(link), _SENDER, Ref(rule, "Arn"))


def tell_of_objects(link: Link) -> Iterator[Action]:
    """A rule that sends to the container's own queue; several rules for one bucket send to the same one."""
    yield from _into_own_queue(link)
    yield from use_bucket(link)


def _into_own_queue(link: Link) -> Iterator[Action]:
    queue, failed = own_queue_key(link.actor, link.target), own_failed_key(link.actor, link.target)
    yield from own_queue(link)
    yield from _rule(link, "queue", Ref(queue, "Arn"), Ref(failed, "Arn"))
    for key in (queue, failed):
        sid, source = f"Rule{pascal(_role(link))}", Ref(_rule_key(link), "Arn")
        yield from let_service_send(queue_policy_key(key), key, sid, _SENDER, source)


def hand_over_objects(link: Link) -> Iterator[Action]:
    """The same for a function that is not on Lambda, whose server hands over each event."""
    yield from _into_own_queue(link)
    yield handled(link, "event")


def fill_queue(link: Link) -> Iterator[Action]:
    """A rule that sends to the queue, which lets exactly this rule."""
    queue, rule = queue_key(link.actor), _rule_key(link)
    targets = [{"Id": "queue", "Arn": Ref(queue, "Arn")}]
    yield AddResource(rule, "AWS::Events::Rule", {**_listening(link), "Targets": targets})
    policy, sid = resource_key(link.actor.id, "policy"), f"Rule{pascal(_role(link))}"
    yield from let_service_send(policy, queue, sid, _SENDER, Ref(rule, "Arn"))


def _rule_key(link: Link) -> ResourceKey:
    return resource_key(link.actor.id, _role(link))


def _rule(link: Link, kind: str, target: Value, failed: Value) -> Iterator[Action]:
    yield AddResource(
        _rule_key(link),
        "AWS::Events::Rule",
        {
            **_listening(link),
            "Targets": [{"Id": kind, "Arn": target, "DeadLetterConfig": {"Arn": failed}}],
        },
    )


def _listening(link: Link) -> dict[str, Any]:
    about = f"Objects of {link.target.name} run {link.actor.name}"
    return {"Description": about, "EventPattern": _pattern(link), "State": "ENABLED"}


def _role(link: Link) -> str:
    """Tells the rules of one service and one bucket apart, whatever order they are said in."""
    kind, prefix, suffix = link.get("events", "created"), link.get("prefix", ""), link.get("suffix", "")
    keys = f"-{hashlib.sha256(f'{prefix}*{suffix}'.encode()).hexdigest()[:6]}" if prefix or suffix else ""
    return f"on-{link.target.name}-{kind}{keys}"


_KINDS = {
    "created": ["Object Created"],
    "removed": ["Object Deleted"],
    "all": ["Object Created", "Object Deleted"],
}


def _pattern(link: Link) -> dict[str, Any]:
    detail: dict[str, Any] = {"bucket": {"name": [Ref(bucket_key(link.target))]}}
    prefix, suffix = link.get("prefix"), link.get("suffix")
    if prefix and suffix:
        detail["object"] = {"key": [{"wildcard": f"{_plain(prefix)}*{_plain(suffix)}"}]}
    elif prefix or suffix:
        detail["object"] = {"key": [{"prefix": prefix} if prefix else {"suffix": suffix}]}
    return {"source": ["aws.s3"], "detail-type": _KINDS[link.get("events", "created")], "detail": detail}


def _plain(text: str) -> str:
    """For a wildcard pattern, in which `*` and the backslash are special."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def _check_trigger(link: Link, report: Report) -> None:
    """What is for tables is refused; a service that writes where its trigger looks would call itself for ever."""
    of_tables = [
        name for name in ("batch", "window", "from_start", "retries", "dead_letter") if link.get(name) is not None
    ]
    if of_tables:
        report.error(
            "bad-batch",
            f"{link.target.title} makes no batches: `{of_tables[0]}` is for the changes of a table",
            link.relationship.span,
            helps=["leave it out"],
        )
    if link.setting.adopted(link.target) is not None:
        report.error(
            "existing-changed",
            f"{link.target.title} is there already (`existing=`): its events would have to be switched on",
            link.relationship.span,
            helps=["let Klotho make the bucket, or leave out the line"],
        )
    writes = [
        item
        for item in link.setting.application.relationships_of(link.actor.id)
        if item.target == link.target.id and item.verb in ("writes_to", "read_writes_to")
    ]
    if writes and not (link.get("prefix") or link.get("suffix")) and link.get("events", "created") != "removed":
        report.error(
            "trigger-loop",
            f"{link.actor.title} is run for every object of {link.target.title}, and writes objects there itself",
            link.relationship.span,
            also=[Label(writes[0].span, "it writes to the bucket here")] if writes[0].span else [],
            notes=["each object it writes would run it again, without end"],
            helps=[
                f'say which keys run it: `triggered_by({link.target.name}, prefix="incoming/")`, and write elsewhere'
            ],
        )


def _check_queue(link: Link, report: Report) -> None:
    """A queue of this application that keeps no order, and nothing that is about topics."""
    of_topics = [name for name in ("filter", "filter_on") if link.get(name) is not None]
    if of_topics:
        report.error(
            "conflicting-arguments",
            f"`{of_topics[0]}` is for topics, and {link.target.title} tells of objects",
            link.relationship.span,
            helps=["say which objects by `events=`, `prefix=` and `suffix=`"],
        )
    for end, what in ((link.actor, "its policy"), (link.target, "what it sends")):
        if link.setting.adopted(end) is not None:
            report.error(
                "existing-changed",
                f"{end.title} is there already (`existing=`): `subscribes_to` would change {what}",
                link.relationship.span,
                helps=["let Klotho make it, or leave out the line"],
            )
    if is_fifo(link.actor, link.setting):
        report.error(
            "bad-subscription",
            f"{link.actor.title} is a FIFO queue, and the events of a bucket come in no order",
            link.relationship.span,
            helps=["give it `fifo=False`"],
        )


TRIGGERED_BY_BUCKET = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Function",),
    targets=("Storage.Bucket",),
    actor_on=(LAMBDA,),
    creates="an EventBridge rule for the bucket's objects with the function as its target, the permission to invoke, "
    "a queue for events it failed on, and the switch on the bucket that sends its events",
    connect=run_for_objects,
    check=_check_trigger,
)
HANDED_OVER_BY_BUCKET = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Function",),
    targets=("Storage.Bucket",),
    actor_on=STEADY,
    creates="a queue of the function's own (and one for what failed), an EventBridge rule for the bucket's objects "
    "that sends to it, receiving and deleting on its ARN, the queue in the environment of the server that calls the "
    "function, and the switch on the bucket that sends its events",
    connect=hand_over_objects,
    grant=receive_own,
    needs=receive_needs,
    check=_check_trigger,
)
TOLD_BY_BUCKET = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Container",),
    targets=("Storage.Bucket",),
    actor_on=STEADY,
    creates="a queue of the container's own (and one for what failed), an EventBridge rule for the bucket's objects "
    "that sends to it, receiving and deleting on its ARN, its URL in the code's environment, and the switch on the "
    "bucket that sends its events",
    connect=tell_of_objects,
    grant=receive_own,
    needs=receive_needs,
    check=_check_trigger,
)
SUBSCRIBE_TO_BUCKET = Pair(
    verbs=("subscribes_to",),
    actors=("Messaging.Queue",),
    targets=("Storage.Bucket",),
    creates="an EventBridge rule for the bucket's objects that sends to the queue, a queue policy that lets exactly "
    "this rule, and the switch on the bucket that sends its events",
    connect=fill_queue,
    check=_check_queue,
)
