"""The settings of topics and subscriptions.

Input: properties of `AWS::SNS::Topic` and `AWS::SNS::Subscription`, or the attributes of Subscribe, which have the same
names. Output: typed definitions with AWS's defaults. Refuses, as `SnsError` InvalidParameter, names and values AWS
refuses and filter policies that can't be read. Source: CreateTopic and Subscribe in the Amazon SNS API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from klotho.application import filter_policy
from klotho.localcloud.services.sns.errors import invalid

FIFO_ENDING = ".fifo"
MAX_NAME = 256
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
TOPIC_SETTINGS = frozenset({"ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId"})
SUBSCRIPTION_SETTINGS = frozenset({"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"})
PROTOCOLS = ("email", "email-json", "lambda", "sms", "sqs")
"""Carried; `email` and `sms` are written to the topic's log, and not sent."""
MAX_FILTER_BYTES = 256 * 1024
"""AWS: "The maximum size of a policy is 256 KB"."""


@dataclass(frozen=True, slots=True)
class TopicDefinition:
    """What a topic is to do."""

    fifo: bool
    deduplicates: bool
    """By the message's digest, where it brings no id of its own."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """As they were given."""

    def attributes(self) -> dict[str, str]:
        """As GetTopicAttributes shows them."""
        shown = {"DisplayName": str(self.settings.get("DisplayName", ""))}
        if self.settings.get("KmsMasterKeyId"):
            shown["KmsMasterKeyId"] = str(self.settings["KmsMasterKeyId"])
        if self.fifo:
            shown |= {"FifoTopic": "true", "ContentBasedDeduplication": str(self.deduplicates).lower()}
        return shown


def define_topic(name: str, settings: Mapping[str, Any]) -> TopicDefinition:
    """The definition of a topic of this name."""
    fifo = truth(settings.get("FifoTopic", False))
    stem = name.removesuffix(FIFO_ENDING) if fifo else name
    if not _NAME.fullmatch(stem) or len(name) > MAX_NAME or fifo is not name.endswith(FIFO_ENDING):
        raise invalid("Topic Name")
    deduplicates = truth(settings.get("ContentBasedDeduplication", False))
    if deduplicates and not fifo:
        raise invalid("Content-based deduplication can only be set for FIFO topics")
    return TopicDefinition(fifo, deduplicates, {key: settings[key] for key in settings if key in TOPIC_SETTINGS})


@dataclass(frozen=True, slots=True)
class SubscriptionDefinition:
    """What one subscriber wants, and how."""

    protocol: str
    endpoint: str
    raw: bool
    policy: Mapping[str, Any] | None
    on_body: bool
    dead_letter_arn: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def wants(self, values: Mapping[str, Any], body: str) -> bool:
        """Whether a message is for it; `values` are those of its attributes."""
        if self.policy is None:
            return True
        if self.on_body:
            return filter_policy.accepts_body(self.policy, body)
        return filter_policy.accepts(self.policy, values)

    def attributes(self) -> dict[str, str]:
        """As GetSubscriptionAttributes shows them."""
        shown = {"RawMessageDelivery": str(self.raw).lower()}
        if self.policy is not None:
            shown["FilterPolicy"] = orjson.dumps(self.policy).decode()
            shown["FilterPolicyScope"] = "MessageBody" if self.on_body else "MessageAttributes"
        if self.dead_letter_arn is not None:
            shown["RedrivePolicy"] = orjson.dumps({"deadLetterTargetArn": self.dead_letter_arn}).decode()
        return shown


def define_subscription(protocol: str, endpoint: str, settings: Mapping[str, Any]) -> SubscriptionDefinition:
    """The definition of a subscription."""
    if protocol not in PROTOCOLS:
        raise invalid(
            f"Protocol Reason: klotho's local cloud carries {', '.join(PROTOCOLS)}, not {protocol or '(none)'}"
        )
    _check_endpoint(protocol, endpoint)
    raw = truth(settings.get("RawMessageDelivery", False))
    if raw and protocol != "sqs":
        raise invalid(
            f"Attributes Reason: RawMessageDelivery: Delivery protocol [{protocol}] does not support raw message "
            "delivery."
        )
    scope = settings.get("FilterPolicyScope", "MessageAttributes")
    if scope not in ("MessageAttributes", "MessageBody"):
        raise invalid("FilterPolicyScope: Invalid value. Please use either MessageBody or MessageAttributes")
    return SubscriptionDefinition(
        protocol=protocol,
        endpoint=endpoint,
        raw=raw,
        policy=_filter(settings.get("FilterPolicy"), scope == "MessageBody"),
        on_body=scope == "MessageBody",
        dead_letter_arn=_dead_letter(settings.get("RedrivePolicy")),
        settings={key: settings[key] for key in settings if key in SUBSCRIPTION_SETTINGS},
    )


def _check_endpoint(protocol: str, endpoint: str) -> None:
    wanted = {"sqs": "arn:aws:sqs:", "lambda": "arn:aws:lambda:"}.get(protocol)
    if not endpoint or (wanted is not None and not endpoint.startswith(wanted)):
        raise invalid(f"Endpoint Reason: {protocol} endpoint ARN" if wanted else f"{protocol} endpoint")
    if protocol.startswith("email") and "@" not in endpoint:
        raise invalid("Email address")


def _filter(value: Any, on_body: bool) -> Mapping[str, Any] | None:
    if value in (None, "", {}):
        return None
    policy = _json(value, "FilterPolicy")
    if len(orjson.dumps(policy)) > MAX_FILTER_BYTES:
        raise invalid("FilterPolicy: Filter policy is too large")
    for problem in filter_policy.problems(policy):
        where = ".".join(str(part) for part in problem.path)
        raise invalid(f"FilterPolicy: {where or 'the policy'} must be {problem.expected}")
    if not on_body and filter_policy.is_nested(policy):
        raise invalid("Filter policy scope MessageAttributes does not support nested filter policy")
    return policy


def _dead_letter(value: Any) -> str | None:
    if value in (None, "", {}):
        return None
    target = _json(value, "RedrivePolicy").get("deadLetterTargetArn")
    if not isinstance(target, str) or not target.startswith("arn:aws:sqs:"):
        raise invalid("RedrivePolicy: must contain a deadLetterTargetArn that is the ARN of an SQS queue")
    return target


def _json(value: Any, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, Mapping):
        raise invalid(f"{name}: failed to parse JSON.")
    return dict(found)


def truth(value: Any) -> bool:
    """CloudFormation hands booleans over as such or as text."""
    return str(value).lower() == "true"
