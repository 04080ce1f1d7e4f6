"""The placeholders of one request: `ExpressionAttributeNames` and `ExpressionAttributeValues`.

Input: a request and the expressions it may carry. Output: what `#name` and `:value` stand for.
Refuses placeholders that are undefined, unused, badly written, or given without any expression, in AWS's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from klotho.localcloud.services.dynamodb.errors import DynamoDbError, validation
from klotho.localcloud.services.dynamodb.syntax import Parsed, Path
from klotho.localcloud.services.dynamodb.values import Value, check

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")


class Scope:
    """Resolves placeholders; `used` marks those an expression mentions."""

    __slots__ = ("_used_names", "_used_values", "names", "values")

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        self.names = names
        self.values = values
        self._used_names: set[str] = set()
        self._used_values: set[str] = set()

    def admit(self, parsed: Parsed[Any], parameter: str) -> None:
        """Check that everything the expression mentions is defined, and remember that it is used."""
        for name in parsed.names:
            if name not in self.names:
                raise validation(
                    f"Invalid {parameter}: An expression attribute name used in the document path is not defined; "
                    f"attribute name: {name}"
                )
        for name in parsed.values:
            if name not in self.values:
                raise validation(
                    f"Invalid {parameter}: An expression attribute value used in expression is not defined; "
                    f"attribute value: {name}"
                )
        self._used_names |= parsed.names
        self._used_values |= parsed.values

    def finish(self) -> None:
        """Refuse placeholders that no expression used."""
        for kind, given, used in (
            ("Names", self.names, self._used_names),
            ("Values", self.values, self._used_values),
        ):
            if len(given) != len(used):
                unused = ", ".join(sorted(set(given) - used))
                raise validation(
                    f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{unused}}}"
                )

    def parts(self, path: Path) -> tuple[str | int, ...]:
        """The path with placeholders replaced."""
        if path.plain:
            return path.parts
        return tuple(self.names[part] if isinstance(part, str) and part[0] == "#" else part for part in path.parts)


_EMPTY: Mapping[str, Any] = {}


def scope_of(request: Mapping[str, Any], expressions: Iterable[str], with_values: Iterable[str] = ()) -> Scope:
    """The request's placeholders.

    `expressions` are the parameters that may hold an expression; `with_values` those of them that may use values.
    """
    names = request.get("ExpressionAttributeNames")
    values = request.get("ExpressionAttributeValues")
    if names is None and values is None:
        return Scope(_EMPTY, _EMPTY)
    if names is not None:
        _check_names(names, any(request.get(parameter) is not None for parameter in expressions))
    if values is not None:
        _check_values(values, [p for p in with_values if request.get(p) is not None], list(with_values))
    return Scope(names or _EMPTY, values or _EMPTY)


def _check_names(names: Any, usable: bool) -> None:
    if not isinstance(names, dict):
        raise DynamoDbError("SerializationException", "Start of structure or map expected: ExpressionAttributeNames")
    if not usable:
        raise validation("ExpressionAttributeNames can only be specified when using expressions")
    if not names:
        raise validation("ExpressionAttributeNames must not be empty")
    for key, name in names.items():
        if not _NAME.fullmatch(key):
            raise validation(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"')
        if not isinstance(name, str) or not name:
            raise validation(f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}")


def _check_values(values: Any, given: list[str], possible: list[str]) -> None:
    if not isinstance(values, dict):
        raise DynamoDbError("SerializationException", "Start of structure or map expected: ExpressionAttributeValues")
    if not given:
        verb = "is" if len(possible) == 1 else "are"
        raise validation(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(possible)} {verb} null"
        )
    if not values:
        raise validation("ExpressionAttributeValues must not be empty")
    for key, value in values.items():
        if not _VALUE.fullmatch(key):
            raise validation(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"')
        try:
            check(value)
        except DynamoDbError as error:
            raise DynamoDbError(
                error.code, f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}"
            ) from None
