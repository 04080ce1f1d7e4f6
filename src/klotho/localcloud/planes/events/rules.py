"""Rules as the plane runs them.

Input: the properties of an `AWS::Events::Rule`. Output: a typed `Rule` with a compiled pattern and its targets.
Refuses, as `InvalidPatternError` or `InvalidInputError`, what EventBridge would not take. Defaults are AWS's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.handler import Record, application_of
from klotho.localcloud.planes.events.errors import InvalidInputError
from klotho.localcloud.planes.events.input import Shape, shape_of
from klotho.localcloud.planes.events.pattern import Pattern
from klotho.localcloud.planes.functions.model import construct_of

RULE, BUS = "AWS::Events::Rule", "AWS::Events::EventBus"
DEFAULT_BUS = "default"
MAX_ATTEMPTS, MAX_AGE_S = 185, 86_400
"""RetryPolicy: "By default, EventBridge retries sending the event for 24 hours and up to 185 times"."""
MAX_TARGETS = 5
"""Quota "Targets per rule"."""


@dataclass(frozen=True, slots=True)
class Target:
    id: str
    arn: str
    role_arn: str | None
    shape: Shape
    group: str | None
    """MessageGroupId for FIFO queues."""
    dead_letter_arn: str | None
    max_attempts: int
    """Retries after the first attempt."""
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    arn: str
    bus: str
    construct: str
    application: str | None
    enabled: bool
    pattern: Pattern
    targets: tuple[Target, ...]


def rule_of(record: Record) -> Rule:
    """The rule this record describes."""
    properties = record.properties
    return Rule(
        name=str(record.attributes["RuleName"]),
        arn=str(record.attributes["Arn"]),
        bus=bus_name(str(properties.get("EventBusName", DEFAULT_BUS))),
        construct=construct_of(record),
        application=application_of(record),
        enabled=properties.get("State", "ENABLED") == "ENABLED",
        pattern=Pattern(properties["EventPattern"]),
        targets=targets_of(properties.get("Targets") or ()),
    )


def targets_of(given: Any) -> tuple[Target, ...]:
    """The targets of a rule, checked."""
    targets = tuple(_target(item) for item in given)
    if len(targets) > MAX_TARGETS:
        raise InvalidInputError(f"a rule has at most {MAX_TARGETS} targets, this has {len(targets)}")
    if len({target.id for target in targets}) < len(targets):
        raise InvalidInputError("two targets of the rule have the same Id")
    return targets


def bus_name(name_or_arn: str) -> str:
    """The bus by its name, wherever it was given as an ARN."""
    return name_or_arn.partition(":event-bus/")[2] or name_or_arn


def _target(given: Mapping[str, Any]) -> Target:
    arn = str(given["Arn"])
    _check_arn(arn)
    retry = given.get("RetryPolicy") or {}
    group = (given.get("SqsParameters") or {}).get("MessageGroupId")
    if ":sqs:" in arn and arn.endswith(".fifo") and not group:
        raise InvalidInputError(f"Parameter(s) SqsParameters must be specified for target: {given['Id']}.")
    dead_letter = (given.get("DeadLetterConfig") or {}).get("Arn")
    if dead_letter is not None and (":sqs:" not in dead_letter or str(dead_letter).endswith(".fifo")):
        raise InvalidInputError(f"DeadLetterConfig.Arn must be a standard SQS queue, not {dead_letter}")
    return Target(
        id=str(given["Id"]),
        arn=arn,
        role_arn=given.get("RoleArn"),
        shape=shape_of(given),
        group=None if group is None else str(group),
        dead_letter_arn=None if dead_letter is None else str(dead_letter),
        max_attempts=int(retry.get("MaximumRetryAttempts", MAX_ATTEMPTS)),
        max_age_s=int(retry.get("MaximumEventAgeInSeconds", MAX_AGE_S)),
    )


def _check_arn(arn: str) -> None:
    parts = arn.split(":")
    is_function = len(parts) == 7 and parts[2] == "lambda" and parts[5] == "function"
    if not is_function and not (len(parts) == 6 and parts[2] in ("sqs", "sns")):
        raise InvalidInputError(f"the local cloud carries functions, queues and topics as targets of rules, not {arn}")
