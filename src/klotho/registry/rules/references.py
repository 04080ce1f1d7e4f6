"""References to what nobody defines, or what is of another kind.

A reference that the application at hand would leave dangling is told by `changes`, as what it breaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klotho.application import ConstructId
from klotho.diagnostics import Span, nearest
from klotho.registry.conflict import Conflict, Place, conflict, listed
from klotho.registry.entry import Broken
from klotho.registry.joined import Joined, Member, Mention, ids_of, owners


def dangling(joined: Joined) -> Iterator[Conflict]:
    """`from_project=True` for what no application has published."""
    for name, mentions in joined.references.items():
        if joined.definitions.get(name):
            continue
        others = joined.by_name.get(mentions[0].construct.name, ())
        for asking in mentions:
            if _had_it(joined, name) and not asking.member.here:
                continue
            yield _wrong_kind(joined, asking, others[0]) if len(others) == 1 else _missing(joined, asking, others)


def _wrong_kind(joined: Joined, asking: Mention, made: Mention) -> Conflict:
    own = made.member is asking.member
    whose = "this program itself" if own else f"`{made.member.name}`"
    return conflict(
        "wrong-kind",
        f"`{asking.construct.name}` of {whose} is a {made.construct.kind}, and no {asking.construct.kind}",
        [Place.of(asking, "which refers to it"), Place.of(made, "which defines it")],
        helps=[
            "use the one that is made here, without `from_project=True`"
            if own
            else f'refer to it as what it is: `{made.construct.kind}("{asking.construct.name}", from_project=True)`'
        ],
        held=[asking.member.name],
    )


def _missing(joined: Joined, asking: Mention, others: Sequence[Mention]) -> Conflict:
    construct, user = asking.construct, asking.member.name
    places = [Place.of(asking, "which refers to it")]
    notes: list[str] = []
    helps: list[str] = []
    known = [item for item in joined.elsewhere if _defines(item, construct.id)]
    if known:
        places += [
            Place(item, _defined_at(item, construct.id), f"which defines it in {item.environment}") for item in known
        ]
        helps += [
            f"run `klotho up` where `{item.name}` is ({item.where}) first, then here"
            for item in {item.name: item for item in known}.values()
        ]
    if others:
        places += [Place.of(item, f"which defines a {item.construct.kind} of this name") for item in others]
    labels = joined.by_kind.get(construct.kind, {})
    for label in nearest(construct.name, labels):
        helps.append(f"did you mean `{label}` of `{labels[label].member.name}` ({labels[label].line})?")
    notes += [
        f"`{member.name}` had it, and has broken `{user}` by `--allow-breaking`: {broken.why}"
        for member, broken in _taken_away(joined, asking)
    ]
    if asking.member.here and _had_it(joined, construct.id):
        notes += [f"`{name}` refers to it, too" for name in owners(joined.references[construct.id]) if name != user]
        helps.append("keep the definition here; to move it: remove it here first, then add it there, then refer to it")
    elif not known:
        helps.append(
            "if it is defined in a repository that is not deployed yet: run `klotho up` there first, then here"
        )
        notes.append(_published(joined, user))
    return conflict(
        "dangling-reference",
        f"no application of project `{joined.project}` defines {construct.title} in {joined.environment}",
        places,
        notes=notes,
        helps=helps,
        held=[user],
        missing=True,
    )


def _published(joined: Joined, user: str) -> str:
    names = [item.name for item in joined.members if item.name != user]
    if not names:
        return f"nobody else of the project has published in {joined.environment} yet"
    return f"so far {listed(names)} {'has' if len(names) == 1 else 'have'} published there"


def _had_it(joined: Joined, name: ConstructId) -> bool:
    """Whether the application at hand is the one that takes it away."""
    return joined.before is not None and _defines(joined.before, name)


def _defines(member: Member, name: ConstructId) -> bool:
    return any(name in ids_of(item) and not item.from_project for item in member.application.constructs)


def _defined_at(member: Member, name: ConstructId) -> Span | None:
    return next((item.span for item in member.application.constructs if name in ids_of(item)), None)


def _taken_away(joined: Joined, asking: Mention) -> Iterator[tuple[Member, Broken]]:
    """The last time each member has broken the one that asks by what it asks for."""
    for member in joined.members:
        for broken in member.broke:
            if (broken.application, broken.construct) == (asking.member.name, asking.construct.id):
                yield member, broken
                break
