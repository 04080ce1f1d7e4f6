"""DynamoDB expressions from plain values: attribute names and values in, expression text and placeholders
out.

Own placeholders begin with `#k` and `:k` and a number, so that reserved words and dots in names never matter. Refuses
operators it does not know, and placeholders of the caller that look like its own.
"""

from __future__ import annotations

import re

from klotho.runtime.attribute_value import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_COMPARISONS = ("=", "<", "<=", ">", ">=")
_OWN = re.compile(r"[#:]k\d+")


class Expression:
    """The placeholders of one call; starts with the caller's own (`values={"bid": 5}` for `:bid`)."""

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, object] | None) -> None:
        self._names = {_marked("#", name): attribute for name, attribute in (names or {}).items()}
        self._values = {_marked(":", name): encode(value, name) for name, value in (values or {}).items()}

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute's name."""
        placeholder = f"#k{len(self._names)}"
        self._names[placeholder] = attribute
        return placeholder

    def value(self, value: object, attribute: str) -> str:
        """The placeholder of a value; the attribute is for messages."""
        placeholder = f":k{len(self._values)}"
        self._values[placeholder] = encode(value, attribute)
        return placeholder

    def fields(self) -> dict[str, Any]:
        """The placeholders as fields of a call; DynamoDB refuses empty ones."""
        found: dict[str, Any] = {}
        if self._names:
            found["ExpressionAttributeNames"] = self._names
        if self._values:
            found["ExpressionAttributeValues"] = self._values
        return found

    def absent(self, item: Mapping[str, object]) -> str:
        """The condition that no item has this item's key.

        Which attributes are the key is not known here, but an item there has the same key attributes: so it
        suffices that none of this item's possible key attributes (str, number, bytes) is there.
        """
        possible = [name for name, value in item.items() if {"S", "N", "B"} & encode(value, name).keys()]
        if not possible:
            raise ValueError("the item has no attribute that can be a key")
        return " AND ".join(f"attribute_not_exists({self.name(name)})" for name in possible)

    def update(self, set_: Mapping[str, object], add: Mapping[str, object], remove: Iterable[str]) -> str:
        """An update expression."""
        parts = []
        if set_:
            parts.append("SET " + ", ".join(f"{self.name(a)} = {self.value(v, a)}" for a, v in set_.items()))
        if add:
            parts.append("ADD " + ", ".join(f"{self.name(a)} {self.value(v, a)}" for a, v in add.items()))
        dropped = [self.name(attribute) for attribute in remove]
        if dropped:
            parts.append("REMOVE " + ", ".join(dropped))
        if not parts:
            raise ValueError("nothing to update: give set=, add= or remove=")
        return " ".join(parts)

    def key_condition(self, key: Mapping[str, object], sort: tuple[object, ...] | None) -> str:
        """A key condition: equality for each attribute of `key`, and the condition on the sort key."""
        parts = [f"{self.name(attribute)} = {self.value(value, attribute)}" for attribute, value in key.items()]
        if sort is not None:
            parts.append(self._sort(sort))
        if not key or len(parts) > 2:
            raise ValueError("a query needs the partition key, and at most one condition on the sort key")
        return " AND ".join(parts)

    def _sort(self, sort: tuple[object, ...]) -> str:
        match sort:
            case (str() as attribute, "begins_with", start):
                return f"begins_with({self.name(attribute)}, {self.value(start, attribute)})"
            case (str() as attribute, "between", low, high):
                name, bottom, top = self.name(attribute), self.value(low, attribute), self.value(high, attribute)
                return f"{name} BETWEEN {bottom} AND {top}"
            case (str() as attribute, str() as operator, bound) if operator in _COMPARISONS:
                return f"{self.name(attribute)} {operator} {self.value(bound, attribute)}"
        raise ValueError(
            f"sort must be (attribute, operator, value) with one of {', '.join(_COMPARISONS)}, begins_with, "
            f'or (attribute, "between", low, high), not {sort!r}'
        )


def _marked(mark: str, name: str) -> str:
    full = name if name.startswith(mark) else mark + name
    if _OWN.fullmatch(full):
        raise ValueError(f"{full} is a placeholder Klotho uses itself: choose another name")
    return full
