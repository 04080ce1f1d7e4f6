"""Containers as processes: images built from Dockerfiles without a container engine, and the services that run them."""

from klotho.localcloud.planes.containers.dockerfile import ImageError
from klotho.localcloud.planes.containers.image import BuiltImage, build_image
from klotho.localcloud.planes.containers.plane import Containers

__all__ = ["BuiltImage", "Containers", "ImageError", "build_image"]
