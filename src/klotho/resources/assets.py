"""What must be built before a stack can be deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class PackageAsset:
    """Something the deployer must build before the stacks that use it: a container image or a function's zip."""

    construct: str
    """The construct id, for example `Compute.Container/orders`."""
    type: Literal["image", "zip"]
    properties: Mapping[str, Any] = field(default_factory=dict)
    """image: `context`, `dockerfile` (paths relative to the program's folder), `build_args`;
    zip: `root`, `handler`, `runtime` as the catalogue resolved them."""


@dataclass(frozen=True, slots=True)
class SiteFiles:
    """Files the deployer publishes once the stacks are up: into a bucket, behind a CDN that keeps copies."""

    construct: str
    """The construct id, for example `Site/web`; its outputs `bucket` and `distribution_id` say where they go."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """`directory`, `root`, `index`, `error` (paths relative to the program's folder) and `build` (a list of words)."""
    configuration: Mapping[str, str] = field(default_factory=dict)
    """Values the pages are told, in which tokens stand for outputs of any construct."""
