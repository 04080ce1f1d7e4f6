"""What an emitter returns: files as bytes, and the manifest that ties them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from klotho.resources import ResourceKey
from klotho.stacks import Manifest


@dataclass(frozen=True)
class Bundle:
    files: Mapping[str, bytes]
    """By path below the output folder, for example `cloudformation/orders-container.template.json`."""
    manifest: Manifest
    keys: Mapping[str, ResourceKey] = field(default_factory=dict)
    """The graph's key of each resource, by logical id."""
