"""Why a name was not found: group, name and the environment in, an error out that says what to do."""

from __future__ import annotations

import difflib

from klotho.runtime.errors import NotUnderKlothoError, UnknownNameError
from klotho.runtime.grants import PREFIXES, Grant, granted, this_service, under_klotho

_VERBS = {
    "datastores": ("reads_from", "writes_to", "read_writes_to"),
    "services": ("calls",),
    "buckets": ("reads_from", "writes_to", "read_writes_to"),
    "queues": ("sends_to", "consumes"),
    "topics": ("publishes_to", "subscribes_to"),
    "schedules": ("triggered_by",),
    "secrets": ("uses",),
    "user_pools": ("uses", "reads_from", "writes_to", "read_writes_to"),
}
_SINGULAR = {group: group[:-1] for group in PREFIXES}


def unknown_name(group: str, name: str) -> UnknownNameError:
    """The error for a name that was not granted in this group."""
    if not under_klotho():
        return NotUnderKlothoError(
            f"cannot look up {_SINGULAR[group]} {name!r}: this program does not run under Klotho (no KLOTHO_ variable "
            "is set). Start the application with `klotho up`, or run one command with a service's environment: "
            "`klotho exec SERVICE -- COMMAND`."
        )
    grants = list(granted(group))
    me = this_service()
    who = f"this service ({me!r})" if me else "this service"
    lines = [f"{who} was granted no {_SINGULAR[group]} named {name!r}."]
    nearest = closest(name, [grant.name for grant in grants])
    if nearest:
        lines[0] += f" Did you mean {nearest!r}?"
    lines.append(f"Granted {group}: {', '.join(_listed(grant) for grant in grants) or 'none'}.")
    for other in PREFIXES:
        if other != group and any(grant.name == name for grant in granted(other)):
            lines.append(f"{name!r} is granted as a {_SINGULAR[other]}: use klotho.config.{other}.get({name!r}).")
    lines.append(_how_to_grant(group, name, me))
    return UnknownNameError("\n".join(lines))


def closest(name: str, known: list[str]) -> str | None:
    """The known name nearest to this one by spelling, else by a shared word; None if nothing is near."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return folded[near[0]]
    words = _words(name)
    scored = [(len(words & _words(candidate)), candidate) for candidate in known]
    best = max(scored, default=(0, ""), key=lambda pair: pair[0])
    return best[1] if best[0] else None


def _words(name: str) -> set[str]:
    spaced = "".join(letter if letter.isalnum() else " " for letter in name.casefold())
    # Short words (`db`, `api`) and the words of every second name say nothing about which one was meant.
    return {word for word in spaced.split() if len(word) > 3} - {
        "service",
        "lambda",
        "function",
        "table",
        "queue",
    }


def _listed(grant: Grant) -> str:
    access = grant.fields.get("access")
    return f"{grant.name} ({', '.join(str(part) for part in (grant.kind, access) if part)})"


def _how_to_grant(group: str, name: str, me: str) -> str:
    if group == "settings":
        return "Settings come from infra.py: give this service environment={…} and read it with os.environ."
    actor, target = _identifier(me or "this_service"), _identifier(name)
    ways = [f"{actor}.{verb}({target})" for verb in _VERBS[group]]
    choice = ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
    return f"To grant it, write {choice} in infra.py and run `klotho up`."


def _identifier(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
