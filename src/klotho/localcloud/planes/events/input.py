"""What a target gets of an event: all of it, a part (`InputPath`), a constant (`Input`) or a template filled in.

Input: a target's properties and an event. Output: JSON text, or whatever text a template makes. Refuses, as
`InvalidInputError`: more than one of the three, JSON paths AWS does not support, templates with unknown variables.

Inside quotes a variable is put in without quotes of its own; an object there loses its quotes, as on AWS. A variable
whose path the event does not have is the empty text. JSON that results is minified.

Source: EventBridge User Guide, "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from klotho.localcloud.planes.events.errors import InvalidInputError

Event = Mapping[str, Any]
Shape = Callable[[Event, "Origin"], str]

_PATH = re.compile(r"\$(\.[\w/-]+|\.\*|\[(\d+|\*)\])*")
_STEP = re.compile(r"\.([\w/-]+|\*)|\[(\d+|\*)\]")
_VARIABLE = re.compile(r"<([^<>\s]+)>")
_RESERVED = "aws.events."
_MAX_VARIABLES = 100
"""InputPathsMap: "You can have as many as 100 key-value pairs"."""
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Origin:
    """What templates may say of a delivery beside the event."""

    rule_arn: str
    rule_name: str
    ingested: str
    """When EventBridge took the event, ISO 8601."""


def shape_of(target: Mapping[str, Any]) -> Shape:
    """How events are shaped for this target of a rule."""
    given = [name for name in ("Input", "InputPath", "InputTransformer") if target.get(name)]
    if len(given) > 1:
        raise InvalidInputError(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target.get('Id')}."
        )
    if "Input" in given:
        return _constant(str(target["Input"]))
    if "InputPath" in given:
        path = parsed_path(str(target["InputPath"]))
        return lambda event, origin: _json(_found(event, path))
    if "InputTransformer" in given:
        return _transformer(target["InputTransformer"])
    return lambda event, origin: _json(event)


def _constant(text: str) -> Shape:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"Input is not valid JSON: {error}") from None
    return lambda event, origin: text


def parsed_path(text: str) -> tuple[str | int, ...]:
    """The steps of a JSON path, dots and indices; `*` is every one."""
    if not _PATH.fullmatch(text):
        raise InvalidInputError(f"Invalid JSON path {text}: EventBridge takes names after dots, indices and *")
    steps: list[str | int] = []
    for name, index in _STEP.findall(text):
        steps.append(int(index) if index.isdigit() else name or index)
    return tuple(steps)


def _found(value: Any, path: tuple[str | int, ...]) -> Any:
    """The value at a path, `None` when there is nothing; of several (`*`) a list."""
    found = _walk(value, path)
    return None if found is _MISSING else found


def _walk(value: Any, path: tuple[str | int, ...]) -> Any:
    if not path:
        return value
    step, *rest = path
    if step == "*":
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        found = [_walk(item, tuple(rest)) for item in items]
        return [item for item in found if item is not _MISSING]
    if isinstance(step, int):
        return _walk(value[step], tuple(rest)) if isinstance(value, list) and step < len(value) else _MISSING
    return _walk(value[step], tuple(rest)) if isinstance(value, Mapping) and step in value else _MISSING


def _transformer(given: Mapping[str, Any]) -> Shape:
    template = str(given["InputTemplate"])
    paths = given.get("InputPathsMap") or {}
    if len(paths) > _MAX_VARIABLES:
        raise InvalidInputError(f"InputPathsMap has {len(paths)} entries, at most {_MAX_VARIABLES} are allowed")
    variables = {str(name): parsed_path(str(path)) for name, path in paths.items()}
    for name in variables:
        if name.lower().startswith("aws"):
            raise InvalidInputError(f"InputPathsMap key {name} must not start with AWS")
    for name in _VARIABLE.findall(template):
        if name not in variables and name not in _predefined({}, Origin("", "", "")):
            raise InvalidInputError(f"InputTemplate uses <{name}>, which InputPathsMap does not define")

    is_json = _is_json(template)

    def shaped(event: Event, origin: Origin) -> str:
        values = {name: _walk(event, path) for name, path in variables.items()} | _predefined(event, origin)
        return _minified(_filled(template, values, is_json))

    return shaped


def _predefined(event: Event, origin: Origin) -> dict[str, Any]:
    return {
        f"{_RESERVED}rule-arn": origin.rule_arn,
        f"{_RESERVED}rule-name": origin.rule_name,
        f"{_RESERVED}event.ingestion-time": origin.ingested,
        f"{_RESERVED}event": {name: value for name, value in event.items() if name != "detail"},
        f"{_RESERVED}event.json": event,
    }


def _is_json(template: str) -> bool:
    """Whether the template makes JSON, whatever its variables are, or plain text."""
    filled = _VARIABLE.sub(lambda match: "" if _within_quotes(template, match.start()) else "0", template)
    try:
        orjson.loads(filled)
    except orjson.JSONDecodeError:
        return False
    return True


def _filled(template: str, values: Mapping[str, Any], is_json: bool) -> str:
    def replaced(match: re.Match[str]) -> str:
        value = values.get(match[1], _MISSING)
        quoted = _within_quotes(template, match.start())
        if value is _MISSING:
            return '""' if is_json and not quoted else ""
        if isinstance(value, str):
            return value if not is_json else _json(value)[1:-1] if quoted else _json(value)
        return _json(value) if not quoted else _json(value).replace('"', "").replace("\\", "")

    return _VARIABLE.sub(replaced, template)


def _within_quotes(template: str, place: int) -> bool:
    inside, escaped = False, False
    for character in template[:place]:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            inside = not inside
    return inside


def _minified(text: str) -> str:
    try:
        return _json(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text  # a template may make plain text


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
