"""The EventBridge API: events of the application's own, and looking at rules.

Input: JSON 1.1 requests (`AWSEvents.*`). Output: AWS's answers. Carried: PutEvents, ListRules, DescribeRule,
ListTargetsByRule, TestEventPattern, ListEventBuses, DescribeEventBus. Refuses every other operation by name, since
rules and buses are made by CloudFormation stacks here, and parameters it does not know; single entries of PutEvents as
AWS does: required fields missing, a detail that is no JSON object, sources of AWS's own, more than 1 MB in all.

Source: Amazon EventBridge API Reference; User Guide, "Calculating PutEvents event entry size".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud import wire
from klotho.localcloud.handler import Record
from klotho.localcloud.identity import arn
from klotho.localcloud.planes.events.errors import InvalidPatternError
from klotho.localcloud.planes.events.pattern import Pattern
from klotho.localcloud.planes.events.rules import BUS, DEFAULT_BUS, RULE, bus_name
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

Asked = Mapping[str, Any]

MAX_ENTRIES = 10
MAX_BYTES = 1024 * 1024
"""PutEvents: "the total entry size must be less than 1MB"."""
_PAGE = 100
_EVENT_FIELDS = ("id", "detail-type", "source", "account", "time", "region", "resources", "detail")
_ENTRY = frozenset({"Detail", "DetailType", "EventBusName", "Resources", "Source", "Time"})
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "DescribeEventBus": frozenset({"Name"}),
    "DescribeRule": frozenset({"EventBusName", "Name"}),
    "ListEventBuses": frozenset({"Limit", "NamePrefix", "NextToken"}),
    "ListRules": frozenset({"EventBusName", "Limit", "NamePrefix", "NextToken"}),
    "ListTargetsByRule": frozenset({"EventBusName", "Limit", "NextToken", "Rule"}),
    "PutEvents": frozenset({"Entries"}),
    "TestEventPattern": frozenset({"Event", "EventPattern"}),
}


class EventsService:
    """PutEvents, ListRules, DescribeRule, ListTargetsByRule, TestEventPattern, ListEventBuses, DescribeEventBus."""

    name = "events"

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._actions: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
            "DescribeEventBus": self._describe_bus,
            "DescribeRule": self._describe_rule,
            "ListEventBuses": self._list_buses,
            "ListRules": self._list_rules,
            "ListTargetsByRule": self._list_targets,
            "PutEvents": self._put,
            "TestEventPattern": self._test,
        }

    async def call(self, call: ApiCall) -> ApiResponse:
        action = self._actions.get(call.action)
        if action is None:
            raise wire.not_carried("events", call.action or f"{call.method} {call.path}")
        asked = wire.parameters(call.body)
        for name in asked:
            if name not in _PARAMETERS[call.action]:
                raise _invalid(f"klotho's local cloud does not carry {call.action} with {name}")
        return wire.json_response(action(asked))

    def _put(self, asked: Asked) -> dict[str, Any]:
        entries = asked.get("Entries")
        if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ENTRIES:
            raise _invalid(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length "
                f"between 1 and {MAX_ENTRIES}"
            )
        if not all(isinstance(entry, Mapping) for entry in entries):
            raise _invalid("Entries must be a list of structures")
        size = sum(_size(entry) for entry in entries)
        if size >= MAX_BYTES:
            raise _invalid(f"Total size of the entries in the request is over the limit: {size} bytes")
        results = [self._put_entry(entry) for entry in entries]
        return {"FailedEntryCount": sum("ErrorCode" in item for item in results), "Entries": results}

    def _put_entry(self, entry: Asked) -> dict[str, str]:
        try:
            detail = self._checked(entry)
        except ApiError as error:
            return {"ErrorCode": error.code, "ErrorMessage": error.message}
        identifier = self._cloud.events.put(
            str(entry["Source"]),
            str(entry["DetailType"]),
            [str(item) for item in entry.get("Resources") or ()],
            detail,
            bus=bus_name(str(entry.get("EventBusName") or DEFAULT_BUS)),
            at=entry.get("Time"),
        )
        return {"EventId": identifier}

    def _checked(self, entry: Asked) -> dict[str, Any]:
        """The entry's detail, once everything about the entry is as EventBridge wants it."""
        for name in entry:
            if name not in _ENTRY:
                raise ApiError("InvalidArgument", f"klotho's local cloud does not carry {name} of an entry.")
        for name in ("Source", "DetailType", "Detail"):
            if not isinstance(entry.get(name), str) or not entry[name]:
                raise ApiError(
                    "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
                )
        if "Time" in entry and not _is_time(entry["Time"]):
            raise ApiError("InvalidArgument", "Parameter Time is not valid. Reason: it is no timestamp.")
        if not isinstance(entry.get("Resources") or [], list):
            raise ApiError("InvalidArgument", "Parameter Resources is not valid. Reason: it is no list.")
        if str(entry["Source"]).lower().startswith("aws."):
            raise ApiError("NotAuthorizedForSourceException", "Not authorized for the source.")
        self._bus(str(entry.get("EventBusName") or DEFAULT_BUS))
        try:
            detail = orjson.loads(entry["Detail"])
        except orjson.JSONDecodeError:
            detail = None
        if not isinstance(detail, dict):
            raise ApiError("MalformedDetail", "Detail is malformed.")
        return detail

    def _test(self, asked: Asked) -> dict[str, Any]:
        try:
            pattern = Pattern(_text(asked, "EventPattern"))
        except InvalidPatternError as error:
            reason = f"Event pattern is not valid. Reason: {error}"
            raise ApiError("InvalidEventPatternException", reason) from None
        try:
            event = orjson.loads(_text(asked, "Event"))
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            raise _invalid("Parameter Event is not valid.")
        missing = [name for name in _EVENT_FIELDS if name not in event and name not in ("resources", "detail")]
        if missing:
            raise _invalid(f"Parameter Event is not valid. Reason: {missing[0]} is a required argument.")
        return {"Result": pattern.matches(event)}

    def _list_rules(self, asked: Asked) -> dict[str, Any]:
        bus = self._bus(_text(asked, "EventBusName") or DEFAULT_BUS)
        prefix = _text(asked, "NamePrefix")
        rules = [self._rule(item) for item in self._cloud.world.list(RULE) if _bus_of(item) == bus]
        rules = [rule for rule in rules if rule["Name"].startswith(prefix)]
        return _page("Rules", rules, asked)

    def _describe_rule(self, asked: Asked) -> dict[str, Any]:
        return self._rule(self._find(asked, "Name"))

    def _list_targets(self, asked: Asked) -> dict[str, Any]:
        targets = self._find(asked, "Rule").properties.get("Targets") or []
        return _page("Targets", targets, asked)

    def _list_buses(self, asked: Asked) -> dict[str, Any]:
        prefix = _text(asked, "NamePrefix")
        names = sorted([DEFAULT_BUS, *(record.identifier for record in self._cloud.world.list(BUS))])
        return _page("EventBuses", [self._described_bus(name) for name in names if name.startswith(prefix)], asked)

    def _describe_bus(self, asked: Asked) -> dict[str, Any]:
        return self._described_bus(self._bus(_text(asked, "Name") or DEFAULT_BUS))

    def _described_bus(self, name: str) -> dict[str, Any]:
        record = self._cloud.world.get(BUS, name)
        described = {"Name": name, "Arn": arn("events", f"event-bus/{name}", self._cloud.region)}
        if record is not None and "Description" in record.properties:
            described["Description"] = str(record.properties["Description"])
        return described

    def _rule(self, record: Record) -> dict[str, Any]:
        pattern = record.properties["EventPattern"]
        rule = {
            "Name": record.attributes["RuleName"],
            "Arn": record.attributes["Arn"],
            "EventPattern": pattern if isinstance(pattern, str) else orjson.dumps(pattern).decode(),
            "State": record.properties.get("State", "ENABLED"),
            "EventBusName": _bus_of(record),
        }
        if "Description" in record.properties:
            rule["Description"] = record.properties["Description"]
        return rule

    def _bus(self, name_or_arn: str) -> str:
        """The name of a bus that exists."""
        name = bus_name(name_or_arn)
        if name != DEFAULT_BUS and self._cloud.world.get(BUS, name) is None:
            raise ApiError("ResourceNotFoundException", f"Event bus {name} does not exist.")
        return name

    def _find(self, asked: Asked, parameter: str) -> Record:
        bus, name = self._bus(_text(asked, "EventBusName") or DEFAULT_BUS), _text(asked, parameter)
        record = self._cloud.world.get(RULE, name if bus == DEFAULT_BUS else f"{bus}|{name}")
        if record is None:
            raise ApiError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")
        return record


def _bus_of(record: Record) -> str:
    return bus_name(str(record.properties.get("EventBusName", DEFAULT_BUS)))


def _page(name: str, items: Sequence[Any], asked: Asked) -> dict[str, Any]:
    limit, token = asked.get("Limit", _PAGE), _text(asked, "NextToken") or "0"
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _PAGE:
        raise _invalid(f"Limit must be between 1 and {_PAGE}")
    if not token.isdigit() or len(token) > 9:
        raise _invalid("Parameter NextToken is not valid.")
    start = int(token)
    answer: dict[str, Any] = {name: list(items[start : start + limit])}
    return answer | ({"NextToken": str(start + limit)} if start + limit < len(items) else {})


def _size(entry: Asked) -> int:
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or ())]
    return sum(len(str(text).encode("utf-8", "replace")) for text in texts if text) + (14 if entry.get("Time") else 0)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 253402300800  # year 9999


def _text(asked: Asked, name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise _invalid(f"{name} must be text")
    return value


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)
