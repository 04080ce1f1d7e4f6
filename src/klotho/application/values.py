"""Outputs inside text: `service.url` in an f-string becomes a token that is resolved at deploy.

A token is `${klotho:<construct id>#<output>}`. Text without one is just text, so `${HOME}` stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from klotho.application.model import ConstructId

_TOKEN = re.compile(r"\$\{klotho:(?P<construct>[^}#]+)#(?P<output>[A-Za-z_][A-Za-z0-9_]*)\}")


class OutputRef(NamedTuple):
    """A value of a construct that is known once it is deployed."""

    construct: ConstructId
    output: str


def token(construct: ConstructId, output: str) -> str:
    """The text that stands for an output inside other text."""
    return f"${{klotho:{construct}#{output}}}"


def parse_text(text: str) -> list[str | OutputRef]:
    """The literal pieces and output references of a text, in order; empty literals are left out."""
    pieces: list[str | OutputRef] = []
    position = 0
    for match in _TOKEN.finditer(text):
        if match.start() > position:
            pieces.append(text[position : match.start()])
        pieces.append(OutputRef(ConstructId(match["construct"]), match["output"]))
        position = match.end()
    if position < len(text):
        pieces.append(text[position:])
    return pieces


def references(value: Any) -> Iterator[OutputRef]:
    """Every output named anywhere inside a JSON value, in order."""
    if isinstance(value, str):
        if "${klotho:" in value:
            yield from (piece for piece in parse_text(value) if isinstance(piece, OutputRef))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
