"""What the contract test needs to know of a type: properties to create it with, and a second value for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

Properties = dict[str, Any]
Planes = Callable[[Cloud, Path], AbstractAsyncContextManager[None]]
REMOVED = object()
"""As a second value: the property is taken away."""


@dataclass(frozen=True)
class Sample:
    """One resource type."""

    type_name: str
    base: Properties
    changes: Mapping[str, Any]
    """A second value per property; one with a dot (`DnsOptions.X`) sets a nested one."""
    companions: Mapping[str, Any] = field(default_factory=dict)
    """Other resources of the same stack, by logical id, which the values refer to."""
    together: Mapping[str, Properties] = field(default_factory=dict)
    """What else has to change with a property."""
    replaces: frozenset[str] = frozenset()
    """Properties a change of which replaces the resource though the schema does not say so."""
    refused: Mapping[str, Any] = field(default_factory=dict)
    """Values AWS takes and the handler refuses, by property: the operation fails and is rolled back."""
    slow: bool = False
    """Starts processes: crashes are tried only at the subject's own steps."""
    planes: Planes | None = None
    """Brings up what an active type works with."""
    read: Callable[[Cloud, Record], Any] | None = None
    """What the plane says of the resource, compared before and after a restart and a rollback."""

    def properties(self, *changed: str) -> Properties:
        """The base with some properties at their second value."""
        properties = dict(self.base)
        for name in changed:
            for key, value in {name: self.changes[name], **self.together.get(name, {})}.items():
                if value is REMOVED:
                    properties.pop(key, None)
                else:
                    properties[key] = value
        return properties
