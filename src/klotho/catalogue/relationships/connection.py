"""How running code learns its connections: one environment variable each, read by `klotho.config`.

The variable's value is JSON with the name the user gave, so that nothing is ever decoded from the variable's own name.
Secrets stand in it as references (ARNs), never as values.
"""

from __future__ import annotations

from typing import Any

from klotho.application import Construct
from klotho.catalogue.rules import Link
from klotho.resources import json_text
from klotho.resources.changes import Action
from klotho.resources.naming import environment_suffix

DATA_VERBS = ("reads_from", "writes_to", "read_writes_to")


def connection(link: Link, group: str, target: Construct, facts: dict[str, Any]) -> Action:
    """The variable for `target` on the actor; `group` is `DATASTORE` or `SERVICE`."""
    value = json_text({"name": target.name, "kind": target.kind, **facts})
    name = f"KLOTHO_{group}_{environment_suffix(target.name)}"
    return link.setting.compute(link.actor).environment(link.actor, name, value)


def access(link: Link) -> str:
    """`read`, `write` or `read_write`: everything this actor may do with this target, over all its verbs."""
    verbs = {
        item.verb for item in link.setting.application.relationships_of(link.actor.id) if item.target == link.target.id
    }
    reads = bool(verbs & {"reads_from", "read_writes_to"})
    writes = bool(verbs & {"writes_to", "read_writes_to"})
    return "read_write" if reads and writes else "write" if writes else "read"
