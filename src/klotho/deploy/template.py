"""What the deployer reads out of a template: where each resource comes from.

Input: a template's bytes as the CloudFormation emitter wrote them. Output: origins by logical id. Refuses nothing:
a resource without Klotho's metadata has an empty origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klotho.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Origin:
    """The construct and the user's line behind a resource."""

    construct: str = ""
    span: Span | None = None


def origins(template: bytes) -> dict[str, Origin]:
    """From each resource's `Metadata: {"klotho": {"construct": …, "span": "infra.py:12"}}`."""
    resources = parsed(template).get("Resources", {})
    return {logical_id: origin_of(resource) for logical_id, resource in resources.items()}


def parsed(template: bytes) -> dict[str, Any]:
    import orjson

    return dict(orjson.loads(template))


def origin_of(resource: Mapping[str, Any]) -> Origin:
    ours = resource.get("Metadata", {}).get("klotho", {})
    return Origin(str(ours.get("construct") or ""), _span(ours.get("span")))


def _span(text: Any) -> Span | None:
    if not isinstance(text, str):
        return None
    file, _, line = text.rpartition(":")
    return Span(file, int(line)) if file and line.isdigit() else None
