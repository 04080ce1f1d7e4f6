"""Drift: how the live resources of a stack differ from what its template says.

Input: a stack of the engine. Output: what DetectStackDrift, DescribeStackDriftDetectionStatus and
DescribeStackResourceDrifts answer; a detection is finished when the call that starts it returns. Refuses what AWS
refuses: stacks that are being changed, ids nobody handed out.

As AWS does (CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources with drift
detection"): only properties that the template sets are compared, write-only ones never, and only types whose handler
can read; the others are not checked. Truthful here: a type whose plane can be changed by its own API says what it has
now (`ShowsLive`); what no API of the local cloud can change is as the template says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.facts import is_known, schema
from klotho.localcloud.cloudformation.capabilities import ShowsLive
from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.cloudformation.errors import validation_error
from klotho.localcloud.cloudformation.store import Stack, StackResource, now
from klotho.localcloud.identity import uuid_of

Difference = dict[str, str]
_STATES = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"})


class Drift:
    """Keeps the last result of each stack and resource with them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def detect(self, name: str, logical_ids: list[str]) -> str:
        """Compare now; gives the detection's id."""
        stack = self._engine.stack(name)
        if stack.status not in _STATES:
            raise validation_error(f"Drift detection cannot be performed on stack in state {stack.status}")
        resources = self._engine.store.resources(stack.stack_id)
        unknown = sorted(set(logical_ids) - resources.keys())
        if unknown:
            raise validation_error(f"Resource {unknown[0]} does not exist for stack {stack.name}")
        time, drifted = now(), 0
        with self._engine.store.transaction():
            for resource in resources.values():
                if not logical_ids or resource.logical_id in logical_ids:
                    resource.drift = self._compared(resource, time)
                    self._engine.store.put_resource(resource)
                drifted += (resource.drift or {}).get("status") in ("MODIFIED", "DELETED")
            number = int((stack.drift or {}).get("number", 0)) + 1
            stack.drift = {
                "id": uuid_of(f"drift {stack.stack_id} {number}"),
                "number": number,
                "status": "DRIFTED" if drifted else "IN_SYNC",
                "count": drifted,
                "time": time,
            }
            self._engine.store.put_stack(stack)
        return str(stack.drift["id"])

    def status(self, detection: str) -> dict[str, Any]:
        """The result of the last detection of a stack, by its id."""
        for stack in self._engine.store.stacks():
            if stack.drift is not None and stack.drift["id"] == detection:
                return {
                    "StackId": stack.stack_id,
                    "StackDriftDetectionId": detection,
                    "StackDriftStatus": stack.drift["status"],
                    "DetectionStatus": "DETECTION_COMPLETE",
                    "DriftedStackResourceCount": stack.drift["count"],
                    "Timestamp": stack.drift["time"],
                }
        raise validation_error(f"Drift detection with id {detection} does not exist")

    def resources(self, name: str, statuses: list[str]) -> list[dict[str, Any]]:
        """What was found out about each resource that can be checked and was."""
        stack = self._engine.stack(name)
        found = self._engine.store.resources(stack.stack_id).values()
        return [
            _shown(stack, item, item.drift)
            for item in found
            if item.drift is not None and (not statuses or item.drift["status"] in statuses)
        ]

    def _compared(self, resource: StackResource, time: str) -> dict[str, Any] | None:
        if not _can_be_checked(resource.type_name) or resource.physical_id is None:
            return None
        record = self._engine.cloud.world.get(resource.type_name, resource.physical_id)
        handler = self._engine.handlers.get(resource.type_name)
        actual: Mapping[str, Any] | None = None
        if record is not None:
            actual = handler.live(record) if isinstance(handler, ShowsLive) else record.properties
        if actual is None:
            return {"status": "DELETED", "differences": [], "actual": None, "time": time}
        hidden = {path[0] for path in schema(resource.type_name).write_only if len(path) == 1}
        expected = {name: value for name, value in resource.properties.items() if name not in hidden}
        found = list(differences(expected, actual))
        shown = {name: value for name, value in actual.items() if name in expected}
        return {"status": "MODIFIED" if found else "IN_SYNC", "differences": found, "actual": shown, "time": time}


def _can_be_checked(type_name: str) -> bool:
    """AWS reads the live state with the type's read handler; one without it is not checked."""
    return is_known(type_name) and bool(schema(type_name).permissions("read"))


def differences(expected: Any, actual: Any, at: str = "") -> Iterator[Difference]:
    """Where `actual` differs from what `expected` says; what `expected` does not mention is nobody's business."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name in sorted(expected):
            if name in actual:
                yield from differences(expected[name], actual[name], f"{at}/{name}")
            else:
                yield _difference("REMOVE", f"{at}/{name}", expected[name], None)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _items(expected, actual, at)
    elif _text(expected) != _text(actual):
        yield _difference("NOT_EQUAL", at, expected, actual)


def _items(expected: list[Any], actual: list[Any], at: str) -> Iterator[Difference]:
    """Of two lists whose order means nothing: tags, definitions, indexes."""
    texts, live = list(map(_text, expected)), list(map(_text, actual))
    gone = [index for index, text in enumerate(texts) if text not in live]
    added = [index for index, text in enumerate(live) if text not in texts]
    if len(gone) == len(added):
        for left, right in zip(gone, added, strict=True):
            yield from differences(expected[left], actual[right], f"{at}/{left}")
        return
    yield from (_difference("REMOVE", f"{at}/{index}", expected[index], None) for index in gone)
    yield from (_difference("ADD", f"{at}/{index}", None, actual[index]) for index in added)


def _difference(kind: str, path: str, expected: Any, actual: Any) -> Difference:
    return {
        "PropertyPath": path,
        "ExpectedValue": "null" if expected is None else _text(expected),
        "ActualValue": "null" if actual is None else _text(actual),
        "DifferenceType": kind,
    }


def _text(value: Any) -> str:
    """A template may write numbers and truth values as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else _text(value)


def _shown(stack: Stack, resource: StackResource, drift: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "StackId": stack.stack_id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type_name,
        "StackResourceDriftStatus": drift["status"],
        "Timestamp": drift["time"],
        "ExpectedProperties": json.dumps(resource.properties, sort_keys=True),
    }
    if drift["actual"] is not None:
        shown["ActualProperties"] = json.dumps(drift["actual"], sort_keys=True)
        shown["PropertyDifferences"] = drift["differences"]
    return shown
