"""Property values: plain JSON, or something known only at deploy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NewType

ResourceKey = NewType("ResourceKey", str)
"""`<construct id>:<role>`, or `shared:<role>` for what belongs to no construct."""


class Ref(NamedTuple):
    """Another resource's identifier, or one of the attributes `Fn::GetAtt` may name."""

    resource: ResourceKey
    attribute: str | None = None


class Pseudo(NamedTuple):
    """A fact of the place deployed to."""

    name: Literal["AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName", "AWS::URLSuffix"]


class Zone(NamedTuple):
    """The n-th availability zone of the region (`Fn::GetAZs`): which ones exist differs by account."""

    ordinal: int


class Asset(NamedTuple):
    """What the deployer's asset step produces for a construct: a template parameter."""

    construct: str
    part: Literal["image", "bucket", "key", "layer", "architecture"]
    """`image`: the pinned URI of a container image; `bucket` and `key`: where a function's zip lies; `layer`:
    the key of its packages' zip; `architecture`: the processor that what is in the zip was made for."""


class Provided(NamedTuple):
    """What a deployer step finds out or makes for a construct, because CloudFormation can't: a template parameter."""

    construct: str
    step: str
    """`certificate`, `zone`: the name of the `DeployerStep`."""
    part: str
    """Which of the step's values: `arn`, `id`."""


class Foreign(NamedTuple):
    """A value of a resource in another application of the project: an output of one of its stacks."""

    application: str
    """Whose it is."""
    stack_name: str
    """The CloudFormation name of its stack."""
    output: str


class BaseUrl(NamedTuple):
    """A URL without its path: `https://api.example` for what AWS gives as `https://api.example/`."""

    url: Ref


class Join(NamedTuple):
    """Text made of pieces, some known only at deploy."""

    pieces: tuple[Any, ...]


Value = Any
"""JSON values in which Ref, Pseudo, Asset, Provided, Foreign and Join may stand anywhere."""

_DEFERRED = frozenset({Ref, Pseudo, Zone, Asset, Provided, Foreign, BaseUrl, Join})


def is_deferred(value: object) -> bool:
    """Whether the value is known only at deploy."""
    return type(value) in _DEFERRED  # it is asked of every value, and nothing derives from these


def join(*pieces: Any) -> Any:
    """The pieces as one text: plain when all are plain, a single deferred piece as itself, else a Join."""
    flat: list[Any] = []
    for piece in pieces:
        for part in piece.pieces if isinstance(piece, Join) else (piece,):
            if isinstance(part, str) and flat and isinstance(flat[-1], str):
                flat[-1] += part
            elif part != "":
                flat.append(part)
    if not flat:
        return ""
    return flat[0] if len(flat) == 1 else Join(tuple(flat))


def json_text(value: Mapping[str, Any]) -> Any:
    """The mapping as JSON text, keys sorted, with deferred values spliced in as JSON strings.

    Deferred values are identifiers, ARNs, host names and ports: AWS allows no character in them that JSON escapes.
    """
    pieces: list[Any] = []
    _json_pieces(value, pieces)
    return join(*pieces)


def _json_pieces(value: Any, pieces: list[Any]) -> None:
    if is_deferred(value):
        pieces += ['"', value, '"']
    elif isinstance(value, Mapping):
        pieces.append("{")
        for index, key in enumerate(sorted(value)):
            pieces.append(f"{',' if index else ''}{json.dumps(key)}:")
            _json_pieces(value[key], pieces)
        pieces.append("}")
    elif isinstance(value, list | tuple):
        pieces.append("[")
        for index, item in enumerate(value):
            if index:
                pieces.append(",")
            _json_pieces(item, pieces)
        pieces.append("]")
    else:
        pieces.append(json.dumps(value))


def replaced(value: Any, instead: Callable[[Ref], Any]) -> Any:
    """The value with every `Ref` for which `instead` gives something other than the `Ref` itself replaced by it."""
    kind = type(value)
    if kind is Ref:
        return instead(value)
    if kind is dict:
        return {name: replaced(item, instead) for name, item in value.items()}
    if kind is list:
        return [replaced(item, instead) for item in value]
    if kind is Join:
        return join(*(replaced(piece, instead) for piece in value.pieces))
    if kind is BaseUrl:
        other = instead(value.url)
        return BaseUrl(other) if isinstance(other, Ref) else str(other).rstrip("/")
    return value


Reference = Ref | Asset | Provided | Foreign
"""What stands for a value that something else gives at deploy."""


def references_in(value: Any) -> list[Reference]:
    """Every resource, asset, provided and foreign value named anywhere inside a value, in the value's order."""
    found: list[Reference] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[Reference]) -> None:
    # By exact type, because this walks every value of every resource and most of them are text.
    kind = type(value)
    if kind is Ref or kind is Asset or kind is Provided or kind is Foreign:
        found.append(value)
    elif kind is BaseUrl:
        found.append(value.url)
    elif kind is dict:
        for item in value.values():
            if type(item) is not str:
                _collect(item, found)
    elif kind is list:
        for item in value:
            if type(item) is not str:
                _collect(item, found)
    elif kind is Join:
        for piece in value.pieces:
            if type(piece) is not str:
                _collect(piece, found)
