"""The resources of a container on ECS that rules in several places name."""

from __future__ import annotations

from klotho.application import Construct
from klotho.resources import ResourceKey, resource_key


def service_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "service")
