"""What AWS publishes about its resource types: property names and types, what replaces, what `Fn::GetAtt` may name.

Facts come from the vendored schema files beside this module (`tools/refresh_facts.py` writes them; nobody edits them).
Where they are silent about replacement, `replacement.toml` speaks: `create_only`, `conditional_create_only` and
`replaced_by` are the one place that says what replaces, for the preview, the consent and the local engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from klotho.catalogue.facts.replacement import check_against, edited_items, rules

_SCHEMAS = Path(__file__).parent / "schemas"
CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"
"""What every `Custom::<name>` is: any property besides its own, any attribute its function answers with."""
PropertyPath = tuple[str, ...]
"""A path of property names; `*` stands for any list item or map key."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One resource type's published schema."""

    type_name: str
    document: Mapping[str, Any] = field(repr=False)
    properties: Mapping[str, Any] = field(repr=False)
    definitions: Mapping[str, Any] = field(repr=False)
    required: frozenset[str]
    create_only: frozenset[PropertyPath]
    """A change here replaces the resource: what AWS publishes, and `replacement.toml`."""
    conditional_create_only: frozenset[PropertyPath]
    """A change here replaces the resource in some cases that `replacement.toml` does not decide."""
    read_only: frozenset[PropertyPath]
    """What AWS decides: never in a template, but what `Fn::GetAtt` may name."""
    write_only: frozenset[PropertyPath]
    primary_identifier: tuple[PropertyPath, ...]

    @property
    def attributes(self) -> frozenset[str]:
        """The names `Fn::GetAtt` accepts, nested ones with dots."""
        return frozenset(".".join(path) for path in self.read_only)

    @property
    def open(self) -> bool:
        """Whether a function decides what it takes and gives, so that every property and attribute may be named."""
        return is_custom(self.type_name)

    @property
    def settable(self) -> frozenset[str]:
        """Top-level properties a template may set."""
        read_only = {path[0] for path in self.read_only if len(path) == 1}
        return frozenset(self.properties) - read_only

    def permissions(self, operation: str) -> tuple[str, ...]:
        """The IAM actions AWS's handler needs for create, read, update, delete or list (an over-approximation)."""
        handler = self.document.get("handlers", {}).get(operation, {})
        return tuple(sorted(handler.get("permissions", ())))

    @property
    def tag_property(self) -> str | None:
        """The property that carries tags, None when the type takes none."""
        tagging = self.document.get("tagging", {})
        if not tagging.get("taggable", False):
            return None
        name = str(tagging.get("tagProperty", "/properties/Tags")).rsplit("/", 1)[-1]
        return name if name in self.properties else None


def known_types() -> tuple[str, ...]:
    """Every vendored type, sorted."""
    return tuple(sorted(path.stem.replace("-", "::") for path in _SCHEMAS.glob("*.json")))


@cache
def is_known(type_name: str) -> bool:
    return _path(type_name).exists()


def is_custom(type_name: str) -> bool:
    """Whether a function of the template's author makes resources of this type."""
    return type_name.startswith("Custom::") or type_name == CUSTOM_RESOURCE


@cache
def schema(type_name: str) -> Schema:
    """The schema of a vendored type; KeyError for any other (add it to types.txt)."""
    path = _path(type_name)
    if not path.exists():
        raise KeyError(type_name)
    document = orjson.loads(path.read_bytes())
    if is_custom(type_name):
        document = _custom(document)
    check_against(type_name, document.get("properties", {}))
    always = {(rule.property,) for rule in rules(type_name) if rule.replaces == "always"}
    decided = {rule.property for rule in rules(type_name)}
    conditional = _pointers(document, "conditionalCreateOnlyProperties")
    return Schema(
        type_name=type_name,
        document=document,
        properties=document.get("properties", {}),
        definitions=document.get("definitions", {}),
        required=frozenset(document.get("required", ())),
        create_only=_pointers(document, "createOnlyProperties") | always,
        conditional_create_only=frozenset(path for path in conditional if path[0] not in decided),
        read_only=_pointers(document, "readOnlyProperties"),
        write_only=_pointers(document, "writeOnlyProperties"),
        primary_identifier=tuple(_pointer(text) for text in document.get("primaryIdentifier", ())),
    )


def edited(type_name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Top-level list properties of which an existing item was edited in a way that replaces the resource."""
    return frozenset(
        rule.property
        for rule in rules(type_name)
        if rule.item is not None and edited_items(before.get(rule.property), after.get(rule.property), rule.item)
    )


def replaced_by(type_name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Top-level properties whose difference replaces the resource; empty when it changes in place.

    For plain values of a vendored type; a path below a top-level property counts as that property.
    """
    fixed = {path[0] for path in schema(type_name).create_only if before.get(path[0]) != after.get(path[0])}
    return frozenset(fixed) | edited(type_name, before, after)


def _custom(document: Mapping[str, Any]) -> dict[str, Any]:
    """cfn-lint's copy without its `Id`, which AWS does not have: an author's own property may have that name."""
    properties = {name: node for name, node in document["properties"].items() if name != "Id"}
    return {**document, "properties": properties, "readOnlyProperties": [], "primaryIdentifier": []}


def _path(type_name: str) -> Path:
    published = CUSTOM_RESOURCE if is_custom(type_name) else type_name
    return _SCHEMAS / f"{published.replace('::', '-')}.json"


def _pointers(document: Mapping[str, Any], key: str) -> frozenset[PropertyPath]:
    return frozenset(_pointer(text) for text in document.get(key, ()))


def _pointer(text: str) -> PropertyPath:
    return tuple(part for part in text.removeprefix("/properties/").split("/") if part not in ("items", "properties"))
