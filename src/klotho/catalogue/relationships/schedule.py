"""Functions that run at given times, and containers that are told of them.

The schedule, its role and its policy belong to who is triggered, so that a changed time touches that stack only. The
code learns from its event which schedule it was and when it was due. A failure of a function is retried by Lambda
(twice), a failure to reach Lambda by Scheduler (185 times within 24 hours): AWS's defaults. What both give up is kept
(`failed_events.py`). A container receives the same event from a queue of its own (`own_queue.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.failed_events import failed_arn, keep_failed
from klotho.catalogue.iam import allow, policy_key
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.schedule import expression
from klotho.catalogue.relationships.connection import connection
from klotho.catalogue.relationships.own_queue import (
    handled,
    own_failed_key,
    own_queue,
    own_queue_key,
    own_queue_url,
    receive_needs,
    receive_own,
)
from klotho.catalogue.rules import LAMBDA, STEADY, Link, Pair
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Report
from klotho.resources import AddResource, DependsOn, Pseudo, Ref, ResourceKey, Value, json_text, resource_key
from klotho.resources.changes import Action


def run_at_times(link: Link) -> Iterator[Action]:
    """One schedule with the function as its target, and a role that may invoke exactly this function."""
    function = Ref(function_key(link.actor), "Arn")
    yield from keep_failed(link.actor, link.setting)
    yield from allow(_role(link), f"invoke {link.actor.name}", iam_actions("lambda", "invoke"), [function])
    yield from _schedule(link, function, failed_arn(link.actor))


def tell_at_times(link: Link) -> Iterator[Action]:
    """One schedule with the container's own queue as its target, and a role that may send exactly there."""
    yield from _into_own_queue(link)
    yield connection(link, "SCHEDULE", link.target, {"queue": own_queue_url(link)})


def _into_own_queue(link: Link) -> Iterator[Action]:
    queue = Ref(own_queue_key(link.actor, link.target), "Arn")
    yield from own_queue(link)
    yield from allow(_role(link), f"tell {link.actor.name}", iam_actions("sqs", "tell"), [queue])
    yield from _schedule(link, queue, Ref(own_failed_key(link.actor, link.target), "Arn"))


def hand_over_runs(link: Link) -> Iterator[Action]:
    """The same for a function that is not on Lambda, whose server hands over each."""
    yield from _into_own_queue(link)
    yield handled(link, "event")


def _role(link: Link) -> ResourceKey:
    """What the schedule hands over with."""
    return resource_key(link.actor.id, f"schedule-{link.target.name}-role")


def _schedule(link: Link, target: Value, failed: Value) -> Iterator[Action]:
    schedule, role, times = resource_key(link.actor.id, f"schedule-{link.target.name}"), _role(link), link.target
    kind = link.actor.kind.rpartition(".")[2].lower()
    yield AddResource(
        role,
        "AWS::IAM::Role",
        {
            "Description": f"Schedule {times.name} of {kind} {link.actor.name}",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "scheduler.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                        # Another account's schedule must not borrow this role (confused deputy).
                        "Condition": {"StringEquals": {"aws:SourceAccount": Pseudo("AWS::AccountId")}},
                    }
                ],
            },
        },
    )
    yield from allow(role, "keep failed runs", iam_actions("sqs", "tell"), [failed])
    yield AddResource(
        schedule,
        "AWS::Scheduler::Schedule",
        {
            "Description": f"{times.name} runs {link.actor.name}",
            "ScheduleExpression": expression(times, link.setting),
            "ScheduleExpressionTimezone": link.setting.parameter(times, "timezone"),
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": target,
                "RoleArn": Ref(role, "Arn"),
                "Input": _event(times.name),
                "DeadLetterConfig": {"Arn": failed},
            },
        },
    )
    yield DependsOn(schedule, policy_key(role))


def _event(name: str) -> object:
    """What the code gets; Scheduler fills in the context attributes between angle brackets."""
    return json_text(
        {
            "schedule": name,
            "scheduled_at": "<aws.scheduler.scheduled-time>",
            "run": "<aws.scheduler.execution-id>",
        }
    )


def _check(link: Link, report: Report) -> None:
    of_tables = [
        name for name in ("batch", "window", "from_start", "retries", "dead_letter") if link.get(name) is not None
    ]
    of_buckets = [name for name in ("events", "prefix", "suffix") if link.get(name) is not None]
    if of_tables:
        report.error(
            "bad-batch",
            f"{link.target.title} makes no batches: `{of_tables[0]}` is for the changes of a table",
            link.relationship.span,
            helps=["leave it out"],
        )
    if of_buckets:
        report.error(
            "conflicting-arguments",
            f"`{of_buckets[0]}` is for buckets, and {link.target.title} has times, not keys",
            link.relationship.span,
            helps=["leave it out"],
        )


TRIGGERED_BY_SCHEDULE = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Function",),
    targets=("Schedule",),
    actor_on=(LAMBDA,),
    creates="a schedule with the function as its target, a role with `lambda:InvokeFunction` on its ARN, and a queue "
    "for runs it failed on",
    connect=run_at_times,
    check=_check,
)
HANDLED_BY_STEADY_FUNCTION = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Function",),
    targets=("Schedule",),
    actor_on=STEADY,
    creates="a queue of the function's own (and one for what failed), a schedule that sends to it, a role with "
    "`sqs:SendMessage` on its ARN, receiving and deleting on its ARN, and the queue in the environment of the server "
    "that calls the function",
    connect=hand_over_runs,
    grant=receive_own,
    needs=receive_needs,
    check=_check,
)
TOLD_BY_SCHEDULE = Pair(
    verbs=("triggered_by",),
    actors=("Compute.Container",),
    targets=("Schedule",),
    actor_on=STEADY,
    creates="a queue of the container's own (and one for what failed), a schedule that sends to it, a role with "
    "`sqs:SendMessage` on its ARN, receiving and deleting on its ARN, and its URL in the code's environment",
    connect=tell_at_times,
    grant=receive_own,
    needs=receive_needs,
    check=_check,
)
