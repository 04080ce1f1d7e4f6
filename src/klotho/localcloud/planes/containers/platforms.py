"""The platform that images are built for here: this machine's, under the names that Docker gives to its parts.

Source: docs.docker.com/build/building/variables, "Multi-platform build arguments"; a stage says `ARG TARGETARCH` to see
one. The system is Linux, as in every image.
"""

from __future__ import annotations

import platform

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_ARCHITECTURE = _MACHINES.get(platform.machine(), platform.machine())
PLATFORM = {
    f"{side}{name}": value
    for side in ("BUILD", "TARGET")
    for name, value in (
        ("PLATFORM", f"linux/{_ARCHITECTURE}"),
        ("OS", "linux"),
        ("ARCH", _ARCHITECTURE),
        ("VARIANT", ""),
    )
}
