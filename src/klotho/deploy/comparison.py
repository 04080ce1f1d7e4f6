"""How two values of a template differ, place by place, and which inputs alone bring a difference about.

Input: properties before and after, each as the template says them and with parameters filled in. Output: one
`PropertyDifference` per place. Refuses nothing.

References are compared as texts (`${Table.Arn}`), so that `Ref`, `Fn::GetAtt` and `Fn::Sub` that mean the same are
equal; and numbers and booleans are compared as CloudFormation does, which does not tell `5` from `"5"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.facts import PropertyPath

UNKNOWN = "(known after deploy)"
"""The value of a parameter whose upstream has yet to change."""

REPLACED = "(of the replacement)"
"""The value of a reference to a resource that is replaced: certain to differ, whatever it will be."""

STACK_TAGS = "the stack's tags"
"""The input behind a difference in tags that CloudFormation hands from the stack to its resources."""

Place = tuple[str | int, ...]
"""Property names, and numbers of list items: of the list after the change; of the one before for what is gone."""

_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


@dataclass(frozen=True, slots=True)
class PropertyDifference:
    """One place where a resource differs."""

    place: Place
    before: Any
    """None: it was not there."""
    after: Any
    """None: it goes."""
    inputs: tuple[str, ...] = ()
    """The parameters and replaced resources that alone bring it about; empty when the template says something else."""
    unknown: bool = False
    """Whether the new value is known only after deploy, and might turn out to be the old one."""

    @property
    def path(self) -> PropertyPath:
        """With `*` for list items, as the schemas have it."""
        return tuple("*" if isinstance(part, int) else part for part in self.place)

    @property
    def dotted(self) -> str:
        """`Statement[2].Action`."""
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.place).lstrip(".")


@dataclass(frozen=True, slots=True)
class Side:
    """One template's way to values: its parameters, and what stands for references to some of its resources."""

    parameters: Mapping[str, str]
    instead: Mapping[str, str]
    """By logical id."""

    def filled(self, value: Any) -> Any:
        """The value with parameters put in; other references as `${Name}` or `${Name.Attribute}`."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                (key, argument), *_ = value.items()
                if key == "Ref":
                    return self._reference(str(argument))
                if key == "Fn::GetAtt":
                    return self._reference(
                        ".".join(map(str, argument)) if isinstance(argument, list) else str(argument)
                    )
                if key == "Fn::Sub":
                    return self._substituted(argument)
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        return value

    def differs(self, name: str, other: Side) -> bool:
        """Whether a parameter or resource stands for another value on the other side."""
        return (self.parameters.get(name), self.instead.get(name)) != (
            other.parameters.get(name),
            other.instead.get(name),
        )

    def _reference(self, name: str) -> str:
        owner = name.partition(".")[0]
        if owner in self.instead:
            return self.instead[owner]
        return self.parameters.get(name, f"${{{name}}}")

    def _substituted(self, argument: Any) -> str:
        text, local = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})

        def put(match: re.Match[str]) -> str:
            name = match[1]
            return str(self.filled(local[name])) if name in local else self._reference(name)

        return _SUBSTITUTION.sub(put, str(text))


def compared(was: Any, old: Side, will: Any, new: Side) -> Iterator[PropertyDifference]:
    """Where two values of two templates differ."""
    yield from _walk(old.filled(was), new.filled(will), was, will, (), lambda name: old.differs(name, new))


def named(value: Any) -> Iterator[str]:
    """The logical ids (and parameter names) a value refers to."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref":
                yield str(item)
            elif key == "Fn::GetAtt":
                yield str(item[0] if isinstance(item, list) else item).split(".")[0]
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) else item
                yield from (match[1].split(".")[0] for match in _SUBSTITUTION.finditer(str(text)))
            yield from named(item)
    elif isinstance(value, list):
        for item in value:
            yield from named(item)


def _walk(left: Any, right: Any, was: Any, will: Any, at: Place, differs: Any) -> Iterator[PropertyDifference]:
    if _normal(left) == _normal(right):
        return
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in sorted({*left, *right}):
            below = (_child(was, key), _child(will, key))
            yield from _walk(left.get(key), right.get(key), *below, (*at, key), differs)
    elif isinstance(left, list) and isinstance(right, list):
        yield from _lists(left, right, was, will, at, differs)
    else:
        same = was == will and was is not None
        inputs = tuple(dict.fromkeys(name for name in named(will) if differs(name))) if same else ()
        unknown = UNKNOWN in str(right) and left is not None and _literal(was) == _literal(will)
        yield PropertyDifference(at, left, right, inputs, unknown)


def _lists(
    left: list[Any], right: list[Any], was: Any, will: Any, at: Place, differs: Any
) -> Iterator[PropertyDifference]:
    """Item by item where items changed; else what was added and what is gone. Another order is one difference."""
    before, after = [_normal(item) for item in left], [_normal(item) for item in right]
    gone = [number for number, item in enumerate(before) if item not in after]
    fresh = [number for number, item in enumerate(after) if item not in before]
    if not gone and not fresh:
        yield PropertyDifference(at, left, right)
    elif len(left) == len(right) and gone == fresh:
        for number in fresh:
            below = (_child(was, number), _child(will, number))
            yield from _walk(left[number], right[number], *below, (*at, number), differs)
    else:
        yield from (PropertyDifference((*at, number), left[number], None) for number in gone)
        yield from (PropertyDifference((*at, number), None, right[number]) for number in fresh)


def _child(value: Any, key: str | int) -> Any:
    """The item of a template's value, None where an intrinsic function makes it."""
    if isinstance(value, Mapping) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key]
    return None


def _literal(value: Any) -> str:
    """What a template says besides its references: where that differs, so does the value."""
    text = json.dumps(Side({}, {}).filled(value), sort_keys=True, default=str)
    return _SUBSTITUTION.sub("", text)


def _normal(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return value
