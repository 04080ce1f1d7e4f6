"""Moves that an earlier run left half-way: data that the other stack is to import, and has not yet.

Input: the live stacks, and a reader of templates. Output: `Interrupted`s, and what is deployed once they are finished,
as far as it can be said before. Never touches anything: `Mover.finish` finishes them. A move by stack refactor has no
such state: it is done as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.retention import PLACEHOLDER as STAND_IN
from klotho.deploy.moves import PLACEHOLDER, Deployed, Reads, Template
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.template import construct_of


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What one stack is still to import."""

    stack: DeployedStack
    """The one that is to have the resources; its template says so."""
    template: Template
    """As it is deployed."""
    waiting: Mapping[str, Mapping[str, Any]]
    """By logical id in this stack, the notes of `Mover`: `type`, `identifier`, `from`, `resource`."""

    @property
    def sources(self) -> tuple[str, ...]:
        """CloudFormation names of the stacks that have, or had, the resources."""
        return tuple(sorted({str(item["from"][0]) for item in self.waiting.values()}))

    @property
    def constructs(self) -> tuple[str, ...]:
        return tuple(sorted({construct_of(item["resource"]) for item in self.waiting.values()}))

    def to_json(self) -> dict[str, Any]:
        ids = {str(item["from"][1]): name for name, item in self.waiting.items()}
        return {
            "constructs": list(self.constructs),
            "from": list(self.sources),
            "to": self.stack.stack_name,
            "logical_ids": ids,
        }


def interrupted(stacks: Iterable[DeployedStack], calls: Reads) -> list[Interrupted]:
    """Every move that was not finished, by stack; reads only templates of stacks whose digest says that they moved."""
    found = []
    for stack in sorted((item for item in stacks if item.moving), key=lambda item: item.stack_name):
        template = calls.template(stack.stack_name)
        noted = template.get("Metadata", {}).get("klotho", {}).get("importing", {})
        waiting = {name: item for name, item in noted.items() if name not in template["Resources"]}
        if waiting:
            found.append(Interrupted(stack, template, waiting))
    return found


def once_finished(deployed: Deployed, broken: Iterable[Interrupted], calls: Reads) -> Deployed:
    """What is deployed once they are finished."""
    templates = dict(deployed.templates)
    for item in broken:
        name = item.stack.stack_name
        arriving = {key: note["resource"] for key, note in item.waiting.items()}
        here = templates.get(name, item.template)
        templates[name] = {**here, "Resources": {**here["Resources"], **arriving}}
        for source in item.sources:
            if source in deployed.stacks:
                gone = {note["from"][1] for note in item.waiting.values() if note["from"][0] == source}
                there = templates.get(source) or calls.template(source)
                left = {key: resource for key, resource in there["Resources"].items() if key not in gone}
                templates[source] = {**there, "Resources": left or {PLACEHOLDER: STAND_IN}}
    return Deployed(deployed.stacks, templates)
