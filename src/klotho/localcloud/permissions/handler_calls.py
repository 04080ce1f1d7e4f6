"""What an operation on a resource calls with the rights of whoever deploys.

Input: create, read, update or delete, and a handler's `Request`. Output: `Need`s, in the order of the calls, all of
which must be granted. `handlers.toml` says it, a type an entry; a type without one is KeyError.

An update does not know the stack's tags before it, so only a change of the resource's own tags calls anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from klotho.catalogue.facts import CUSTOM_RESOURCE, is_custom, schema
from klotho.localcloud.handler import Request
from klotho.localcloud.identity import physical_name
from klotho.localcloud.permissions.evaluate import Need

Operation = Literal["create", "read", "update", "delete"]
_PLACE = re.compile(r"\{([\w.]+)\}")
_ANY = "*"


def entries() -> Mapping[str, Mapping[str, Any]]:
    """The table, by type name."""
    return _table()


def handler_calls(operation: Operation, request: Request, region: str, account: str) -> list[Need]:
    """Every permission the operation needs."""
    type_name = CUSTOM_RESOURCE if is_custom(request.type_name) else request.type_name
    entry = _table()[type_name]
    call = _Call(entry, operation, request, {"region": region, "account": account})
    if operation == "read":
        return [need for line in entry.get("read", ()) for need in call.needs(line)]
    lines = [*entry.get(operation, ()), *call.tag_lines()]
    if operation != "delete":
        lines += entry.get("read", ())
    return [need for line in lines for need in call.needs(line)]


class _Call:
    """One operation, read against its type's entry."""

    def __init__(self, entry: Mapping[str, Any], operation: Operation, request: Request, here: dict[str, str]) -> None:
        self._entry = entry
        self._operation = operation
        self._request = request
        self._here = here

    def needs(self, line: str) -> Iterator[Need]:
        """The needs of one line of the table; none when its condition does not hold."""
        action, *rest = line.split()
        parts = {item[0]: item[1:] for item in rest}
        if "?" in parts and not self._concerns(parts["?"]):
            return
        facts = {"iam:passedtoservice": parts["="]} if "=" in parts else {}
        for resource in self._filled(parts["@"]) if "@" in parts else self._own():
            yield Need(action, resource, facts)

    def tag_lines(self) -> list[str]:
        """The calls that set or remove tags."""
        request, prop = self._request, schema(self._request.type_name).tag_property
        lines = list(self._entry.get("tag", ()))
        if self._operation == "create":
            return lines if request.tags or (prop and request.properties.get(prop)) else []
        if self._operation == "delete" or prop is None:
            return []
        before, after = _tags(request.previous.get(prop)), _tags(request.properties.get(prop))
        gone = list(self._entry.get("untag", ())) if before.keys() - after.keys() else []
        return gone + (lines if after.items() - before.items() else [])

    def _concerns(self, condition: str) -> bool:
        """Whether one of the properties (with `!`: one of the others) is set, in an update: differs."""
        request = self._request
        names = set(condition.removeprefix("!").split("|"))
        if condition.startswith("!"):
            return any(self._touched(name) for name in {*request.properties, *request.previous} - names)
        return any(self._touched(name) for name in names)

    def _touched(self, path: str) -> bool:
        value = _at(self._request.properties, path)
        if self._operation == "update":
            return bool(value != _at(self._request.previous, path))
        return value not in (None, False, [], {})

    def _own(self) -> list[str]:
        """The ARN of the resource itself."""
        pattern = str(self._entry["arn"])
        known = self._request.attributes.get("Arn", self._request.identifier) or ""
        if ("{name}" in pattern or "{id}" in pattern) and str(known).startswith("arn:"):
            return [str(known)]
        return self._filled(pattern)

    def _filled(self, pattern: str) -> list[str]:
        """The pattern with its places filled: once for each item of a list."""
        found = _PLACE.search(pattern)
        if found is None:
            return [pattern]
        alone = pattern == found.group(0)
        return [
            filled
            for value in self._values(found.group(1))
            for filled in self._filled(
                pattern[: found.start()] + (value if alone else _last(value)) + pattern[found.end() :]
            )
        ]

    def _values(self, place: str) -> list[str]:
        request = self._request
        if place in self._here:
            return [self._here[place]]
        if place == "id":
            return [request.identifier or _ANY]
        if place == "name":
            return [self._name()]
        found = (_at(request.properties, place), _at(request.previous, place), request.attributes.get(place))
        value = next((item for item in found if item is not None), None)
        return [str(item) for item in (value if isinstance(value, list) else [value or _ANY])]

    def _name(self) -> str:
        request = self._request
        given = request.properties.get(self._entry["name"]) or request.identifier
        if given:
            return str(given)
        limit, lower = int(self._entry["limit"]), bool(self._entry.get("lower", False))
        return physical_name(request.stack_name, request.logical_id, request.token, limit, lower)


def _at(properties: Any, path: str) -> Any:
    """The value at a path of property names; None where there is none."""
    for part in path.split("."):
        properties = properties.get(part) if isinstance(properties, Mapping) else None
    return properties


def _last(value: str) -> str:
    """What an ARN, a URL or a name with a path ends with: all that another ARN holds of it."""
    return re.split(r"[/:]", value)[-1] if value.startswith(("arn:", "http")) else value.strip("/")


def _tags(value: Any) -> dict[str, str]:
    """By key, from a list of keys and values or a map."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    items = value if isinstance(value, list) else []
    return {str(item.get("Key")): str(item.get("Value")) for item in items if isinstance(item, Mapping)}


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "handlers.toml").read_text(encoding="utf-8"))
