"""Two applications that define one thing: a domain, or a construct that somebody refers to.

Two constructs of one kind and name that nobody shares are none of the project's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klotho.registry.conflict import Conflict, Place, conflict, listed
from klotho.registry.joined import Joined, Mention, owners

_DOMAIN = "Domain"


def domains(joined: Joined) -> Iterator[Conflict]:
    """A name of the internet that two claim; one that is adopted is no claim."""
    for mentions in joined.definitions.values():
        if mentions[0].construct.kind != _DOMAIN:
            continue
        claims = [item for item in mentions if item.construct.adopted_in(joined.environment) is None]
        if len(owners(claims)) < 2:
            continue
        name, other = claims[0].construct.name, _other(claims).member.name
        yield conflict(
            "domain-claimed-twice",
            f"the domain `{name}` is claimed by {listed(owners(claims))} in project `{joined.project}`",
            [Place.of(item) for item in claims],
            notes=["a name leads to one place only: whoever is deployed last would take it from the other"],
            helps=[
                f"give one of them another name, for example `{other.lower().replace('_', '-')}.{name}`",
                f"if it moves: remove it from `{other}`, run `klotho up` there, then here",
            ],
        )


def ambiguous(joined: Joined) -> Iterator[Conflict]:
    """A reference to what several define."""
    for name, asking in joined.references.items():
        made = joined.definitions.get(name, ())
        if len(owners(made)) < 2 or made[0].construct.kind == _DOMAIN:
            continue
        other = _other(made).member.name
        one = next(item for item in owners(made) if item != other)
        yield conflict(
            "duplicate-definition",
            f"{asking[0].construct.title} is defined by {listed(owners(made))} in project `{joined.project}`",
            [Place.of(item) for item in made],
            notes=[
                f"`{item.member.name}` uses it by `from_project=True` ({item.line}): which of them it means is not "
                "clear"
                for item in asking
            ],
            helps=[
                f"give the one in `{other}` another name, or use that of `{one}` there, by `from_project=True`",
            ],
            held=owners([*made, *asking]),
        )


def _other(mentions: Sequence[Mention]) -> Mention:
    """The first that is not the application at hand."""
    return next(item for item in mentions if not item.member.here)
