"""`Databases.KeyValue`: a table of items found by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

KeyType = type[str] | type[int] | type[float] | type[bytes]
Key = str | Sequence[str] | Mapping[str, KeyType]
"""`"id"`, `("customer", "order")` or `{"customer": str, "placed_at": int}`."""

_TYPES: Mapping[Any, str] = {str: "S", int: "N", float: "N", bytes: "B"}
_EXPECTED = 'an attribute `"id"`, a pair `("customer", "order")`, or with types `{"customer": str, "at": int}`'


def _read_key(value: Any) -> list[list[str]]:
    """Attribute and type of the partition key and, if there is one, of the sort key."""
    if isinstance(value, str):
        parts = [[_attribute(value), "S"]]
    elif isinstance(value, Mapping):
        named = read.mapping(value, _EXPECTED)
        parts = [[_attribute(name), _type(name, kind)] for name, kind in named.items()]
    elif isinstance(value, list | tuple):
        parts = [_part(item) for item in value]
    else:
        raise read.wrong(_EXPECTED, value)
    if len(parts) not in (1, 2):
        raise read.Wrong(read.Problem("one attribute, or two (partition and sort key)", f"{len(parts)}"))
    if len(parts) == 2 and parts[0][0] == parts[1][0]:
        raise read.Wrong(read.Problem("two different attributes", f'"{read.printable(parts[0][0])}" twice'))
    return parts


def _part(item: Any) -> list[str]:
    """`"id"`, or `["id", "S"]` as the model has it."""
    if isinstance(item, list | tuple) and len(item) == 2 and item[1] in ("S", "N", "B"):
        return [_attribute(item[0]), str(item[1])]
    return [_attribute(item), "S"]


def _type(name: str, kind: Any) -> str:
    for known, letter in _TYPES.items():
        if kind is known or (isinstance(kind, str) and kind == letter):
            return letter
    raise read.wrong("one of the types str, int, float and bytes", kind, where=f"[{read.shown(name)}]")


def _attribute(value: Any) -> str:
    """DynamoDB: a key attribute's name has 1 to 255 characters."""
    plain = read.some_text(value)
    if len(plain) > 255:
        raise read.wrong("the name of an attribute, at most 255 characters", plain)
    return plain


def _read_indexes(value: Any) -> dict[str, Any]:
    items = read.mapping(value, 'a mapping of names to keys such as `{"by_user": ("user", "at")}`')
    if not items:
        raise read.wrong("a mapping with at least one index", value)
    indexes: dict[str, Any] = {}
    for name, item in items.items():
        where = f"[{read.shown(name)}]"
        read.inside(_read_index_name, name, where)
        nested = isinstance(item, Mapping) and list(item) == ["key"] and not _is_type(item["key"])
        indexes[name] = {"key": read.inside(_read_key, item["key"] if nested else item, where)}
    return indexes


_read_index_name = read.matching(r"[A-Za-z0-9_.-]{3,255}", "a name of 3 to 255 letters, digits, `_`, `-` and `.`")


def _is_type(value: Any) -> bool:
    return isinstance(value, type) or (isinstance(value, str) and value in ("S", "N", "B"))


class KeyValue(Construct):
    """A table of items found by key; pays per request."""

    KIND = "Databases.KeyValue"

    table = OutputAttribute()
    """The table's physical name."""
    arn = OutputAttribute()
    """The table's ARN."""

    @described(key=_read_key, ttl=_attribute, indexes=_read_indexes)
    def __init__(
        self,
        name: str,
        *,
        key: Key | None = None,
        ttl: str | None = None,
        indexes: Mapping[str, Key] | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
        was: str | None = None,
    ) -> None:
        """Describe a table.

        Args:
            name: how services ask for it: `klotho.config.datastores.get("sessions")`.
            key: what finds an item: one attribute, or partition and sort key: `"id"`, `("customer", "order")`,
                with types `{"customer": str, "placed_at": int}` (str, int, float or bytes). Default: `"id"`, text.
            ttl: the attribute that holds when an item expires, in seconds since 1970. Default: items stay.
            indexes: further keys by name: `{"by_user": {"user": str, "at": int}}`. Default: none.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: an ARN or name to use as it is, never to change; or by environment: `{"prod": "…"}`.
            was: the name it was deployed under, after a rename: it keeps its data. Default: it was not renamed.

        The model has `key` as `[["customer", "S"], ["placed_at", "N"]]` (DynamoDB's types S, N and B), `ttl` as the
        attribute's name, and `indexes` as `{"by_user": {"key": [["user", "S"], ["at", "N"]]}}`.
        """

    def _check(self, arguments: Arguments) -> None:
        """An attribute has one type, in the table's key and in every index."""
        values = arguments.values
        types: dict[str, str] = {}
        keys = [("key", values.get("key", ()))]
        keys += [("indexes", index["key"]) for index in values.get("indexes", {}).values()]
        for argument, key in keys:
            for attribute, kind in key:
                if types.setdefault(attribute, kind) != kind:
                    arguments.complain(
                        "conflicting-arguments",
                        f"`{read.printable(attribute)}` has two types in the keys of {arguments.title}",
                        argument,
                        helps=(f"give it the same type everywhere; it is {_spoken(types[attribute])} at first",),
                    )


def _spoken(letter: str) -> str:
    return {"S": "text (str)", "N": "a number (int)", "B": "bytes"}[letter]
