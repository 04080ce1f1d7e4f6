"""References inside a template's values: which there are, and the same values with some of them filled in.

Input: JSON values as CloudFormation has them. Output: `Reference`s; values in which known ones are literals and local
ones have other names. Refuses nothing: what nobody knows stays a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_PLACEHOLDER = re.compile(r"\$\{(?!!)([A-Za-z0-9:.]+)\}")


class Reference(NamedTuple):
    """`Ref` of a name, or `Fn::GetAtt` of its attribute."""

    name: str
    attribute: str = ""

    @property
    def value(self) -> dict[str, Any]:
        """As a template writes it."""
        return {"Fn::GetAtt": [self.name, self.attribute]} if self.attribute else {"Ref": self.name}


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference inside a value, also to parameters and pseudo parameters."""
    found = _reference(value)
    if found is not None:
        yield found
    elif isinstance(value, Mapping):
        if set(value) == {"Fn::Sub"}:
            text, local = _parts(value["Fn::Sub"])
            yield from (_named(match[1]) for match in _PLACEHOLDER.finditer(text) if match[1] not in local)
            yield from references_in(local)
            return
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from references_in(item)


def filled(value: Any, known: Mapping[Reference, str], names: Mapping[str, str]) -> Any:
    """The value with what is known put in, and with the new names of resources."""
    found = _reference(value)
    if found is not None:
        if found in known:
            return known[found]
        return found._replace(name=names[found.name]).value if found.name in names else value
    if isinstance(value, Mapping):
        if set(value) == {"Fn::Sub"}:
            return _substituted(value["Fn::Sub"], known, names)
        return {key: filled(item, known, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known, names) for item in value]
    return value


def _substituted(argument: Any, known: Mapping[Reference, str], names: Mapping[str, str]) -> Any:
    text, local = _parts(argument)

    def put(match: re.Match[str]) -> str:
        if match[1] in local:
            return match[0]
        found = _named(match[1])
        if found in known:
            return known[found].replace("${", "${!")
        name = names.get(found.name, found.name)
        return f"${{{name}.{found.attribute}}}" if found.attribute else f"${{{name}}}"

    made = _PLACEHOLDER.sub(put, text)
    if local:
        return {"Fn::Sub": [made, filled(local, known, names)]}
    return {"Fn::Sub": made} if "${" in made else made


def _parts(argument: Any) -> tuple[str, Mapping[str, Any]]:
    return (str(argument[0]), argument[1]) if isinstance(argument, list) else (str(argument), {})


def _reference(value: Any) -> Reference | None:
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    (key, argument), *_ = value.items()
    if key == "Ref":
        return Reference(str(argument))
    if key == "Fn::GetAtt":
        name, *rest = argument if isinstance(argument, list) else str(argument).split(".", 1)
        return Reference(str(name), ".".join(map(str, rest)))
    return None


def _named(text: str) -> Reference:
    name, _, attribute = text.partition(".")
    return Reference(name, attribute)
