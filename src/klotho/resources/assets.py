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
