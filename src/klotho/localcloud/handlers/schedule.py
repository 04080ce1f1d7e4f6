"""`AWS::Scheduler::Schedule` with a Lambda function or a standard queue as its target.

Input: the resource's properties. Output: a schedule that the schedules plane fires; the identifier is its name.
Refuses what it does not carry by name, and as a `HandlerError`: a flexible time window, one-time schedules (`at(…)`),
expressions AWS does not take, targets other than functions and standard queues, a target without `Input`, and a name
that is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from klotho.application.timetable import parse_expression
from klotho.localcloud.handler import APPLICATION_TAG, Handler, HandlerError, Outcome, Properties, Record, Request
from klotho.localcloud.identity import arn, physical_name
from klotho.localcloud.planes.schedules import Spec

_TARGET = re.compile(r"arn:[^:]+:(lambda:[^:]*:[^:]*:function:.+|sqs:[^:]*:[^:]*:[A-Za-z0-9_-]+)")


class ScheduleHandler(Handler):
    """Creates, changes and removes schedules."""

    type_name: ClassVar[str] = "AWS::Scheduler::Schedule"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "Description",
            "FlexibleTimeWindow.Mode",
            "Name",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "State",
            "Target.Arn",
            "Target.DeadLetterConfig.Arn",
            "Target.Input",
            "Target.RoleArn",
        }
    )

    async def create(self, request: Request) -> Outcome:
        name = str(
            request.properties.get("Name") or physical_name(request.stack_name, request.logical_id, request.token)
        )
        held = self.cloud.world.get(self.type_name, name)
        if held is not None and held.token != request.token:
            raise HandlerError(f"Schedule {name} already exists.", "AlreadyExists")
        outcome = Outcome(name, {"Arn": arn("scheduler", f"schedule/default/{name}", self.cloud.region)})
        self.cloud.schedules.put(_spec(outcome, request.token, request.properties, request.tags))
        return outcome

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        outcome = Outcome(request.identifier, dict(request.attributes))
        # The token of the creation stays: the record keeps it, and a changed time must not count as a new schedule.
        held = self.cloud.world.get(self.type_name, request.identifier)
        token = held.token if held is not None else request.token
        self.cloud.schedules.put(_spec(outcome, token, request.properties, request.tags))
        return outcome

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            self.cloud.schedules.remove(request.identifier)

    async def resume(self, record: Record) -> None:
        outcome = Outcome(record.identifier, dict(record.attributes))
        self.cloud.schedules.put(_spec(outcome, record.token, record.properties, record.tags))

    async def suspend(self, record: Record) -> None:
        self.cloud.schedules.suspend(record.identifier)


def _spec(outcome: Outcome, token: str, properties: Properties, tags: Mapping[str, str]) -> Spec:
    target, window = properties["Target"], properties["FlexibleTimeWindow"]
    if window.get("Mode") != "OFF":
        raise HandlerError("FlexibleTimeWindow with another Mode than OFF is not carried by the local cloud", "Invalid")
    if _TARGET.fullmatch(str(target["Arn"])) is None:
        carried = "functions and standard queues"
        raise HandlerError(f"the local cloud carries {carried} as targets only, not {target['Arn']}", "Invalid")
    if not target.get("Input"):
        raise HandlerError("the local cloud carries targets with Input only", "Invalid")
    expression, timezone = str(properties["ScheduleExpression"]), properties.get("ScheduleExpressionTimezone", "UTC")
    try:
        timetable = parse_expression(expression, str(timezone))
    except ValueError as error:
        raise HandlerError(f"Invalid Schedule Expression {expression}: {error}", "ValidationException") from error
    return Spec(
        identifier=outcome.identifier,
        arn=str(outcome.attributes["Arn"]),
        token=token,
        expression=expression,
        timezone=str(timezone),
        timetable=timetable,
        enabled=properties.get("State", "ENABLED") == "ENABLED",
        target=str(target["Arn"]),
        role=str(target["RoleArn"]),
        dead_letter=(target.get("DeadLetterConfig") or {}).get("Arn"),
        event=str(target["Input"]),
        application=tags.get(APPLICATION_TAG),
    )
