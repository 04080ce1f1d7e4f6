"""All templates of an application on one side of a change, with references across stacks followed.

Input: templates by stack. Output: their resources, and values in which every reference is a text: `${Table.Arn}`,
whether the table is in the same stack or comes in by a parameter. Two sides can so be compared although stacks were
cut differently. Refuses nothing.

A parameter carries the value of the upstream's output of the same name (the emitter's convention), so outputs are
found by name; a parameter without one (an asset, a deployer's step) stays `${Name}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.deploy.comparison import Side
from klotho.deploy.template import construct_of
from klotho.resources import is_common
from klotho.stacks import DIGEST

_WHOLE = {
    "Api", "Bucket", "DBCluster", "DBInstance", "Distribution", "Function", "Queue", "ReplicationGroup", "RestApi",
    "SecurityGroup", "ServerlessCache", "Service", "Table", "Topic", "UserPool",
}  # fmt: skip
"""What a construct is mostly: where people say its name, they mean this."""

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}")
Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One resource with its values as texts."""

    stack: str
    logical_id: str
    type: str
    construct: str
    properties: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What people call it: its construct's name."""
        if is_common(self.construct):
            return f"the shared {self.logical_id}"
        return self.construct.rpartition("/")[2] or self.logical_id

    @property
    def kind(self) -> str:
        return self.type.rpartition("::")[2]


class Landscape:
    """One side."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = templates
        self._outputs: dict[str, tuple[str, Any]] = {
            name: (stack, output.get("Value"))
            for stack, template in templates.items()
            for name, output in template.get("Outputs", {}).items()
            if name != DIGEST
        }
        self._sides: dict[str, Side] = {}
        self.items: dict[str, Item] = {
            name: Item(
                stack, name, str(resource.get("Type", "")), construct_of(resource), self._properties(stack, resource)
            )
            for stack, template in templates.items()
            for name, resource in template.get("Resources", {}).items()
        }

    def of(self, *types: str) -> Iterator[Item]:
        return (item for item in self.items.values() if item.type in types)

    def referred(self, text: Any) -> Item | None:
        """The resource a text is about, when it names one."""
        found = _REFERENCE.search(str(text))
        return self.items.get(found[1]) if found else None

    def spoken(self, text: str, owner: str = "") -> str:
        """A text for people: resources by the names of their constructs, those of `owner` itself by their type."""

        def put(match: re.Match[str]) -> str:
            item = self.items.get(match[1])
            if item is None:
                return match[0]
            if item.construct == owner:
                return f"its {item.kind}"
            return item.name if item.kind in _WHOLE or is_common(item.construct) else f"the {item.kind} of {item.name}"

        return "everything" if text == "*" else _REFERENCE.sub(put, text)

    def _properties(self, stack: str, resource: Template) -> Mapping[str, Any]:
        filled = self._side(stack).filled(resource.get("Properties", {}))
        assert isinstance(filled, dict)
        return filled

    def _side(self, stack: str) -> Side:
        if stack not in self._sides:
            self._sides[stack] = Side({}, {})  # should two stacks ever name each other
            given = self._templates[stack].get("Parameters", {})
            self._sides[stack] = Side({name: self._output(name) for name in given if name in self._outputs}, {})
        return self._sides[stack]

    def _output(self, name: str) -> str:
        stack, value = self._outputs[name]
        return str(self._side(stack).filled(value))
