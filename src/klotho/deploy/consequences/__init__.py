"""What a change widens: who may do more, what can be reached from where, what is public.

Input: the deployed templates and the new ones, by stack. Output: `Consequence`s, the public ones first. Refuses
nothing. Narrowing is no consequence; a resource type nobody knows has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.deploy.consequences.consequence import Consequence, Kind
from klotho.deploy.consequences.exposure import new_exposure
from klotho.deploy.consequences.landscape import Landscape
from klotho.deploy.consequences.network import widened_network
from klotho.deploy.consequences.permissions import widened_logins, widened_permissions
from klotho.deploy.consequences.resource_policies import widened_resource_policies

__all__ = ["Consequence", "Kind", "consequences"]

_LOOKS = (new_exposure, widened_resource_policies, widened_network, widened_permissions, widened_logins)
_ORDER: tuple[Kind, ...] = ("public", "network", "permission")


def consequences(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> tuple[Consequence, ...]:
    """What all templates after the change allow that all templates before it did not."""
    was, will = Landscape(before), Landscape(after)
    found = [item for look in _LOOKS for item in look(was, will)]
    return _together(sorted(found, key=lambda item: (_ORDER.index(item.kind), item.fresh, item.text, item.details)))


def _together(found: list[Consequence]) -> tuple[Consequence, ...]:
    """The same sentence once, with the details of all."""
    merged: dict[tuple[str, str, bool], Consequence] = {}
    for item in found:
        key = (item.kind, item.text, item.fresh)
        known = merged.get(key)
        if known is None:
            merged[key] = item
        else:
            details = tuple(dict.fromkeys((*known.details, *item.details)))
            merged[key] = Consequence(
                item.kind, item.text, known.stack, known.logical_id, known.construct, details, item.fresh
            )
    return tuple(merged.values())
