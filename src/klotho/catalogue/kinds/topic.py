"""`Messaging.Topic` on SNS.

Encrypted with SNS's own key of the account, `alias/aws/sns`: whoever may publish may use it, without a grant on a key.
It lets no AWS *service* publish (CloudWatch alarms, S3 events): a topic for those needs a key of its own. Queues keep
what they get encrypted by SQS's own keys, which needs no grant to SNS either. A FIFO topic has a name known beforehand,
because AWS wants it to end in `.fifo` and CloudFormation makes up names without. Source: Amazon SNS Developer Guide
("Securing Amazon SNS data with server-side encryption", "Amazon SNS message ordering and deduplication").
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.resources import AddResource, Ref, ResourceKey, SetProperty, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import dashed, stack_name

KIND = "Messaging.Topic"
_FIFO_ENDING = ".fifo"
_NAME_LIMIT = 256
"""SNS API Reference, CreateTopic: "up to 256 characters", with the ending of FIFO topics."""


def topic_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "topic")


def topic_arn(construct: Construct) -> Ref:
    return Ref(topic_key(construct), "TopicArn")


def is_fifo_topic(construct: Construct, setting: Setting) -> bool:
    adopted = setting.adopted(construct)
    return adopted.id.endswith(_FIFO_ENDING) if adopted is not None else bool(setting.parameter(construct, "fifo"))


def region_of(construct: Construct, setting: Setting) -> str | None:
    """Where it is, if its ARN says so: perhaps in another region than what is deployed. None for one that is made or
    adopted by its name, which is there where its users are."""
    adopted = setting.adopted(construct)
    return adopted.id.split(":")[3] if adopted is not None and adopted.id.startswith("arn:") else None


def sns(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The topic."""
    key = topic_key(construct)
    yield AddResource(key, "AWS::SNS::Topic", {"KmsMasterKeyId": "alias/aws/sns"})
    if is_fifo_topic(construct, setting):
        limit = _NAME_LIMIT - len(_FIFO_ENDING)
        full = stack_name(setting.application.project, setting.application.name, setting.environment, construct.name)
        yield SetProperty(key, ("TopicName",), (full if len(full) <= limit else dashed(full, limit)) + _FIFO_ENDING)
        yield SetProperty(key, ("FifoTopic",), True)
        yield SetProperty(key, ("ContentBasedDeduplication",), True)


SNS = Implementation(
    kind=KIND,
    name="sns",
    service="Amazon SNS",
    expand=sns,
    parameters={
        "fifo": Parameter("keep the order within each group, drop what is published again within five minutes", False),
    },
    outputs={"arn": Output(lambda construct, setting: topic_arn(construct), "ARN of the topic")},
    shares=lambda construct, setting: (("topic", "TopicArn"),),
    adoption=Adoption(
        type="AWS::SNS::Topic",
        key=topic_key,
        service="sns",
        resource="{}",
        name=r"[A-Za-z0-9_-]{1,251}(\.fifo)?|[A-Za-z0-9_-]{1,256}",
        identifier=lambda found: found.arn,
        attributes={"TopicArn": lambda found: found.arn, "TopicName": lambda found: found.name},
    ),
)
