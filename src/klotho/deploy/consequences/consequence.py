"""What a change means for who may do what, and who can reach what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["permission", "network", "public"]
"""`permission`: somebody may do more; `network`: something can be reached from somewhere else inside; `public`:
something can be reached, or read, by everyone."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that is wider after the change than before it."""

    kind: Kind
    text: str
    """A sentence without its final stop, about constructs by name: `work may do more with carts`."""
    stack: str
    logical_id: str
    """The resource that brings it about."""
    construct: str
    """Whose line to look at."""
    details: tuple[str, ...] = ()
    """What exactly: actions, routes."""
    fresh: bool = False
    """What gets wider is itself new, so that nothing that exists gets wider."""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "text": self.text,
            "stack": self.stack,
            "logical_id": self.logical_id,
            "construct": self.construct or None,
            "details": list(self.details),
            "new": self.fresh,
        }
