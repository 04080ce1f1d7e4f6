"""What is wrong with the applications of a project together, though each is right by itself.

Input: a snapshot of the registry, and the application at hand as it is now, which stands for its own entry. Output:
`Conflict` values, each naming the applications, their lines and what to do. Pure: the same input gives the same
conflicts in the same order, whatever the order of the entries. Entries that can't be read come first: nobody knows
what they define. What else is looked at is `rules.RULES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from klotho.application import Application
from klotho.registry.conflict import Conflict
from klotho.registry.entry import Broken, Entry
from klotho.registry.joined import Joined, Member
from klotho.registry.registry import Snapshot
from klotho.registry.rules import RULES, Rule


def join(
    snapshot: Snapshot,
    local: Application | None = None,
    where: str = "",
    *,
    elsewhere: Iterable[Entry] = (),
    rules: Sequence[Rule] = RULES,
) -> list[Conflict]:
    """Every conflict; `where` is the folder of `local`, the application at hand. `elsewhere`: entries of the project
    in other environments, which say who would define what is missing in this one."""
    members = [_member(item) for item in snapshot.entries if local is None or item.application.name != local.name]
    before = None
    if local is not None:
        own = [item for item in snapshot.entries if item.application.name == local.name]
        members.append(Member(local, where, here=True, broke=tuple(broken for item in own for broken in _broke(item))))
        before = _before(snapshot, local.name, where)
    others = [_member(item, item.environment) for item in elsewhere if item.environment != snapshot.environment]
    joined = Joined(snapshot.project, snapshot.environment, members, before, others)
    return [*_unreadable(snapshot), *_found(joined, rules)]


def leave(snapshot: Snapshot, application: str, where: str = "", *, rules: Sequence[Rule] = RULES) -> list[Conflict]:
    """What taking an application down would break, and entries of others that can't be read: they may use it too."""
    before = _before(snapshot, application, where)
    if before is None:
        return [item for item in _unreadable(snapshot) if application not in item.applications]
    members = [_member(item) for item in snapshot.entries if item.application.name != application]
    members.append(Member(emptied(before.application), where, here=True))
    joined = Joined(snapshot.project, snapshot.environment, members, before, leaving=True)
    unreadable = [item for item in _unreadable(snapshot) if application not in item.applications]
    return [*unreadable, *(item for item in _found(joined, rules) if item.breaks)]


def emptied(application: Application) -> Application:
    """What an application is once it is taken down."""
    return replace(application, constructs=(), relationships=(), requirements=(), directives=())


def _found(joined: Joined, rules: Sequence[Rule]) -> list[Conflict]:
    return [conflict for rule in rules for conflict in rule(joined)]


def _unreadable(snapshot: Snapshot) -> list[Conflict]:
    found = sorted(snapshot.unreadable, key=lambda item: item.application)
    return [Conflict(frozenset({item.application}), item.diagnostic, True) for item in found]


def _before(snapshot: Snapshot, name: str, where: str) -> Member | None:
    for entry in snapshot.entries:
        if entry.application.name == name:
            return Member(entry.application, where or entry.origin.shown())
    return None


def _member(entry: Entry, environment: str | None = None) -> Member:
    return Member(entry.application, entry.origin.shown(), environment=environment, broke=_broke(entry))


def _broke(entry: Entry) -> tuple[Broken, ...]:
    return tuple(broken for item in entry.history for broken in item.broke)
