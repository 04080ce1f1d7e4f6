"""The CDN: CloudFront distributions on loopback ports."""

from klotho.localcloud.planes.cdn.plane import Cdn

__all__ = ["Cdn"]
