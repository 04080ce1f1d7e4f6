"""What an emitter returns: files as bytes, and the manifest that ties them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from klotho.stacks import Manifest


@dataclass(frozen=True)
class Bundle:
    files: Mapping[str, bytes]
    """By path below the output folder, for example `cloudformation/orders-container.template.json`."""
    manifest: Manifest
