"""The gateway: HTTP APIs on loopback ports."""

from klotho.localcloud.planes.gateway.domains import Domains
from klotho.localcloud.planes.gateway.plane import Gateway

__all__ = ["Domains", "Gateway"]
