"""What the application at hand would take away from others, compared with what it published last.

Each conflict here is one that a person may agree to by the name of who is broken (`Conflict.breaks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klotho.application import Application, Construct, ConstructId
from klotho.catalogue.kinds import default_implementation
from klotho.registry.conflict import Conflict, Place, conflict, consenting, listed
from klotho.registry.joined import Joined, Member, Mention, ids_of, owners
from klotho.registry.rules.replaced import reasons

_SHOWN_USES = 3


def used(joined: Joined) -> Iterator[tuple[Construct, ConstructId, Sequence[Mention]]]:
    """What the application at hand has published and others refer to, by which id, and who does."""
    local, before = joined.local, joined.before
    if local is None or before is None:
        return
    published = {name: item for item in before.application.constructs if not item.from_project for name in ids_of(item)}
    for name, mentions in joined.references.items():
        users = [item for item in mentions if item.member is not local]
        made = [item for item in joined.definitions.get(name, ()) if item.member is not local]
        if name in published and users and not made:
            yield published[name], name, users


def removed(joined: Joined) -> Iterator[Conflict]:
    """What is not there any more under the name that others use."""
    local, before = joined.local, joined.before
    for old, name, users in used(joined):
        assert local is not None and before is not None
        refers = any(item.member is local for item in joined.references.get(name, ()))
        if refers or any(item.member is local for item in joined.definitions.get(name, ())):
            continue  # a reference to what it had itself is told as one that is dangling
        broken = owners(users)
        what, why, helps = _gone(joined, local, before, old, name)
        yield conflict(
            "in-use-elsewhere",
            f"{what} would break {listed(broken)} in project `{joined.project}`",
            [Place(before, old.span, "as it was published"), *map(_use, users)],
            notes=why,
            helps=[*helps, consenting(joined, broken)],
            held=[local.name, *broken],
            breaks=broken,
            construct=name,
        )


def changed(joined: Joined) -> Iterator[Conflict]:
    """What is another thing now, although its name is the same."""
    local, before = joined.local, joined.before
    for old, name, users in used(joined):
        assert local is not None and before is not None
        new = next((item for item in local.application.constructs if item.id == old.id and not item.from_project), None)
        if new is None:
            continue
        broken = owners(users)
        for why in reasons(before.application, old, local.application, new, joined.environment):
            yield conflict(
                "changed-in-use",
                f"a change of {new.title} would break {listed(broken)} in project `{joined.project}`: {why}",
                [Place(local, new.span), *map(_use, users)],
                helps=[
                    f"undo that change, or describe a second {new.kind} under another name, which {listed(broken)} "
                    "can move to",
                    consenting(joined, broken),
                ],
                held=[local.name, *broken],
                breaks=broken,
                construct=name,
            )


def _gone(
    joined: Joined, local: Member, before: Member, old: Construct, name: ConstructId
) -> tuple[str, list[str], list[str]]:
    """What happens to it, why it is not found again, and what to do."""
    title, label = old.title, name.rpartition("/")[2]
    users_first = "remove the reference there, run `klotho up` there, then here"
    if joined.leaving:
        return f"taking down `{local.name}`, which has {title},", [], [f"{users_first}; or `klotho down` there, first"]
    other_kind = [item for item in local.application.constructs if item.label == label and item.kind != old.kind]
    if other_kind:
        new = other_kind[0]
        return (
            f"making {title} a {new.kind}",
            [f"it is one now: {local.line(new.span)}"],
            [f"give the {new.kind} another name, and keep the {old.kind} until nobody refers to it"],
        )
    renamed = _new_name(local.application, before.application, old)
    if renamed is not None:
        return (
            f'renaming {title} to "{renamed.label}"',
            [f"{local.line(renamed.span)} is new and of the same kind"],
            [_keeping(old, label)],
        )
    return f"removing {title}", [], [f"keep it; or {users_first}"]


def _keeping(old: Construct, label: str) -> str:
    """How users go on finding it. What holds data can be renamed in the program alone."""
    made = default_implementation(old)
    if made is not None and made.stateful:
        return f'if it is the same: add `was="{old.name}"` to it; its data stay, and others find it as "{label}"'
    return f'keep the name "{label}"; or keep it until nobody refers to it, and make the new one beside it'


def _new_name(local: Application, before: Application, old: Construct) -> Construct | None:
    """What it may be called now: itself, known by the name it is deployed under, or the only new one of its kind."""
    itself = next((item for item in local.constructs if item.id == old.id and not item.from_project), None)
    if itself is not None:
        return itself
    new = [item for item in local.constructs if item.kind == old.kind and item.id not in before.by_id]
    return new[0] if len(new) == 1 and not new[0].from_project else None


def _use(mention: Mention) -> Place:
    """`which uses it: reads_from (infra.py:9)`."""
    told = []
    for item in mention.relationships():
        told.append(f"`{item.verb}` ({item.span})" if item.span else f"`{item.verb}`")
    more = f" and {len(told) - _SHOWN_USES} more" if len(told) > _SHOWN_USES else ""
    said = f"which uses it: {', '.join(told[:_SHOWN_USES])}{more}" if told else "which refers to it"
    return Place.of(mention, said)
