"""The gateway: HTTP APIs on loopback ports."""

from klotho.localcloud.planes.gateway.plane import Gateway

__all__ = ["Gateway"]
