"""Values the user gave, with outputs of other constructs put in."""

from __future__ import annotations

from typing import Any

from klotho.application import OutputRef, parse_text
from klotho.catalogue.rules import Setting
from klotho.resources import Value, join


def given_text(value: Any, setting: Setting) -> Value:
    """An environment variable's value as text; booleans become `true` and `false`.

    An output that does not exist or is a secret becomes empty here: the engine's check reports it at the user's line.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    return join(*(_piece(piece, setting) for piece in parse_text(value)))


def _piece(piece: str | OutputRef, setting: Setting) -> Value:
    if isinstance(piece, str):
        return piece
    implementation = setting.choices.get(piece.construct)
    output = implementation.outputs.get(piece.output) if implementation else None
    if output is None or output.secret:
        return ""
    return output.value(setting.application.construct(piece.construct), setting)
