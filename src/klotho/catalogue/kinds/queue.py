"""`Messaging.Queue` on SQS.

Encrypted by SQS's own keys. A queue with a dead letter queue has a name known beforehand, because the dead letter queue
allows exactly that sender (RedriveAllowPolicy) and must exist before it: without the name they would wait for each
other. Source: Amazon SQS Developer Guide (dead-letter queues, FIFO queues), AWS Lambda Developer Guide (SQS event
sources: "set the queue's visibility timeout to at least six times the function's timeout").
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct, ConstructId
from klotho.catalogue.adoption import Adoption, Found
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, Pseudo, Ref, ResourceKey, SetProperty, Value, join, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import dashed, stack_name

KIND = "Messaging.Queue"
MAX_VISIBILITY_S = 43200
"""SQS quotas: "The maximum visibility timeout is 12 hours"."""
_DAY_S = 86400
_FIFO_ENDING = ".fifo"
_NAME_LIMIT = 80
"""SQS quotas: "A queue name can have up to 80 characters", with the ending of FIFO queues."""


def queue_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "queue")


def is_fifo(construct: Construct, setting: Setting) -> bool:
    adopted = setting.adopted(construct)
    return adopted.id.endswith(_FIFO_ENDING) if adopted is not None else bool(setting.parameter(construct, "fifo"))


def dead_letter_of(construct: Construct, setting: Setting) -> Construct | None:
    """The queue its failed messages go to; None when there is none, or none of that name."""
    name = setting.parameter(construct, "dead_letter")
    return None if name is None else setting.application.by_id.get(ConstructId(f"{KIND}/{name}"))


def sources_of(construct: Construct, setting: Setting) -> list[Construct]:
    """The queues whose failed messages come here."""
    queues = [item for item in setting.application.constructs if item.kind == KIND and item.id in setting.choices]
    return [item for item in queues if dead_letter_of(item, setting) == construct]


def visibility(construct: Construct, setting: Setting) -> int:
    """Seconds: as given, else six times the longest timeout of a consuming function, at least 30."""
    given = setting.parameter(construct, "visibility")
    if given is not None:
        return int(given)
    return min(MAX_VISIBILITY_S, max([30, *(6 * timeout for _, timeout in consuming_functions(construct, setting))]))


def consuming_functions(construct: Construct, setting: Setting) -> list[tuple[Construct, int]]:
    """The functions that consume it, each with its timeout in seconds."""
    found = []
    for relationship in setting.application.relationships_on(construct.id):
        actor = setting.application.by_id.get(relationship.actor)
        if relationship.verb == "consumes" and actor is not None and actor.kind == "Compute.Function":
            found.append((actor, int(setting.parameter(actor, "timeout"))))
    return found


def sqs(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The queue."""
    key, senders = queue_key(construct), sources_of(construct, setting)
    retention = setting.parameter(construct, "retention")
    yield AddResource(
        key,
        "AWS::SQS::Queue",
        {
            "SqsManagedSseEnabled": True,
            "VisibilityTimeout": visibility(construct, setting),
            # What failed must still be there after a long weekend and a holiday.
            "MessageRetentionPeriod": retention or (14 if senders else 4) * _DAY_S,
        },
    )
    if is_fifo(construct, setting):
        yield SetProperty(key, ("FifoQueue",), True)
        yield SetProperty(key, ("ContentBasedDeduplication",), True)
    target = dead_letter_of(construct, setting)
    if target is not None:
        policy = {
            "deadLetterTargetArn": Ref(queue_key(target), "Arn"),
            "maxReceiveCount": setting.parameter(construct, "max_receives"),
        }
        yield SetProperty(key, ("QueueName",), _physical_name(construct, setting))
        yield SetProperty(key, ("RedrivePolicy",), policy)
    if senders:
        arns = [_known_arn(item, setting) for item in senders]
        allowed = {"redrivePermission": "byQueue", "sourceQueueArns": arns}
        yield SetProperty(key, ("RedriveAllowPolicy",), allowed)


def _physical_name(construct: Construct, setting: Setting) -> str:
    """The same for every deployment of this environment."""
    ending = _FIFO_ENDING if is_fifo(construct, setting) else ""
    limit = _NAME_LIMIT - len(ending)
    full = stack_name(setting.application.project, setting.application.name, setting.environment, construct.name)
    return (full if len(full) <= limit else dashed(full, limit)) + ending


def _known_arn(construct: Construct, setting: Setting) -> Value:
    place = (Pseudo("AWS::Partition"), ":sqs:", Pseudo("AWS::Region"), ":", Pseudo("AWS::AccountId"), ":")
    return join("arn:", *place, _physical_name(construct, setting))


def check_queue(construct: Construct, setting: Setting, report: Report) -> None:
    """Its dead letter queue exists and fits; its visibility covers the functions that consume it."""
    _check_dead_letter(construct, setting, report)
    given = setting.parameter(construct, "visibility")
    for function, timeout in consuming_functions(construct, setting):
        if given is not None and int(given) < timeout:
            report.error(
                "visibility-too-short",
                f"{construct.title} hides a message for {given} s, but {function.title} may work on it for {timeout} s",
                construct.span,
                notes=["the message would be delivered again while it is being handled; AWS refuses it"],
                helps=[f"leave `visibility` out, or give at least {6 * timeout}"],
            )


def _check_dead_letter(construct: Construct, setting: Setting, report: Report) -> None:
    name = setting.parameter(construct, "dead_letter")
    if name is None:
        return
    target = dead_letter_of(construct, setting)
    if target is None:
        report.error("unknown-construct", f"`{KIND}/{name}` does not exist", construct.span)
    elif _circle(construct, setting):
        report.error("bad-dead-letter", f"{construct.title} gets its own dead letters back", construct.span)
    elif target.id in setting.choices and is_fifo(target, setting) != is_fifo(construct, setting):
        kinds = ("a FIFO queue", "a standard queue")
        mine, other = kinds if is_fifo(construct, setting) else kinds[::-1]
        report.error(
            "bad-dead-letter",
            f"{construct.title} is {mine} and its dead letter queue {target.title} is {other}",
            construct.span,
            helps=["give both the same `fifo=`"],
        )


def _circle(construct: Construct, setting: Setting) -> bool:
    """Whether its failed messages come back to it, directly or through other queues."""
    seen: set[str] = set()
    target = dead_letter_of(construct, setting)
    while target is not None and target.id in setting.choices and target.id not in seen:
        if target == construct:
            return True
        seen.add(target.id)
        target = dead_letter_of(target, setting)
    return False


def _url(found: Found) -> Value:
    return join("https://sqs.", found.region, ".", Pseudo("AWS::URLSuffix"), "/", found.account, f"/{found.name}")


SQS = Implementation(
    kind=KIND,
    name="sqs",
    service="Amazon SQS",
    expand=sqs,
    parameters={
        "fifo": Parameter("keep the order within each group, drop what is sent again within five minutes", False),
        "dead_letter": Parameter("name of the queue that takes messages which failed `max_receives` times"),
        "visibility": Parameter(
            "how long a received message is hidden (default: six times the longest timeout of its functions, "
            "at least 30)",
            unit="seconds",
        ),
        "retention": Parameter(
            "how long a message is kept (default: 345600; 1209600 for a dead letter queue)", unit="seconds"
        ),
        "max_receives": Parameter("how often a message is tried before it goes to the dead letter queue", 5),
    },
    outputs={
        "url": Output(lambda construct, setting: Ref(queue_key(construct)), "URL of the queue"),
        "arn": Output(lambda construct, setting: Ref(queue_key(construct), "Arn"), "ARN of the queue"),
    },
    adoption=Adoption(
        type="AWS::SQS::Queue",
        key=queue_key,
        service="sqs",
        resource="{}",
        name=r"[A-Za-z0-9_-]{1,75}(\.fifo)?|[A-Za-z0-9_-]{1,80}",
        identifier=_url,
        attributes={"Arn": lambda found: found.arn, "QueueName": lambda found: found.name},
    ),
    shares=lambda construct, setting: (
        ("queue", None),
        ("queue", "Arn"),
    ),
    check=check_queue,
)
