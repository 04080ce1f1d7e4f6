"""The settings of a queue.

Input: the properties of an `AWS::SQS::Queue`. Output: `Definition`, typed, with AWS's defaults. Refuses values outside
AWS's ranges and redrive policies that can't be read, as `SqsError` InvalidAttributeValue.
Source: CreateQueue in the Amazon SQS API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from klotho.localcloud.services.sqs.errors import SqsError

FIFO_ENDING = ".fifo"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DAY_S = 86400
_RANGES: Mapping[str, tuple[int, int, int]] = {
    # lowest, highest, default
    "DelaySeconds": (0, 900, 0),
    "MaximumMessageSize": (1024, 1048576, 1048576),
    "MessageRetentionPeriod": (60, 14 * _DAY_S, 4 * _DAY_S),
    "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
    "VisibilityTimeout": (0, 43200, 30),
}
SETTINGS = frozenset(
    (*_RANGES, "ContentBasedDeduplication", "FifoQueue", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled")
)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a queue is to do; times in seconds, sizes in bytes."""

    fifo: bool
    deduplicates: bool
    """By the body's digest, where a message brings no id of its own."""
    delay: int
    max_size: int
    retention: int
    wait: int
    visibility: int
    dead_letter_arn: str | None
    max_receives: int
    settings: Mapping[str, Any]
    """As they were given."""

    def attributes(self) -> dict[str, str]:
        """As GetQueueAttributes shows them."""
        shown = {name: str(self.settings.get(name, default)) for name, (_, _, default) in _RANGES.items()}
        shown["SqsManagedSseEnabled"] = _shown(truth(self.settings.get("SqsManagedSseEnabled", True)))
        if self.fifo:
            shown |= {"FifoQueue": "true", "ContentBasedDeduplication": _shown(self.deduplicates)}
        for name in ("RedrivePolicy", "RedriveAllowPolicy"):
            if self.settings.get(name):
                shown[name] = orjson.dumps(policy(name, self.settings[name])).decode()
        return shown


def define(name: str, settings: Mapping[str, Any]) -> Definition:
    """The definition of a queue of this name."""
    fifo = truth(settings.get("FifoQueue", False))
    if not _NAME.fullmatch(name.removesuffix(FIFO_ENDING) if fifo else name) or len(name) > 80:
        raise SqsError(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )
    if fifo and not name.endswith(FIFO_ENDING):
        raise SqsError("InvalidParameterValue", "The name of a FIFO queue can only end with the suffix '.fifo'.")
    if not fifo and truth(settings.get("ContentBasedDeduplication", False)):
        raise SqsError("InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication.")
    numbers = {key: _number(key, settings.get(key, default)) for key, (_, _, default) in _RANGES.items()}
    redrive = policy("RedrivePolicy", settings.get("RedrivePolicy") or {})
    if settings.get("RedriveAllowPolicy"):
        _check_allow(policy("RedriveAllowPolicy", settings["RedriveAllowPolicy"]))
    return Definition(
        fifo=fifo,
        deduplicates=truth(settings.get("ContentBasedDeduplication", False)),
        delay=numbers["DelaySeconds"],
        max_size=numbers["MaximumMessageSize"],
        retention=numbers["MessageRetentionPeriod"],
        wait=numbers["ReceiveMessageWaitTimeSeconds"],
        visibility=numbers["VisibilityTimeout"],
        dead_letter_arn=_target(redrive),
        max_receives=_max_receives(redrive),
        settings={key: settings[key] for key in settings if key in SETTINGS},
    )


def truth(value: Any) -> bool:
    """CloudFormation hands booleans over as such or as text."""
    return str(value).lower() == "true"


def policy(name: str, value: Any) -> dict[str, Any]:
    """A redrive policy given as an object or as JSON text."""
    try:
        found = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, Mapping):
        raise _bad(f"Value for parameter {name} is invalid. Reason: Redrive policy is not a valid JSON map.")
    return dict(found)


def may_redrive(allow: Mapping[str, Any], source_arn: str) -> bool:
    """Whether a dead letter queue with this RedriveAllowPolicy takes messages of that queue."""
    permission = allow.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source_arn in allow.get("sourceQueueArns", ()))


def _target(redrive: Mapping[str, Any]) -> str | None:
    if not redrive:
        return None
    target = redrive.get("deadLetterTargetArn")
    if not isinstance(target, str) or not target:
        raise _bad("Value for parameter RedrivePolicy is invalid. Reason: deadLetterTargetArn is missing.")
    return target


def _max_receives(redrive: Mapping[str, Any]) -> int:
    if not redrive:
        return 0
    try:
        count = int(redrive["maxReceiveCount"])
    except (KeyError, TypeError, ValueError):
        count = 0
    if not 1 <= count <= 1000:
        raise _bad("Value for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount.")
    return count


def _check_allow(allow: Mapping[str, Any]) -> None:
    permission, sources = allow.get("redrivePermission"), allow.get("sourceQueueArns")
    listed = isinstance(sources, list) and 1 <= len(sources) <= 10
    if permission not in ("allowAll", "denyAll", "byQueue") or (permission == "byQueue") != listed:
        raise _bad("Value for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the policy.")


def _number(name: str, value: Any) -> int:
    low, high, _ = _RANGES[name]
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if not low <= number <= high:
        raise _bad(f"Invalid value for the parameter {name}.")
    return number


def _shown(value: bool) -> str:
    return "true" if value else "false"


def _bad(message: str) -> SqsError:
    return SqsError("InvalidAttributeValue", message)
