"""What the deployer reads out of a template: which construct each resource belongs to, and what is no data.

Input: a template as the CloudFormation emitter wrote it. Output: construct ids by logical id. Refuses nothing: a
resource without Klotho's metadata belongs to no construct. (Lines of the program are not in templates: moving a line
would change every stack below it. Whoever has the Application looks them up by construct.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def parsed(template: bytes) -> dict[str, Any]:
    import orjson

    return dict(orjson.loads(template))


def constructs(template: bytes) -> dict[str, str]:
    """From each resource's `Metadata: {"klotho": {"construct": …}}`."""
    return {
        logical_id: construct_of(resource) for logical_id, resource in parsed(template).get("Resources", {}).items()
    }


def is_remade(resource: Mapping[str, Any]) -> bool:
    """Whether the deployer makes its content again, so that it is no data."""
    return resource.get("Metadata", {}).get("klotho", {}).get("remade") is True


def construct_of(resource: Mapping[str, Any]) -> str:
    return str(resource.get("Metadata", {}).get("klotho", {}).get("construct") or "")
