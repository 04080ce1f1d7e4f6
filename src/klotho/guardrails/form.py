"""What a bundle may hold: a small typed form, checked by one reader and told by one JSON schema.

Input: tables of keys (`vocabulary`), data that tomllib read. Output: the same data with every shape made certain, or
mistakes by the path of what is wrong. Refuses unknown keys (with the nearest), wrong shapes and words outside a closed
list. Nothing in a bundle is ever evaluated.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.diagnostics import did_you_mean, one_of

Path = tuple[str | int, ...]
"""Keys, and indices of arrays of tables."""
Note = Callable[[Path, str, "str | None"], None]
"""Takes a mistake: where, what, and what to do."""

_DEEPEST = 8
"""Of values such as `equals`; deeper ones are no property of any resource."""
_LONGEST = 4000
"""Characters of one text."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text; `choices` closes the list of words."""

    choices: tuple[str, ...] = ()
    pattern: str = ""
    said: str = ""
    """What `pattern` wants, for people."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A text or a list of them; never empty."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    pass


@dataclass(frozen=True, slots=True)
class Number:
    """Zero or more."""

    whole: bool = True


@dataclass(frozen=True, slots=True)
class Day:
    """A date, as TOML writes one: `2027-03-31`."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Any value that JSON has."""

    several: bool = False
    """Only a list of plain values that are neither lists nor tables."""


@dataclass(frozen=True, slots=True)
class Named:
    """Values by the path of a property."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of known keys. `one_of`: exactly one of these must be there. `some_of`: at least one."""

    keys: tuple[Key, ...]
    one_of: tuple[str, ...] = ()
    some_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tables:
    """A list of tables of one form."""

    table: Table


Shape = Text | Texts | Flag | Number | Day | Plain | Named | Table | Tables


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table, with what it means."""

    name: str
    shape: Shape
    about: str
    required: bool = False


class _Wrong(Exception):
    """A mistake that was noted already."""


def read(table: Table, data: object, note: Note, path: Path = ()) -> dict[str, Any] | None:
    """The table's values, those not given left out; None when something is wrong, which `note` was told of."""
    if not isinstance(data, dict):
        note(path, "must be a table of keys", None)
        return None
    known = {key.name: key for key in table.keys}
    right = True
    for name in data:
        if name not in known:
            note((*path, name), "is no key there", did_you_mean(name, known) or f"there is {one_of(list(known))}")
            right = False
    found: dict[str, Any] = {}
    for key in table.keys:
        if key.name in data:
            try:
                found[key.name] = _value(key.shape, data[key.name], (*path, key.name), note)
            except _Wrong:
                right = False
        elif key.required:
            note(path, f"lacks `{key.name}`: {key.about}", None)
            right = False
    return found if _combined(table, data, path, note) and right else None


def _combined(table: Table, data: Mapping[str, object], path: Path, note: Note) -> bool:
    given = [name for name in table.one_of if name in data]
    if table.one_of and len(given) != 1:
        held = f"has {one_of(given)} together" if given else "has none of them"
        note(path, f"must have exactly one of {one_of(table.one_of)}, and {held}", None)
        return False
    if table.some_of and not any(name in data for name in table.some_of):
        note(path, f"must have at least one of {one_of(table.some_of)}", None)
        return False
    return True


def _value(shape: Shape, value: object, path: Path, note: Note) -> Any:
    if isinstance(shape, Table):
        found = read(shape, value, note, path)
        if found is None:
            raise _Wrong
        return found
    if isinstance(shape, Tables):
        return _tables(shape, value, path, note)
    if isinstance(shape, Texts):
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, list) or not several:
            raise _wrong(note, path, "must be a text, or a list of texts")
        return tuple(_text(Text(shape.choices), item, path, note) for item in several)
    if isinstance(shape, Text):
        return _text(shape, value, path, note)
    return _plain_value(shape, value, path, note)


def _tables(shape: Tables, value: object, path: Path, note: Note) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list):
        raise _wrong(note, path, "must be a list of tables")
    found = [read(shape.table, item, note, (*path, index)) for index, item in enumerate(value)]
    if any(item is None for item in found):
        raise _Wrong
    return tuple(item for item in found if item is not None)


def _text(shape: Text, value: object, path: Path, note: Note) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise _wrong(note, path, f"must be a text that is not empty, of at most {_LONGEST} characters")
    if any(char != "\n" and not char.isprintable() for char in value):
        raise _wrong(note, path, "has characters that can't be printed: it is shown in terminals")
    if shape.choices and value not in shape.choices:
        nearest = did_you_mean(value, shape.choices) or f"there is {one_of(shape.choices)}"
        raise _wrong(note, path, f"is `{value}`, which is not one of its words", nearest)
    if shape.pattern and not re.fullmatch(shape.pattern, value):
        raise _wrong(note, path, f"must be {shape.said}")
    return value


def _plain_value(shape: Shape, value: object, path: Path, note: Note) -> Any:
    if isinstance(shape, Flag) and not isinstance(value, bool):
        raise _wrong(note, path, "must be `true` or `false`")
    if isinstance(shape, Number) and not _is_number(value, shape.whole):
        raise _wrong(note, path, f"must be {'a whole number' if shape.whole else 'a number'}, zero or more")
    if isinstance(shape, Day) and (not isinstance(value, datetime.date) or isinstance(value, datetime.datetime)):
        raise _wrong(note, path, "must be a date without quotes, such as `2027-03-31`")
    if isinstance(shape, Plain):
        if shape.several and (not isinstance(value, list) or not value or any(_holds(item) for item in value)):
            raise _wrong(note, path, "must be a list of plain values")
        if not _is_json(value):
            raise _wrong(note, path, "must be a value that JSON has: no dates, no `nan`, nothing deeply nested")
    if isinstance(shape, Named) and not (
        isinstance(value, dict) and value and all(name.strip(".") for name in value) and _is_json(value)
    ):
        raise _wrong(note, path, 'must be a table of values by property: `{ "VersioningConfiguration.Status" = … }`')
    return value


def _holds(value: object) -> bool:
    return isinstance(value, list | dict)


def _is_number(value: object, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0 and (not whole or isinstance(value, int)) and value < 10**15


def _is_json(value: object, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return all(_is_json(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return all(_is_json(item, depth + 1) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < 2**63)


def _wrong(note: Note, path: Path, message: str, fix: str | None = None) -> _Wrong:
    note(path, message, fix)
    return _Wrong()


def json_schema(table: Table, title: str) -> dict[str, Any]:
    """The same form as a JSON schema, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_schema(table)}


def _schema(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, Table):
        found: dict[str, Any] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: {"description": key.about, **_schema(key.shape)} for key in shape.keys},
        }
        if required := [key.name for key in shape.keys if key.required]:
            found["required"] = required
        if shape.one_of:
            found["oneOf"] = [{"required": [name]} for name in shape.one_of]
        if shape.some_of:
            found["anyOf"] = [{"required": [name]} for name in shape.some_of]
        return found
    if isinstance(shape, Tables):
        return {"type": "array", "items": _schema(shape.table)}
    if isinstance(shape, Texts):
        one = _schema(Text(shape.choices))
        return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}
    if isinstance(shape, Text):
        text: dict[str, Any] = {"type": "string", "minLength": 1}
        text |= {"enum": list(shape.choices)} if shape.choices else {}
        return text | ({"pattern": f"^({shape.pattern})$"} if shape.pattern else {})
    if isinstance(shape, Flag):
        return {"type": "boolean"}
    if isinstance(shape, Number):
        return {"type": "integer" if shape.whole else "number", "minimum": 0}
    if isinstance(shape, Day):
        return {"type": "string", "format": "date"}
    if isinstance(shape, Named):
        return {"type": "object", "minProperties": 1}
    return {"type": "array", "minItems": 1} if shape.several else {}
