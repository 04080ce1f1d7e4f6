"""CloudWatch Logs over the log files of the local cloud.

Input: FilterLogEvents, GetLogEvents, DescribeLogGroups, DescribeLogStreams in JSON 1.1. Output: events with stable
ids and tokens. Refuses every other action by name, and filter patterns beyond plain words and quoted phrases.

Source: Amazon CloudWatch Logs API Reference; "Filter pattern syntax" of its user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud import identity, wire
from klotho.localcloud.logs import LogEvent, Logs
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.world import World

MAX_EVENTS = 10_000
"""FilterLogEvents and GetLogEvents return at most this many events a call, and by default."""
MAX_DESCRIBED = 50
_TERM = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PLAIN = re.compile(r"[\w./:@#&=+*,;!'~|<>\\-]+")

Parameters = Mapping[str, Any]


class LogsService:
    """The reading half of CloudWatch Logs."""

    name = "logs"

    def __init__(self, logs: Logs, world: World, region: str, account: str) -> None:
        self._logs = logs
        self._world = world
        self._region = region
        self._account = account
        self._actions: Mapping[str, Callable[[Parameters], dict[str, Any]]] = {
            "FilterLogEvents": self._filter,
            "GetLogEvents": self._get,
            "DescribeLogGroups": self._describe_groups,
            "DescribeLogStreams": self._describe_streams,
        }

    async def call(self, call: ApiCall) -> ApiResponse:
        action = self._actions.get(call.action)
        if action is None:
            raise wire.not_carried("logs", call.action or f"{call.method} {call.path}")
        return wire.json_response(action(wire.parameters(call.body)))

    def _filter(self, asked: Parameters) -> dict[str, Any]:
        group = self._group(asked)
        matches = _matcher(_text(asked, "filterPattern", ""))
        streams = asked.get("logStreamNames") or []
        if not isinstance(streams, list):
            raise ApiError("InvalidParameterException", "logStreamNames must be a list")
        prefix = _text(asked, "logStreamNamePrefix", "")
        start, end = _number(asked, "startTime", 0), _number(asked, "endTime", None)
        limit = min(_number(asked, "limit", MAX_EVENTS) or MAX_EVENTS, MAX_EVENTS)
        found: list[LogEvent] = []
        more = False
        for event in self._logs.events(group, _token(asked)):
            if event.timestamp_ms < (start or 0) or (end is not None and event.timestamp_ms > end):
                continue
            if (streams and event.stream not in streams) or not event.stream.startswith(prefix):
                continue
            if not matches(event.message):
                continue
            if len(found) >= limit:
                more = True
                break
            found.append(event)
        answer: dict[str, Any] = {"events": [_filtered(event) for event in found], "searchedLogStreams": []}
        if more:
            answer["nextToken"] = str(found[-1].id)
        return answer

    def _get(self, asked: Parameters) -> dict[str, Any]:
        group, stream = self._group(asked), _text(asked, "logStreamName", "")
        if not stream:
            raise ApiError("InvalidParameterException", "logStreamName is required")
        start, end = _number(asked, "startTime", 0) or 0, _number(asked, "endTime", None)
        limit = min(_number(asked, "limit", MAX_EVENTS) or MAX_EVENTS, MAX_EVENTS)
        token = _text(asked, "nextToken", "")
        after = int(token[2:]) if re.fullmatch(r"[fb]/\d{1,18}", token) else None
        events = [
            event
            for event in self._logs.events(group, after if token.startswith("f/") else None)
            if event.stream == stream
            and event.timestamp_ms >= start
            and (end is None or event.timestamp_ms < end)
            and (not token.startswith("b/") or after is None or event.id < after)
        ]
        if not events and not token and stream not in self._streams(group):
            raise ApiError("ResourceNotFoundException", "The specified log stream does not exist.")
        from_head = bool(asked.get("startFromHead", False)) or token.startswith("f/")
        events = events[:limit] if from_head else events[-limit:]
        return {
            "events": [
                {"timestamp": e.timestamp_ms, "message": e.message, "ingestionTime": e.timestamp_ms} for e in events
            ],
            "nextForwardToken": f"f/{events[-1].id}" if events else token or "f/0",
            "nextBackwardToken": f"b/{events[0].id}" if events else token or "b/0",
        }

    def _describe_groups(self, asked: Parameters) -> dict[str, Any]:
        prefix, pattern = _text(asked, "logGroupNamePrefix", ""), _text(asked, "logGroupNamePattern", "")
        names = [name for name in self._names() if name.startswith(prefix) and pattern.lower() in name.lower()]
        page, token = _paged(names, asked)
        return {"logGroups": [self._group_document(name) for name in page], **token}

    def _group_document(self, name: str) -> dict[str, Any]:
        arn = identity.arn("logs", f"log-group:{name}", self._region, self._account)
        record = self._world.get("AWS::Logs::LogGroup", name)
        days = record.properties.get("RetentionInDays") if record else None
        document = {"logGroupName": name, "arn": f"{arn}:*", "logGroupArn": arn, "storedBytes": self._logs.size(name)}
        return document | ({"retentionInDays": int(days)} if days is not None else {})

    def _describe_streams(self, asked: Parameters) -> dict[str, Any]:
        group = self._group(asked)
        streams = self._streams(group)
        names = [name for name in streams if name.startswith(_text(asked, "logStreamNamePrefix", ""))]
        if asked.get("orderBy") == "LastEventTime":
            names.sort(key=lambda name: streams[name][1])
        if asked.get("descending"):
            names.reverse()
        page, token = _paged(names, asked)
        documents = [
            {"logStreamName": name, "firstEventTimestamp": streams[name][0], "lastEventTimestamp": streams[name][1]}
            for name in page
        ]
        return {"logStreams": documents, **token}

    def _streams(self, group: str) -> dict[str, tuple[int, int]]:
        """First and last event time of each stream, by name in order."""
        times: dict[str, tuple[int, int]] = {}
        for event in self._logs.events(group):
            first, last = times.get(event.stream, (event.timestamp_ms, event.timestamp_ms))
            times[event.stream] = (min(first, event.timestamp_ms), max(last, event.timestamp_ms))
        return dict(sorted(times.items()))

    def _names(self) -> list[str]:
        declared = {record.identifier for record in self._world.list("AWS::Logs::LogGroup")}
        return sorted(declared | set(self._logs.groups()))

    def _group(self, asked: Parameters) -> str:
        name = _text(asked, "logGroupName", "")
        if not name:
            identifier = _text(asked, "logGroupIdentifier", "")
            name = (
                identifier.partition(":log-group:")[2].removesuffix(":*")
                if identifier.startswith("arn:")
                else identifier
            )
        if not name:
            raise ApiError("InvalidParameterException", "logGroupName is required")
        if name not in self._names():
            raise ApiError("ResourceNotFoundException", f"The specified log group does not exist: {name}")
        return name


def _filtered(event: LogEvent) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.timestamp_ms,
        "eventId": str(event.id),
    }


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Every word and quoted phrase of the pattern must occur in the message, case-sensitively, as on AWS."""
    terms: list[str] = []
    for quoted, bare in _TERM.findall(pattern):
        if bare and (not _PLAIN.fullmatch(bare) or bare[0] in "-?%"):
            raise ApiError(
                "InvalidParameterException",
                f"klotho's local cloud carries filter patterns of plain words and quoted phrases, not {bare}",
            )
        terms.append(bare or re.sub(r"\\(.)", r"\1", quoted))
    return lambda message: all(term in message for term in terms)


def _paged(names: list[str], asked: Parameters) -> tuple[list[str], dict[str, str]]:
    limit = max(1, min(_number(asked, "limit", MAX_DESCRIBED) or MAX_DESCRIBED, MAX_DESCRIBED))
    after = _token(asked) or 0
    rest = names[after : after + limit]
    return rest, {"nextToken": str(after + limit)} if after + limit < len(names) else {}


def _token(asked: Parameters) -> int | None:
    token = asked.get("nextToken")
    if token is None:
        return None
    if not isinstance(token, str) or not re.fullmatch(r"\d{1,18}", token):
        raise ApiError("InvalidParameterException", "The specified nextToken is invalid.")
    return int(token)


def _text(asked: Parameters, name: str, default: str) -> str:
    value = asked.get(name, default)
    if not isinstance(value, str):
        raise ApiError("InvalidParameterException", f"{name} must be text")
    return value


def _number(asked: Parameters, name: str, default: int | None) -> int | None:
    value = asked.get(name, default)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ApiError("InvalidParameterException", f"{name} must be a whole number")
    return value
