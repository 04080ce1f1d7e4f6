"""Values of properties in words: references by the names that people see, and never a secret."""

from __future__ import annotations

import json
from typing import Any

from klotho.deploy.shown import HIDDEN, safe
from klotho.explain.program import Compiled
from klotho.resources import Asset, BaseUrl, Foreign, Join, Provided, Pseudo, Ref, Zone
from klotho.resources.changes import Path


def spoken(value: Any, program: Compiled, path: Path = ()) -> str:
    """One line, whole: `${UsersDbDatabase.Endpoint.Address}` for what is known only when it is deployed."""
    plain = safe(path, _plain(value, program))
    if plain == HIDDEN:
        return HIDDEN
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str).replace('\\"', '"')


def _plain(value: Any, program: Compiled) -> Any:
    if isinstance(value, Join):
        return "".join(str(_plain(piece, program)) for piece in value.pieces)
    if isinstance(value, Ref):
        name = program.ids.get(value.resource, value.resource)
        return f"${{{name}.{value.attribute}}}" if value.attribute else f"${{{name}}}"
    if isinstance(value, BaseUrl):
        return _plain(value.url, program)
    if isinstance(value, Asset):
        return f"${{{value.part} of {program.name_of(value.construct)}}}"
    if isinstance(value, Provided):
        return f"${{{value.step} of {program.name_of(value.construct)}}}"
    if isinstance(value, Foreign):
        return f"${{{value.output} of {value.application}}}"
    if isinstance(value, Pseudo):
        return f"${{{value.name}}}"
    if isinstance(value, Zone):
        return f"${{zone {value.ordinal + 1}}}"
    if isinstance(value, dict):
        return {name: _plain(item, program) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, program) for item in value]
    return value
