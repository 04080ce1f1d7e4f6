"""Code that sends to a queue, and code that handles what is in it.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" (permissions of the execution role, batch sizes and
windows, reporting batch item failures).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.iam import policy_key
from klotho.catalogue.kinds.function import function_key, function_role
from klotho.catalogue.kinds.queue import is_fifo, queue_key
from klotho.catalogue.relationships.connection import connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import LAMBDA, STEADY, Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Report
from klotho.resources import AddResource, DependsOn, Ref, SetProperty, json_text, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import environment_suffix

DEFAULT_BATCH = 10
"""Messages in one call. AWS: "BatchSize … Amazon Simple Queue Service – Default 10"."""
_FIFO_BATCH = 10


def know_queue(link: Link) -> Iterator[Action]:
    """The queue's URL in the actor's environment."""
    facts = {
        "url": Ref(queue_key(link.target)),
        "fifo": is_fifo(link.target, link.setting),
        "access": _access(link),
    }
    yield connection(link, "QUEUE", link.target, facts)


def _access(link: Link) -> str:
    """`send`, `consume` or `send_consume`: what this actor's own calls to the queue may do."""
    verbs = {
        item.verb for item in link.setting.application.relationships_of(link.actor.id) if item.target == link.target.id
    }
    if link.actor.kind == "Compute.Function":
        verbs.discard("consumes")  # Lambda receives and deletes for it
    return "_".join(word for verb, word in (("sends_to", "send"), ("consumes", "consume")) if verb in verbs)


def send(link: Link) -> Iterator[Action]:
    """Send on exactly this queue."""
    yield from grant(link, "send to", iam_actions("sqs", "send"), [Ref(queue_key(link.target), "Arn")])


def receive(link: Link) -> Iterator[Action]:
    """Receive from and delete on exactly this queue."""
    yield from grant(link, "receive from", iam_actions("sqs", "receive"), [Ref(queue_key(link.target), "Arn")])


def poll(link: Link) -> Iterator[Action]:
    """What Lambda's poller does under the function's role."""
    yield from grant(link, "poll", iam_actions("sqs", "poll"), [Ref(queue_key(link.target), "Arn")])


def call_with_messages(link: Link) -> Iterator[Action]:
    """An event source mapping that belongs to the function, which says itself which messages of a batch failed."""
    key = resource_key(link.actor.id, f"consumes-{link.target.name}")
    yield AddResource(
        key,
        "AWS::Lambda::EventSourceMapping",
        {
            "EventSourceArn": Ref(queue_key(link.target), "Arn"),
            "FunctionName": Ref(function_key(link.actor)),
            "BatchSize": link.get("batch", DEFAULT_BATCH),
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
    )
    if link.get("window"):
        yield SetProperty(key, ("MaximumBatchingWindowInSeconds",), link.get("window"))
    if link.get("concurrency"):
        yield SetProperty(key, ("ScalingConfig", "MaximumConcurrency"), link.get("concurrency"))
    # AWS checks at creation that the role may receive.
    yield DependsOn(key, policy_key(function_role(link.actor)))


def hand_over_messages(link: Link) -> Iterator[Action]:
    """The function's server receives for it, and leaves in the queue what it says failed."""
    told = {
        "queue": Ref(queue_key(link.target)),
        "arn": Ref(queue_key(link.target), "Arn"),
        "kind": "queue",
        "batch": link.get("batch", DEFAULT_BATCH),
        "window": link.get("window", 0),
    }
    if link.get("concurrency"):
        told["concurrency"] = link.get("concurrency")
    name = f"KLOTHO_SOURCE_QUEUE_{environment_suffix(link.target.label)}"
    yield link.setting.compute(link.actor).environment(link.actor, name, json_text(told))


def _needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("sqs")


def _check_function(link: Link, report: Report) -> None:
    batch, window = link.get("batch", DEFAULT_BATCH), link.get("window", 0)
    fifo = is_fifo(link.target, link.setting)
    if fifo and (batch > _FIFO_BATCH or window):
        what = f"`batch={batch}`" if batch > _FIFO_BATCH else f"`window={window}`"
        report.error(
            "bad-batch",
            f"{link.target.title} is a FIFO queue: its batches hold at most {_FIFO_BATCH} messages and do not wait",
            link.relationship.span,
            text=f"{what} can't be",
            helps=["leave it out"],
        )
    elif batch > _FIFO_BATCH and not window:
        report.error(
            "bad-batch",
            f"a batch of {batch} messages needs a `window` of at least 1 second",
            link.relationship.span,
            helps=["add `window=1`, or leave `batch` at 10 or below"],
        )


def _check_container(link: Link, report: Report) -> None:
    given = [name for name in ("batch", "window", "concurrency") if link.get(name) is not None]
    if given:
        report.error(
            "bad-batch",
            f"{link.actor.title} is a container and receives messages itself: `{given[0]}` is for functions",
            link.relationship.span,
            helps=[
                f'leave it out, and say it in the code: `klotho.config.queues.get("{link.target.name}").receive(…)`'
            ],
        )


SEND_TO_QUEUE = Pair(
    verbs=("sends_to",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("Messaging.Queue",),
    creates="`sqs:SendMessage` on the queue's ARN, and the queue's URL in the code's environment",
    connect=know_queue,
    grant=send,
    needs=_needs,
)
CONSUME_BY_FUNCTION = Pair(
    verbs=("consumes",),
    actors=("Compute.Function",),
    targets=("Messaging.Queue",),
    actor_on=(LAMBDA,),
    creates="an event source mapping with partial batch failures, and `sqs:ReceiveMessage`, `sqs:DeleteMessage` and "
    "`sqs:GetQueueAttributes` on the queue's ARN",
    connect=call_with_messages,
    grant=poll,
    check=_check_function,
)
CONSUME_BY_STEADY_FUNCTION = Pair(
    verbs=("consumes",),
    actors=("Compute.Function",),
    targets=("Messaging.Queue",),
    actor_on=STEADY,
    creates="receiving, deleting and changing the visibility of messages on the queue's ARN, and the queue in the "
    "environment of the server that calls the function with batches of them",
    connect=hand_over_messages,
    grant=receive,
    needs=_needs,
    check=_check_function,
)
CONSUME_BY_CONTAINER = Pair(
    verbs=("consumes",),
    actors=("Compute.Container",),
    targets=("Messaging.Queue",),
    actor_on=STEADY,
    creates="receiving, deleting and changing the visibility of messages on the queue's ARN, and the queue's URL in "
    "the code's environment",
    connect=know_queue,
    grant=receive,
    needs=_needs,
    check=_check_container,
)
