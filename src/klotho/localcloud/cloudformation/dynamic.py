"""Dynamic references inside properties: `{{resolve:secretsmanager:<secret>:SecretString:<key>:<stage>:<version>}}` and
`{{resolve:ssm:<parameter>:<version>}}`.

The reference, not the value, is what journal, records and events hold; the value exists only in the request a handler
gets. So a new value of a parameter alone updates no resource here, as long as the template names no new version.
Refuses by name: `ssm-secure`, anything malformed, and references in outputs (CloudFormation shows those).
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.cloudformation.errors import not_carried, validation_error
from klotho.localcloud.handler import HandlerError

_REFERENCE = re.compile(r"\{\{resolve:([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A value of Secrets Manager, or one key of its JSON."""

    secret: str
    key: str | None
    stage: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class ParameterReference:
    """A value of Parameter Store."""

    name: str
    version: int | None


Reference = SecretReference | ParameterReference
Reader = Callable[[Reference], Awaitable[str]]
"""Gives what is stored there, a secret's whole text; raises HandlerError when it can't."""


def is_reference(value: object) -> bool:
    """Whether a value holds a dynamic reference."""
    return isinstance(value, str) and _REFERENCE.search(value) is not None


def check(properties: Any, logical_id: str) -> None:
    """Refuse dynamic references the local cloud can't follow."""
    for text in _references(properties):
        _parsed(text, f"[{logical_id}]")


def check_absent(value: Any, where: str) -> None:
    for text in _references(value):
        raise validation_error(f"Dynamic references can't be used in {where}: {{{{resolve:{text}}}}}")


async def followed(properties: Mapping[str, Any], logical_id: str, read: Reader) -> dict[str, Any]:
    """The properties with every reference fetched."""
    fetched = {text: await _fetch(_parsed(text, f"[{logical_id}]"), read) for text in set(_references(properties))}
    if not fetched:
        return dict(properties)
    replaced = _replaced(properties, fetched)
    return dict(replaced)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _parsed(text: str, where: str) -> Reference:
    service, _, rest = text.partition(":")
    if service == "ssm":
        return _parameter(text, rest, where)
    if service != "secretsmanager":
        raise not_carried(f"Dynamic reference to {service} in {where}")
    # An ARN has seven parts of its own; everything after them is type, key, stage and version.
    parts = rest.split(":")
    width = 7 if rest.startswith("arn:") else 1
    secret, options = ":".join(parts[:width]), [*parts[width:], "", "", "", ""]
    kind, key, stage, version = options[:4]
    if not secret or kind not in ("", "SecretString") or len(parts) > width + 4:
        raise validation_error(f"Malformed dynamic reference {{{{resolve:{text}}}}} in {where}")
    return SecretReference(secret, key or None, stage or None, version or None)


def _parameter(text: str, rest: str, where: str) -> ParameterReference:
    name, colon, version = rest.rpartition(":") if re.search(r":\d+$", rest) else (rest, "", "")
    if not name or (":" in name and not name.startswith("arn:")):
        raise validation_error(f"Malformed dynamic reference {{{{resolve:{text}}}}} in {where}")
    return ParameterReference(name, int(version) if colon else None)


async def _fetch(reference: Reference, read: Reader) -> str:
    text = await read(reference)
    if isinstance(reference, ParameterReference) or reference.key is None:
        return text
    try:
        found = json.loads(text)[reference.key]
    except (ValueError, KeyError, TypeError):
        raise HandlerError(
            f"Could not find a value associated with JSONKey {reference.key} in SecretString of {reference.secret}",
            "NotFound",
        ) from None
    return found if isinstance(found, str) else json.dumps(found)


def _replaced(value: Any, fetched: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: fetched[match.group(1)], value)
    if isinstance(value, Mapping):
        return {name: _replaced(item, fetched) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, fetched) for item in value]
    return value
