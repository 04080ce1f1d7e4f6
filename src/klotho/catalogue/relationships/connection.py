"""How running code learns its connections: one environment variable each, read by `klotho.config`.

The variable's value is JSON with the name the user gave, so that nothing is ever decoded from the variable's own name.
Secrets stand in it as references (ARNs), never as values.
"""

from __future__ import annotations

from typing import Any

from klotho.application import Construct
from klotho.catalogue.rules import Link
from klotho.diagnostics import Label, Report
from klotho.resources import json_text
from klotho.resources.changes import Action
from klotho.resources.naming import environment_suffix

DATA_VERBS = ("reads_from", "writes_to", "read_writes_to")
_CONNECTING = {**dict.fromkeys(DATA_VERBS, "datastores"), "calls": "services"}
"""The group of `klotho.config` in which a verb's target is found."""


def check_name(link: Link, report: Report) -> None:
    """Refuses two things of one name and different kinds: the code asks by name alone and can't tell them apart."""
    group = _CONNECTING[link.relationship.verb]
    for earlier in link.setting.application.relationships_of(link.actor.id):
        if earlier is link.relationship:
            return
        other = link.setting.application.construct(earlier.target)
        kind, name = other.kind, other.label
        if _CONNECTING.get(earlier.verb) == group and name == link.target.label and kind != link.target.kind:
            report.error(
                "ambiguous-name",
                f'{link.actor.title} uses two things named "{name}": {kind} and {link.target.kind}',
                link.relationship.span,
                also=[Label(earlier.span, "the other one")] if earlier.span else [],
                notes=[f'its code asks for either by `klotho.config.{group}.get("{name}")`'],
                helps=["give one of them another name"],
            )
            return


def connection(link: Link, group: str, target: Construct, facts: dict[str, Any]) -> Action:
    """The variable for `target` on the actor; `group` is `DATASTORE` or `SERVICE`."""
    value = json_text({"name": target.label, "kind": target.kind, **facts})
    name = f"KLOTHO_{group}_{environment_suffix(target.label)}"
    return link.setting.compute(link.actor).environment(link.actor, name, value)


def access(link: Link) -> str:
    """`read`, `write` or `read_write`: everything this actor may do with this target, over all its verbs."""
    verbs = {
        item.verb for item in link.setting.application.relationships_of(link.actor.id) if item.target == link.target.id
    }
    reads = bool(verbs & {"reads_from", "read_writes_to"})
    writes = bool(verbs & {"writes_to", "read_writes_to"})
    return "read_write" if reads and writes else "write" if writes else "read"
