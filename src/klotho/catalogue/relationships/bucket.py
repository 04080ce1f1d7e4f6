"""Code that uses a bucket, and functions that run for its objects.

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
from klotho.catalogue.relationships.connection import DATA_VERBS, access, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Label, Report
from klotho.resources import AddResource, Ref, join, resource_key
from klotho.resources.changes import Action

_SENDER = "events.amazonaws.com"


def use_bucket(link: Link) -> Iterator[Action]:
    """The bucket's name and ARN."""
    bucket = bucket_key(link.target)
    facts = {"bucket": Ref(bucket), "arn": Ref(bucket, "Arn"), "access": access(link)}
    yield connection(link, "BUCKET", link.target, facts)


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
    rule, permission = (
        resource_key(link.actor.id, _role(link)),
        resource_key(link.actor.id, f"{_role(link)}-permission"),
    )
    function = Ref(function_key(link.actor), "Arn")
    yield AddResource(
        rule,
        "AWS::Events::Rule",
        {
            "Description": f"Objects of {link.target.name} run {link.actor.name}",
            "EventPattern": _pattern(link),
            "State": "ENABLED",
            "Targets": [{"Id": "function", "Arn": function, "DeadLetterConfig": {"Arn": failed_arn(link.actor)}}],
        },
    )
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


def _role(link: Link) -> str:
    """Tells the rules of one function and one bucket apart, whatever order they are said in."""
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
    """What is for tables is refused; a function that writes where its trigger looks would call itself for ever."""
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


TRIGGERED_BY_BUCKET = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Function",),
    targets=("Storage.Bucket",),
    creates="an EventBridge rule for the bucket's objects with the function as its target, the permission to invoke, "
    "a queue for events it failed on, and the switch on the bucket that sends its events",
    connect=run_for_objects,
    check=_check_trigger,
)
