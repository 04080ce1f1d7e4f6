"""What an application tells the others of its project about a construct: how it is made, and where its values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Export(NamedTuple):
    """A value of a construct's resource, as an output of a stack."""

    role: str
    """Of the resource in its construct."""
    attribute: str | None
    """None for what `Ref` gives."""
    stack_name: str
    """The CloudFormation name."""
    output: str


@dataclass(frozen=True, slots=True)
class Shared:
    """One construct."""

    implementation: str
    exports: tuple[Export, ...] = ()


def shared_to_json(shared: Mapping[str, Shared]) -> dict[str, Any]:
    """By construct id."""
    return {
        construct: {"implementation": item.implementation, "exports": [list(export) for export in item.exports]}
        for construct, item in sorted(shared.items())
    }


def shared_from_json(data: Any) -> dict[str, Shared]:
    """TypeError, KeyError, ValueError or AttributeError for another shape."""
    return {
        _text(construct): Shared(_text(item["implementation"]), tuple(_export(*export) for export in item["exports"]))
        for construct, item in data.items()
    }


def _export(role: Any, attribute: Any, stack_name: Any, output: Any) -> Export:
    return Export(_text(role), None if attribute is None else _text(attribute), _text(stack_name), _text(output))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value
