"""Refuses a deployment that would delete data nobody has given up by name, before anything is deployed.

Input: what would change, and the names of what may go. Output: nothing, or `ConsentNeeded`, which names the construct,
the property and the user's line, and says whether a rename is what was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from klotho.catalogue.facts.replacement import rules
from klotho.deploy.differences import ResourceChange
from klotho.deploy.moves import Rename
from klotho.diagnostics import Failure, Span, one_of


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a person has agreed to, by name."""

    delete: frozenset[str] = frozenset()
    """Constructs whose data may be deleted."""
    moves: Mapping[str, str] = field(default_factory=dict)
    """New names of constructs by the former ones, whose data they keep."""


NOTHING_AGREED = Agreed()


class ConsentNeeded(Failure):
    """Data would be deleted: a person may agree to it, or say that a new construct is the old one."""

    names: tuple[str, ...] = ()
    """Whose data would be deleted."""
    renames: tuple[Rename, ...] = ()
    """New constructs that could keep the data."""


def refuse_data_loss(
    changes: Iterable[ResourceChange],
    spans: Mapping[str, Span],
    *,
    consented: frozenset[str] = frozenset(),
    labels: Mapping[str, str] | None = None,
    renames: Sequence[Rename] = (),
    protected: bool = False,
    note: str = "",
) -> None:
    """ConsentNeeded when one of the changes loses data that is not `consented` to.

    `spans` and `labels` are the user's lines and names by construct id. In a `protected` environment nobody can agree.
    """
    lost: dict[str, list[ResourceChange]] = {}
    for item in changes:
        name = data_name(item.construct, item.logical_id, labels or {})
        if item.loses_data and name not in consented:
            lost.setdefault(name, []).append(item)
    if not lost:
        return
    found = [item for items in lost.values() for item in items]
    meant = [rename for rename in renames if rename.old in lost]
    failure = ConsentNeeded(
        "data-would-be-deleted",
        f"this would delete the data of {one_of(lost)}",
        at=next((spans[item.construct] for item in found if item.construct in spans), None),
        notes=[*(line for item in found for line in _reasons(item)), *([note] if note else [])],
        helps=(*map(_meaning, meant), "undo that change", None if protected else _letting_go(lost)),
    )
    if not protected:
        failure.names, failure.renames = tuple(lost), tuple(meant)
    raise failure


def data_name(construct: str, logical_id: str, labels: Mapping[str, str]) -> str:
    """How a person names what holds data: the construct's name, or the logical id of what belongs to none."""
    return labels.get(construct) or construct.rpartition("/")[2] or logical_id


def _meaning(rename: Rename) -> str:
    return (
        f'if `{rename.new}` is the new name of `{rename.old}`, keep its data: add `was="{rename.old}"` to '
        f'{rename.kind}("{rename.new}"), or run it with `--move {rename.old}={rename.new}`'
    )


def _letting_go(names: Iterable[str]) -> str:
    options = " ".join(f"--delete-data {name}" for name in names)
    return f"run it with `{options}` to lose the data for good"


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
