"""Kubernetes clusters: a small API on loopback that keeps objects, and pods that run as processes."""

from klotho.localcloud.planes.kubernetes.plane import Clusters

__all__ = ["Clusters"]
