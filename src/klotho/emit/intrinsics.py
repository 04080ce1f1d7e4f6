"""Deferred values as CloudFormation's intrinsic functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from klotho.resources import Asset, BaseUrl, Foreign, Join, Provided, Pseudo, Ref, ResourceKey, Zone


class Scope(NamedTuple):
    """How a template names things."""

    local: Callable[[ResourceKey], str | None]
    """The logical id of a resource of this template, None for one of another stack."""
    parameter: Callable[[Ref | Asset | Provided | Foreign], str]
    """The parameter that stands for a value from elsewhere."""


def rendered(value: Any, scope: Scope) -> Any:
    """The value as the template says it; booleans and numbers stay what they are."""
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        return {key: rendered(item, scope) for key, item in value.items()}
    if kind is list:
        return [rendered(item, scope) for item in value]
    if isinstance(value, Ref):
        local = scope.local(value.resource)
        if local is None:
            return {"Ref": scope.parameter(value)}
        return {"Fn::GetAtt": [local, value.attribute]} if value.attribute else {"Ref": local}
    if isinstance(value, Join):
        text = "".join(_piece(piece, scope) for piece in value.pieces)
        bases = {_variable(piece): rendered(piece, scope) for piece in value.pieces if isinstance(piece, BaseUrl)}
        return {"Fn::Sub": [text, bases] if bases else text}
    if isinstance(value, BaseUrl):
        parts = {"Fn::Split": ["/", rendered(value.url, scope)]}
        return {"Fn::Join": ["//", [{"Fn::Select": [0, parts]}, {"Fn::Select": [2, parts]}]]}
    if isinstance(value, Pseudo):
        return {"Ref": value.name}
    if isinstance(value, Zone):
        return {"Fn::Select": [value.ordinal, {"Fn::GetAZs": ""}]}
    if isinstance(value, Asset | Provided | Foreign):
        return {"Ref": scope.parameter(value)}
    return value


def _variable(base: BaseUrl) -> str:
    """What text calls it: letters and digits only."""
    return "Base" + "".join(character for character in base.url.resource.title() if character.isalnum())


def _piece(piece: Any, scope: Scope) -> str:
    """A piece of `Fn::Sub` text."""
    if isinstance(piece, Ref):
        local = scope.local(piece.resource)
        if local is None:
            return f"${{{scope.parameter(piece)}}}"
        return f"${{{local}.{piece.attribute}}}" if piece.attribute else f"${{{local}}}"
    if isinstance(piece, Pseudo):
        return f"${{{piece.name}}}"
    if isinstance(piece, Asset | Provided | Foreign):
        return f"${{{scope.parameter(piece)}}}"
    if isinstance(piece, BaseUrl):
        return f"${{{_variable(piece)}}}"
    # `${` in the user's own text is text, not a variable.
    return str(piece).replace("${", "${!")
