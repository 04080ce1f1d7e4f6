"""What can be annotated: capabilities and their directives. What of it is compiled, each language says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["text", "flag", "texts", "table", "seconds"]


@dataclass(frozen=True, slots=True)
class Capability:
    """One capability: its directives by name, and whether an id must be given."""

    directives: Mapping[str, Shape]
    needs_id: bool = False


CAPABILITIES: Mapping[str, Capability] = {
    "execution_unit": Capability({"id": "text", "all_units": "flag", "keep_warm": "flag", "description": "text"}),
    "expose": Capability({"id": "text", "target": "text", "description": "text"}, needs_id=True),
    "persist": Capability(
        {
            "id": "text",
            "secret": "flag",
            "environment_variables": "table",
            "versioned": "flag",
            "ttl": "seconds",
            "batch_write": "flag",
            "write_on_change": "flag",
            "description": "text",
        },
        needs_id=True,
    ),
    "embed_assets": Capability({"id": "text", "include": "texts", "exclude": "texts"}),
    "static_unit": Capability(
        {"id": "text", "index_document": "text", "static_files": "texts", "shared_files": "texts"},
        needs_id=True,
    ),
    "pubsub": Capability({"id": "text"}, needs_id=True),
    "config": Capability({"id": "text", "secret": "flag"}, needs_id=True),
}

NEUTRAL = ("embed_assets", "static_unit")
"""Capabilities about files, which mean the same in every language."""

REFUSED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("persist", "versioned"): (
        "a Map or a dict has no versions of an entry: what is set last holds",
        "leave it out; where two at once must not overwrite each other, describe a `Databases.KeyValue` in an infra.py "
        "and `put` with a condition",
    ),
    ("persist", "batch_write"): (
        "each `set` is a write of its own, so that an entry is stored once it was awaited",
        "leave it out; in JavaScript `await Promise.all([…])` writes several at once",
    ),
    ("persist", "write_on_change"): (
        "what is changed in place is not put back by itself",
        "leave it out and put it back: `await pets.set(key, pet)`, `pets[key] = pet`; a warning says where that lacks",
    ),
}
"""By capability and directive, what no language compiles where it is `true`: why, and what to write instead."""

_BY_INFRA = "leave it out, and let an infra.py with `klotho.Annotated()` "
INSTEAD: Mapping[tuple[str, str], str] = {
    ("persist", ""): f"{_BY_INFRA}make what it keeps: `code.unit(…).read_writes_to(…)` gives the unit its place in a "
    "variable `KLOTHO_…`",
    (
        "pubsub",
        "",
    ): f"{_BY_INFRA}make a `Messaging.Topic`: `code.unit(…).publishes_to(…)` gives the unit its place in a "
    "variable `KLOTHO_TOPIC_…`",
    ("config", ""): f"{_BY_INFRA}make a `Secret`: `code.unit(…).uses(…)` gives the unit its place in a variable "
    "`KLOTHO_SECRET_…`",
    ("execution_unit", "keep_warm"): "leave it out; `type: fargate` for the unit in klotho.yaml lets it run always",
    ("execution_unit", "all_units"): "leave it out: what a project refers to is built into each unit that needs it",
}
"""What to do where a language does not compile a capability, or a directive of it."""

LONGEST_ID = 25
ID = re.compile(r"[A-Za-z][\w\-.:/]*", re.ASCII)
ID_RULE = f"letters, digits, `_`, `-`, `.`, `:` and `/`, starting with a letter, at most {LONGEST_ID}"


_LONGEST = 100 * 365 * 86_400
"""Seconds."""


def fits(value: Any, shape: Shape) -> bool:
    """Whether a directive's value has the shape; a text is taken where a list of texts is expected."""
    if shape == "text":
        return isinstance(value, str)
    if shape == "flag":
        return isinstance(value, bool)
    if shape == "table":
        return isinstance(value, dict)
    if shape == "texts":
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LONGEST


EXPECTED: Mapping[Shape, str] = {
    "text": "a text in quotes",
    "flag": "`true` or `false`",
    "texts": "a text or a list of texts",
    "table": "a table",
    "seconds": "a whole number of seconds, 1 or more and at most 100 years",
}
