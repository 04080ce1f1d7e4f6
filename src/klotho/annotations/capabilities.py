"""What can be annotated: capabilities and their directives. What of it is compiled, each language says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["text", "flag", "texts", "table", "any"]


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
            "ttl": "any",
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

LONGEST_ID = 25
ID = re.compile(r"[A-Za-z][\w\-.:/]*", re.ASCII)
ID_RULE = f"letters, digits, `_`, `-`, `.`, `:` and `/`, starting with a letter, at most {LONGEST_ID}"


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
    return True


EXPECTED: Mapping[Shape, str] = {
    "text": "a text in quotes",
    "flag": "`true` or `false`",
    "texts": "a text or a list of texts",
    "table": "a table",
    "any": "a value",
}
