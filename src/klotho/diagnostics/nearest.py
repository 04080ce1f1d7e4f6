"""Offers the names the user may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(wanted: str, names: Iterable[str], limit: int = 1) -> list[str]:
    """The closest of `names`, ignoring case, best first; empty when nothing is close."""
    by_folded = {name.casefold(): name for name in sorted(names, reverse=True)}
    found = get_close_matches(wanted.casefold(), list(by_folded), n=limit, cutoff=0.6)
    if not found:
        found = sorted(name for name in by_folded if name.startswith(wanted.casefold()) and wanted)[:limit]
    return [by_folded[name] for name in found]


def did_you_mean(wanted: str, names: Iterable[str]) -> str | None:
    """A help line such as "did you mean `postgres`?", or None."""
    found = nearest(wanted, names)
    return f"did you mean `{found[0]}`?" if found else None


def meant_or_listed(wanted: str, names: Iterable[str], lead: str = "it has") -> str | None:
    """One help line: the nearest name, else all of them (`it has …`); None where there are none."""
    known = sorted(names)
    return did_you_mean(wanted, known) or (f"{lead} {one_of(known)}" if known else None)


def one_of(names: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
