"""Reads a CloudFormation template: structure, sections and names; values stay unresolved.

Input: the template's text (JSON). Output: a `Template`. Refuses, as a ValidationError that names it: text that is not
JSON, a section, resource attribute, policy or parameter type the local cloud does not carry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.localcloud.cloudformation.errors import format_error, not_carried, validation_error

MAX_BODY = 51_200
"""Bytes of a template given inline; AWS's quota ("Template body size in a request")."""
MAX_STORED_BODY = 1_000_000
"""Bytes of a template in a bucket; AWS's quota ("Template body size in an Amazon S3 object", 1 MB)."""
MOST_OF = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
"""How many members a section may have (CloudFormation User Guide, "Understand CloudFormation quotas")."""
MOST_DYNAMIC_REFERENCES = 60
"""Dynamic references per template, same source."""
MAX_DEPTH = 60
"""Levels of nesting; AWS refuses deep templates too, and it keeps the recursive readers safe."""
_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
}
_NOT_CARRIED = {"Transform", "Rules", "Hooks"}
_RESOURCE_KEYS = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
}
_RESOURCE_NOT_CARRIED = {"CreationPolicy", "UpdatePolicy"}
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
UPDATE_REPLACE_POLICIES = ("Delete", "Retain", "Snapshot")


@dataclass(frozen=True, slots=True)
class ResourceTemplate:
    """One entry of `Resources`."""

    logical_id: str
    type_name: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Any = None
    deletion_policy_given: bool = False


@dataclass(frozen=True, slots=True)
class OutputTemplate:
    """One entry of `Outputs`."""

    key: str
    value: Any
    description: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template, read but not resolved."""

    body: str = field(repr=False)
    """The text as it was sent: what GetTemplate gives back."""
    description: str | None
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, ResourceTemplate]
    outputs: Mapping[str, OutputTemplate]


def read_template(body: str) -> Template:
    """The template in `body`; ApiError(ValidationError) that names what is wrong or not carried."""
    document = _document(body)
    for section in document:
        if section in _NOT_CARRIED:
            raise not_carried(f"Template section {section}")
        if section not in _SECTIONS:
            raise format_error(f"Invalid template property or properties [{section}]")
    _check_quotas(document)
    description = document.get("Description")
    if description is not None and not isinstance(description, str):
        raise format_error("Every Description member must be a string.")
    resources = _mapping(document, "Resources")
    if not resources:
        raise format_error("At least one Resources member must be defined.")
    return Template(
        body=body,
        description=description,
        parameters={name: _entry("Parameters", name, item) for name, item in _mapping(document, "Parameters").items()},
        mappings=_mapping(document, "Mappings"),
        conditions=_mapping(document, "Conditions"),
        resources={name: _resource(name, item) for name, item in resources.items()},
        outputs={name: _output(name, item) for name, item in _mapping(document, "Outputs").items()},
    )


def _check_quotas(document: Mapping[str, Any]) -> None:
    for section, most in MOST_OF.items():
        number = len(_mapping(document, section))
        if number > most:
            raise format_error(f"Number of {section.lower()}, {number}, is greater than maximum allowed, {most}")
    dynamic = json.dumps(document.get("Resources", {})).count("{{resolve:")
    if dynamic > MOST_DYNAMIC_REFERENCES:
        raise validation_error(
            f"Number of dynamic references, {dynamic}, is greater than maximum allowed, {MOST_DYNAMIC_REFERENCES}"
        )


def _document(body: str) -> Mapping[str, Any]:
    if not body.strip():
        raise format_error("the template is empty")
    try:
        document = json.loads(body)
    except RecursionError:
        raise format_error(f"the template is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise format_error(f"the local cloud reads templates in JSON, and this is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise format_error("the template is not a JSON object")
    if _deeper_than(document, MAX_DEPTH):
        raise format_error(f"the template is nested deeper than {MAX_DEPTH} levels")
    return document


def _deeper_than(value: Any, depth: int) -> bool:
    if depth == 0:
        return True
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_deeper_than(child, depth - 1) for child in children)


def _mapping(document: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    found = document.get(section, {})
    if not isinstance(found, dict):
        raise format_error(f"{section} must be an object")
    return found


def _entry(section: str, name: str, item: Any) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise format_error(f"every {section} member must be an object, [{name}] is not")
    return item


def _resource(logical_id: str, item: Any) -> ResourceTemplate:
    entry = _entry("Resources", logical_id, item)
    if _LOGICAL_ID.fullmatch(logical_id) is None:
        raise format_error(f"Resource name {logical_id} is non alphanumeric.")
    for key in entry:
        if key in _RESOURCE_NOT_CARRIED:
            raise not_carried(f"Resource attribute {key} of [{logical_id}]")
        if key not in _RESOURCE_KEYS:
            raise format_error(f"Encountered unsupported property {key} on resource [{logical_id}]")
    type_name = entry.get("Type")
    if not isinstance(type_name, str) or not type_name:
        raise format_error(f"[/Resources/{logical_id}] Every Resources object must contain a Type member.")
    properties = entry.get("Properties", {})
    if not isinstance(properties, dict):
        raise format_error(f"[/Resources/{logical_id}/Properties] must be an object")
    return ResourceTemplate(
        logical_id=logical_id,
        type_name=type_name,
        properties=properties,
        depends_on=_depends_on(logical_id, entry.get("DependsOn", [])),
        condition=_text_or_none(logical_id, "Condition", entry),
        deletion_policy=_policy(logical_id, "DeletionPolicy", entry, DELETION_POLICIES),
        update_replace_policy=_policy(logical_id, "UpdateReplacePolicy", entry, UPDATE_REPLACE_POLICIES),
        metadata=entry.get("Metadata"),
        deletion_policy_given="DeletionPolicy" in entry,
    )


def _depends_on(logical_id: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise format_error(f"DependsOn of [{logical_id}] must be a logical id or a list of them")
    return tuple(names)


def _policy(logical_id: str, key: str, entry: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    value = entry.get(key, "Delete")
    if value not in allowed:
        raise format_error(f"Unrecognized {key} {value} for resource {logical_id}")
    return str(value)


def _text_or_none(name: str, key: str, entry: Mapping[str, Any]) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise format_error(f"{key} of [{name}] must be a string")
    return value


def _output(key: str, item: Any) -> OutputTemplate:
    entry = _entry("Outputs", key, item)
    for name in entry:
        if name == "Export":
            raise not_carried(f"Export of output [{key}] (pass values between stacks as parameters)")
        if name not in ("Value", "Description", "Condition"):
            raise format_error(f"Invalid property {name} in output [{key}]")
    if "Value" not in entry:
        raise format_error(f"[/Outputs/{key}] Every Outputs member must contain a Value object")
    return OutputTemplate(
        key=key,
        value=entry["Value"],
        description=_text_or_none(key, "Description", entry),
        condition=_text_or_none(key, "Condition", entry),
    )
