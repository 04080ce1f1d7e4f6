"""What must be built, found out or made outside of CloudFormation before a stack can be deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class PackageAsset:
    """Something the deployer must build before the stacks that use it: a container image, a function's zip or image."""

    construct: str
    """The construct id, for example `Compute.Container/orders`."""
    type: Literal["image", "zip", "function-image"]
    properties: Mapping[str, Any] = field(default_factory=dict)
    """image: `context`, `dockerfile` (paths relative to the program's folder), `build_args`, `architecture` (`arm64` or
    `x86_64`, as the template says), `adapter` (the image of what runs it on Lambda, copied into it);
    zip: `root`, `handler`, `runtime` as the catalogue resolved them (and `architecture`, if the program names one;
    `layer`, if the packages are a zip of their own), or `package`, `handler`, `runtime` for a function of Klotho's own
    (`deploy/functions/own_functions.py`);
    function-image: those of a zip, `base`, the image that has the runtime, `build`, if the packages are built in it,
    `hosted`, if it runs all the time and brings the server that calls it."""


@dataclass(frozen=True, slots=True)
class SiteFiles:
    """Files the deployer publishes once the stacks are up: into a bucket, behind a CDN that keeps copies."""

    construct: str
    """The construct id, for example `Site/web`; its outputs `bucket` and `distribution_id` say where they go."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """`directory`, `root`, `index`, `error` (paths relative to the program's folder) and `build` (a list of words)."""
    configuration: Mapping[str, str] = field(default_factory=dict)
    """Values the pages are told, in which tokens stand for outputs of any construct."""


@dataclass(frozen=True, slots=True)
class DeployerStep:
    """Something the deployer does around CloudFormation, whose results are parameters of templates (`Provided`)."""

    construct: str
    """The construct id, for example `Domain/shop.example`."""
    step: str
    """What to do: `certificate` (import PEM files into ACM), `zone` (look up a hosted zone), `adopted` (look up what is
    there already)."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """certificate: `certificate`, `key` (paths relative to the program's folder), `region` (where it is needed other
    than the stack's); zone: `domain`; adopted: `type`, `identifier`, the `id` as it was given, `region` where it says
    one, and `facts`, what each part may be told by. Never a secret: the manifest is a file people read."""
