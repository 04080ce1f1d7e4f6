"""The resources of a function that rules in several places name."""

from __future__ import annotations

from klotho.application import Construct
from klotho.resources import ResourceKey, resource_key


def function_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "function")


def function_role(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "function-role")
