"""Refuses a deployment that would delete data, before anything is deployed.

Input: what would change. Output: nothing, or the `Failure` `data-would-be-deleted` that names the construct, the
property and the user's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from klotho.catalogue.facts.replacement import rules
from klotho.deploy.differences import ResourceChange
from klotho.diagnostics import Failure, Span, one_of


def refuse_data_loss(changes: Iterable[ResourceChange], spans: Mapping[str, Span], *, note: str = "") -> None:
    """Failure when one of the changes loses data; `spans` are the user's lines by construct id."""
    lost = [item for item in changes if item.loses_data]
    if not lost:
        return
    names = dict.fromkeys(item.construct.rpartition("/")[2] or item.logical_id for item in lost)
    raise Failure(
        "data-would-be-deleted",
        f"this would delete the data of {one_of(names)}",
        at=next((spans[item.construct] for item in lost if item.construct in spans), None),
        notes=[*(line for item in lost for line in _reasons(item)), *([note] if note else [])],
        helps=("undo that change", "run it with `--delete-data` to lose the data for good"),
    )


def _reasons(item: ResourceChange) -> list[str]:
    shown = f"{item.logical_id} ({item.type})"
    if item.change == "remove":
        return [f"{shown} would be removed"]
    why = {rule.property: rule.reason for rule in rules(item.type)}
    return [
        f"{shown} would be replaced by a new, empty one: {name} can't be changed in place"
        + (f" ({why[name]})" if name in why else "")
        for name in item.replaced_by
    ]
