"""`AWS::Events::Rule` and `AWS::Events::EventBus`.

Input: the resource's properties. Output: nothing but the record: the events plane reads rules from the World. A rule's
`Ref` is its name, with its bus in front for a bus of one's own. Refuses, as AWS does, a name that is taken, a bus that
does not exist or still has rules, and patterns and targets EventBridge would not take. Refused by name:
ScheduleExpression (use `AWS::Scheduler::Schedule`), targets other than
functions, queues and topics, everything not in `carries`.
"""

from __future__ import annotations

from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Request
from klotho.localcloud.identity import arn, physical_name
from klotho.localcloud.planes.events.errors import InvalidInputError, InvalidPatternError
from klotho.localcloud.planes.events.pattern import Pattern
from klotho.localcloud.planes.events.rules import BUS, DEFAULT_BUS, RULE, bus_name, targets_of


class EventsRule(Handler):
    """Checks rules and names them."""

    type_name: ClassVar[str] = RULE
    given_attributes: ClassVar[frozenset[str]] = frozenset({"Arn", "RuleName"})
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "Description", "EventBusName", "EventPattern", "Name", "State", "Tags",
            "Targets.Arn", "Targets.DeadLetterConfig", "Targets.Id", "Targets.Input", "Targets.InputPath",
            "Targets.InputTransformer", "Targets.RetryPolicy", "Targets.RoleArn", "Targets.SqsParameters",
        }
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        self._check(request.properties)
        name = str(
            request.properties.get("Name") or physical_name(request.stack_name, request.logical_id, request.token)
        )
        bus = bus_name(str(request.properties.get("EventBusName", DEFAULT_BUS)))
        identifier = name if bus == DEFAULT_BUS else f"{bus}|{name}"
        held = self.cloud.world.get(self.type_name, identifier)
        if held is not None and held.token != request.token:
            raise HandlerError(f"{identifier} already exists in stack {held.stack_id}", "AlreadyExists")
        path = name if bus == DEFAULT_BUS else f"{bus}/{name}"
        return Outcome(identifier, {"Arn": arn("events", f"rule/{path}", self.cloud.region), "RuleName": name})

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        self._check(request.properties)
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """The engine removes the record, and with it the rule."""

    def _check(self, properties: Properties) -> None:
        bus = bus_name(str(properties.get("EventBusName", DEFAULT_BUS)))
        if bus != DEFAULT_BUS and self.cloud.world.get(BUS, bus) is None:
            raise HandlerError(f"Event bus {bus} does not exist.", "ResourceNotFoundException")
        if properties.get("State") == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
            raise _invalid("the local cloud has no CloudTrail management events")
        if "EventPattern" not in properties:
            raise _invalid("the local cloud carries rules with EventPattern only")
        try:
            Pattern(properties["EventPattern"])
            targets_of(properties.get("Targets") or ())
        except InvalidPatternError as error:
            reason = f"Event pattern is not valid. Reason: {error}"
            raise HandlerError(reason, "InvalidEventPatternException") from error
        except InvalidInputError as error:
            raise _invalid(str(error)) from error


class EventBus(Handler):
    """A bus of one's own; the identifier is its name."""

    type_name: ClassVar[str] = BUS
    given_attributes: ClassVar[frozenset[str]] = frozenset({"Arn"})
    carries: ClassVar[frozenset[str]] = frozenset({"Description", "Name", "Tags"})

    async def create(self, request: Request) -> Outcome:
        name = str(request.properties["Name"])
        if name == DEFAULT_BUS:
            raise HandlerError(f"Event bus {name} already exists.", "ResourceAlreadyExistsException")
        held = self.cloud.world.get(self.type_name, name)
        if held is not None and held.token != request.token:
            raise HandlerError(f"Event bus {name} already exists.", "ResourceAlreadyExistsException")
        return Outcome(name, {"Arn": arn("events", f"event-bus/{name}", self.cloud.region)})

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        return Outcome(request.identifier, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        rules = [
            record.logical_id
            for record in self.cloud.world.list(RULE)
            if bus_name(str(record.properties.get("EventBusName", DEFAULT_BUS))) == request.identifier
        ]
        if rules:
            reason = f"Event bus {request.identifier} still has rules: {', '.join(rules)}"
            raise _invalid(reason)


def _invalid(reason: str) -> HandlerError:
    return HandlerError(reason, "ValidationException")
