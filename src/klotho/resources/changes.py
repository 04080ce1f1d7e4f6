"""What rules yield.

An *action* says what should be so; a `Change` is an action with its provenance: which rule said it, because of which
lines, and with which precedence. Rules yield actions, the engine attaches the provenance.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from klotho.diagnostics import Span
from klotho.resources.values import ResourceKey

Path = tuple[str, ...]
"""Property names; inside a list made by `AddItem`, the item's name."""


class Precedence(IntEnum):
    """Who wins when two changes set the same property differently."""

    DEFAULT = 0
    """Best practice for what is still unset."""
    MEANING = 1
    """What a construct or relationship means."""
    REQUIREMENT = 2
    DIRECTIVE = 3
    GUARDRAIL = 4


class AddResource(NamedTuple):
    """The resource exists. Adding the same key and type twice is fine (two rules may need the same subnet)."""

    key: ResourceKey
    type: str
    properties: Mapping[str, Any] = {}
    """Set one by one as `SetProperty` would."""


class SetProperty(NamedTuple):
    """The property has this value. A mapping is merged key by key; a list is a value as a whole."""

    key: ResourceKey
    path: Path
    value: Any


class AddItem(NamedTuple):
    """The list at `path` holds this item, told apart by `name`. Lists made of items are sorted by name when emitted."""

    key: ResourceKey
    path: Path
    name: str
    value: Any


class DependsOn(NamedTuple):
    """The resource is made after another one it does not name in its properties."""

    key: ResourceKey
    on: ResourceKey


class Rejected(NamedTuple):
    """What could have been chosen and was not."""

    implementation: str
    reason: str
    monthly: int | None = None
    """Millionths of a US dollar; None where nobody knows."""
    because: tuple[Span, ...] = ()
    """The user's lines that rule it out."""


class Choose(NamedTuple):
    """The construct becomes this implementation; the key is the construct's with the role `implementation`."""

    key: ResourceKey
    implementation: str
    rejected: tuple[Rejected, ...] = ()
    monthly: int | None = None
    """What it costs by itself in millionths of a US dollar, as far as that was weighed."""


class Adopt(NamedTuple):
    """The resource is there already and is none of ours: it is referred to, and never made or changed.

    Of a construct of another application (`owner`) everything else is that application's, too.
    """

    key: ResourceKey
    type: str
    identifier: Any
    """What `Ref` of it gives."""
    attributes: Mapping[str, Any] = {}
    """What `Fn::GetAtt` of it gives, as far as its id tells."""
    owner: str | None = None
    """The application of the project that makes it."""


Action = AddResource | SetProperty | AddItem | DependsOn | Choose | Adopt


class Provenance(NamedTuple):
    """Why a change was made."""

    rule: str
    """The rule's function name, found in the catalogue or the engine's passes."""
    spans: tuple[Span, ...] = ()
    """The user's lines it derives from, the most specific first."""
    because: str = ""
    """One clause a person understands: `Compute.Container "orders" reads_from Databases.Postgres "orders_db"`."""
    precedence: Precedence = Precedence.MEANING


class Change(NamedTuple):
    action: Action
    provenance: Provenance
