"""Grants to the actor of a relationship."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from klotho.catalogue.iam import allow, policy_key
from klotho.catalogue.rules import Link
from klotho.resources import DependsOn
from klotho.resources.changes import Action


def grant(link: Link, name: str, actions: Sequence[str], resources: Sequence[Any]) -> Iterator[Action]:
    """The actor's code may do these actions on these resources; it starts only once it may."""
    compute = link.setting.compute(link.actor)
    role = compute.role(link.actor)
    yield from allow(role, f"{name} {link.target.name}", actions, resources)
    yield DependsOn(compute.main(link.actor), policy_key(role))
