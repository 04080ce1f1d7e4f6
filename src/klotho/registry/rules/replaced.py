"""Changes of a construct's parameters that its users in other repositories do not survive.

Input: a construct as it was published and as it is now, with their applications. Output: reasons, in words that go
after the construct's name. A change is one if what others hold (an ARN, a URL, a login, a key they query by) leads
nowhere afterwards, or if the engine speaks another language. What is only larger, longer or newer is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from klotho.application import Application, Construct
from klotho.registry.rules.parameters import parameter

Judge = Callable[[Any, Any], str | None]
"""The value before and the value now; why that breaks users, None if it does not."""


def reasons(before: Application, old: Construct, now: Application, new: Construct, environment: str) -> Iterator[str]:
    """Every reason why users of `old` do not find it again in `new`."""
    found = old.adopted_in(environment), new.adopted_in(environment)
    adopted = tuple(item.id if item is not None else None for item in found)
    if adopted[0] != adopted[1]:
        yield _adopted(adopted[0], adopted[1])
        return
    if adopted[0] is not None:
        return  # what it is like is not the program's to say
    for name, judge in _JUDGES.get(old.kind, {}).items():
        values = parameter(before, old, name), parameter(now, new, name)
        why = judge(*values) if values[0] != values[1] else None
        if why is not None:
            yield why


def _adopted(before: str | None, now: str | None) -> str:
    if now is None:
        return f"it was adopted (`{before}`), and would be a new one"
    if before is None:
        return f"it would be one that is there already (`{now}`) in place of the one that was made"
    return f"it would be `{now}` in place of `{before}`"


def _key(before: Any, now: Any) -> str:
    return f"its key changes from {_names(before)} to {_names(now)}, which replaces the table by a new, empty one"


def _indexes(before: Any, now: Any) -> str | None:
    old, new = (item if isinstance(item, Mapping) else {} for item in (before, now))
    lost = [name for name in old if name not in new]
    other = [name for name in old if name in new and new[name] != old[name]]
    told = [f"its index {name} goes" for name in map(_quoted, lost)]
    told += [f"its index {name} gets another key" for name in map(_quoted, other)]
    return ", ".join(told) or None


def _fifo(before: Any, now: Any) -> str | None:
    if bool(before) == bool(now):
        return None
    how = "becomes FIFO" if now else "is FIFO no longer"
    return f"it {how}, which replaces it by a new one with another ARN"


def _major(before: Any, now: Any) -> str:
    """Of engines whose versions are all major ones: minor versions follow by themselves."""
    return f"its version goes {'down' if _below(now, before) else 'up'} from {before} to {now}, a major change"


def _major_or_down(before: Any, now: Any) -> str | None:
    """Of engines whose version has a minor part."""
    if str(before).split(".")[0] != str(now).split(".")[0]:
        return _major(before, now)
    return f"its version goes down from {before} to {now}" if _below(now, before) else None


def _cluster(before: Any, now: Any) -> str | None:
    if bool(before) == bool(now):
        return None
    how = "becomes a cluster" if now else "is a cluster no longer"
    return f"it {how}, which clients speak to in another way"


def _public(before: Any, now: Any) -> str | None:
    if (before is False) == (now is False):
        return None
    return f"it becomes {'private' if now is False else 'public'}, which replaces it by a new one with another address"


def _fixed(what: str, replaces: str) -> Judge:
    return lambda before, now: f"{what} changes from `{before}` to `{now}`{replaces}"


_JUDGES: Mapping[str, Mapping[str, Judge]] = {
    "API": {"public": _public},
    "Auth.OIDC": {
        "issuer": _fixed("its issuer", ": tokens of the former one are still what the other's routes ask for")
    },
    "Auth.UserPool": {"sign_in": _fixed("`sign_in`", ", which replaces the pool by a new, empty one")},
    "Databases.KeyValue": {"key": _key, "indexes": _indexes},
    "Databases.MySQL": {"version": _major},
    "Databases.Postgres": {"version": _major},
    "Databases.Redis": {"version": _major_or_down, "cluster": _cluster},
    "Messaging.Queue": {"fifo": _fifo},
    "Messaging.Topic": {"fifo": _fifo},
    "Network": {"cidr": _fixed("its address range", ", which replaces the network")},
}


def _below(one: Any, other: Any) -> bool:
    """Whether a version is lower than another one; text that is no version compares as text."""
    first, second = ([int(part) if part.isdigit() else part for part in str(item).split(".")] for item in (one, other))
    try:
        return first < second
    except TypeError:
        return str(one) < str(other)


def _names(key: Any) -> str:
    """`id`, or `tenant` and `id`; with the types where they are not text."""
    if not isinstance(key, list | tuple):
        return _quoted(key)
    return " and ".join(_attribute(item) for item in key) or "none"


def _attribute(item: Any) -> str:
    if isinstance(item, list | tuple) and len(item) == 2:
        return _quoted(item[0]) + ("" if item[1] == "S" else f" ({item[1]})")
    return _quoted(item)


def _quoted(name: Any) -> str:
    return f"`{name}`"
