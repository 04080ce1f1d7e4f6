"""What moves instead of being made anew: data that another stack is to hold, and constructs with another name.

Input: the manifest, its templates, and the templates that are deployed. Output: `Move`s, `Rename`s that may be meant,
and the deployed templates as they are once the moves are done. Never touches anything. A move is certain (the construct
is the same, its stack is another one); a rename is a guess, and needs a person's word.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from klotho.catalogue.facts import is_custom
from klotho.deploy.desired import deployed_digest
from klotho.deploy.differences import differences, holds_data
from klotho.deploy.literals import Reference, filled, references_in
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.template import construct_of, parsed
from klotho.resources.naming import dashed, database_name, pascal
from klotho.stacks import Manifest

Template = Mapping[str, Any]
PLACEHOLDER = "KlothoPlaceholder"
"""A resource that costs nothing, in stacks that would hold none for a moment: CloudFormation has no empty stacks."""


class MovedResource(NamedTuple):
    """One resource that moves."""

    source: str
    """Its logical id now."""
    target: str
    """Its logical id in the other stack."""
    type: str


@dataclass(frozen=True, slots=True)
class Move:
    """A construct's resources go from one stack to another, and stay what they are."""

    construct: str
    source: str
    """The CloudFormation name of the stack that has them."""
    target: str
    """The CloudFormation name of the stack that is to have them."""
    resources: tuple[MovedResource, ...]

    @property
    def names(self) -> dict[str, str]:
        """New logical ids by old ones."""
        return {item.source: item.target for item in self.resources}


class Rename(NamedTuple):
    """A construct that is gone, and a new one that looks like it."""

    kind: str
    old: str
    new: str
    construct: str
    """The id of the new one."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stacks that are deployed, and the templates of those that matter here."""

    stacks: Mapping[str, DeployedStack]
    templates: Mapping[str, Template] = field(default_factory=dict)
    """Of stacks with data whose template is another one than the manifest's, by CloudFormation name."""

    @property
    def data(self) -> dict[str, list[tuple[str, str]]]:
        """Stack and logical id of what holds data, by construct."""
        found: dict[str, list[tuple[str, str]]] = {}
        for stack, template in self.templates.items():
            for logical_id, resource in _resources(template).items():
                if holds_data(resource):
                    found.setdefault(construct_of(resource), []).append((stack, logical_id))
        return found


class Reads(Protocol):
    """Reads the template a stack is deployed with (`StackCalls`)."""

    def template(self, stack_name: str) -> dict[str, Any]: ...


class Projected:
    """Reads templates as they will be: the given ones, else the deployed ones."""

    def __init__(self, calls: Reads, templates: Mapping[str, Template]) -> None:
        self._calls = calls
        self._templates = templates

    def template(self, stack_name: str) -> dict[str, Any]:
        found = self._templates.get(stack_name)
        return self._calls.template(stack_name) if found is None else dict(found)


def read_deployed(manifest: Manifest, stacks: Mapping[str, DeployedStack], calls: Reads) -> Deployed:
    """Reads the template of each stack with data that is not as the manifest has it; none where nothing changed."""
    wanted = {stack.stack_name: stack for stack in manifest.stacks}
    found = {}
    for name, there in stacks.items():
        stack = wanted.get(name)
        same = stack is not None and there.digest == deployed_digest(stack, there.parameters)
        # One that was never finished holds nothing, or nothing that anybody has used.
        if there.stateful and not same and (there.usable or there.busy):
            found[name] = calls.template(name)
    return Deployed(stacks, found)


def planned_moves(manifest: Manifest, templates: Mapping[str, bytes], deployed: Deployed) -> list[Move]:
    """Constructs whose data the manifest has in another stack than the deployment."""
    if not deployed.templates:
        return []
    homes = _homes(manifest, templates)
    moves = []
    for construct, places in deployed.data.items():
        target = homes.get(construct)
        sources = {stack for stack, _ in places}
        if target is None or len(sources) != 1 or target[0] in sources:
            continue
        (source,) = sources
        old = _of(construct, deployed.templates[source])
        there = _resources(deployed.templates.get(target[0], {}))
        matched = tuple(item for item in _matched(old, target[1]) if item.target not in there)
        if any(holds_data(old[item.source]) for item in matched):
            moves.append(Move(construct, source, target[0], matched))
    return sorted(moves, key=lambda item: item.construct)


def possible_renames(manifest: Manifest, templates: Mapping[str, bytes], deployed: Deployed) -> list[Rename]:
    """Constructs with data that are gone, each with every new one that could keep its data.

    That is one of the same kind whose resources are of the same types, and which no property keeps from taking over
    what is there, apart from properties that hold the name.
    """
    homes = _homes(manifest, templates)
    data = deployed.data
    gone = [construct for construct in data if construct and construct not in homes]
    new = [construct for construct, (stack, _) in homes.items() if _is_new(construct, stack, deployed)]
    return [
        Rename(kind, old.partition("/")[2], candidate.partition("/")[2], candidate)
        for old in sorted(gone)
        for candidate in sorted(new)
        if (kind := old.partition("/")[0]) == candidate.partition("/")[0]
        and _alike(_of(old, deployed.templates[data[old][0][0]]), old, homes[candidate][1], candidate)
    ]


def after_moves(deployed: Deployed, moves: Iterable[Move]) -> Deployed:
    """What is deployed once the moves are done, as far as it can be said before."""
    stacks, templates = dict(deployed.stacks), {name: copy.deepcopy(item) for name, item in deployed.templates.items()}
    for move in moves:
        source = dict(templates[move.source])
        parameters = {Reference(name): value for name, value in stacks[move.source].parameters.items()}
        target = dict(templates.get(move.target) or {"Resources": {}})
        resources, arrived = dict(_resources(source)), dict(_resources(target))
        for item in move.resources:
            arrived[item.target] = filled(resources.pop(item.source), parameters, move.names)
        templates[move.source] = {**source, "Resources": resources}
        templates[move.target] = {**target, "Resources": arrived}
        if move.target not in stacks:
            stacks[move.target] = replace(
                stacks[move.source],
                stack_name=move.target,
                stack_id=move.target,
                parameters={},
                outputs={},
                digest=None,
                status="CREATE_COMPLETE",
            )
    return Deployed(stacks, templates)


def crossing(template: Template, moving: set[str]) -> set[Reference]:
    """References between what moves and what stays: neither side can name the other any more."""
    found = set()
    for logical_id, resource in _resources(template).items():
        for reference in references_in(resource.get("Properties", {})):
            other = reference.name in moving
            known = reference.name in _resources(template)
            if known and (logical_id in moving) is not other:
                found.add(reference)
    for output in template.get("Outputs", {}).values():
        found |= {item for item in references_in(output.get("Value")) if item.name in moving}
    return found


def _homes(manifest: Manifest, templates: Mapping[str, bytes]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The stack of every construct with data, and its resources there."""
    homes = {}
    for stack in manifest.stacks:
        if not stack.stateful:
            continue
        template = parsed(templates[stack.template])
        for construct in {construct_of(item) for item in _resources(template).values() if holds_data(item)}:
            homes[construct] = (stack.stack_name, _of(construct, template))
    return homes


def _of(construct: str, template: Template) -> dict[str, Any]:
    return {name: item for name, item in _resources(template).items() if construct_of(item) == construct}


def _resources(template: Template) -> Mapping[str, Any]:
    found: Mapping[str, Any] = template.get("Resources", {})
    return found


def _is_new(construct: str, stack: str, deployed: Deployed) -> bool:
    """Whether nothing of it is deployed. A stack that is as the manifest has it holds all its constructs already."""
    unchanged = stack in deployed.stacks and stack not in deployed.templates
    return not unchanged and not any(_of(construct, template) for template in deployed.templates.values())


def _matched(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[MovedResource]:
    """Which resource becomes which: of the same logical id, else the only one of its type on both sides."""
    for name, resource in old.items():
        type_name = str(resource["Type"])
        if is_custom(type_name):
            continue  # only its own function knows what it made
        if name in new and new[name]["Type"] == type_name:
            yield MovedResource(name, name, type_name)
            continue
        alike = [[key for key, item in side.items() if item["Type"] == type_name] for side in (old, new)]
        if len(alike[0]) == len(alike[1]) == 1 and alike[1][0] not in old:
            yield MovedResource(name, alike[1][0], type_name)


def _alike(old: Mapping[str, Any], was: str, new: Mapping[str, Any], now: str) -> bool:
    """Whether the new construct's resources, under the old name, could be the old ones with changes in place."""
    former = _renamed(new, now.partition("/")[2], was.partition("/")[2])
    data = {name: item["Type"] for name, item in old.items() if holds_data(item)}
    if not data or any(former.get(name, {}).get("Type") != kind for name, kind in data.items()):
        return False
    found = differences({"Resources": old}, {}, {"Resources": former}, {})
    return not any(item.loses_data for item in found if item.logical_id in data)


def _renamed(resources: Mapping[str, Any], now: str, was: str) -> dict[str, Any]:
    """The resources with the other name in every id and text."""
    words = {encode(now): encode(was) for encode in (str, dashed, database_name)}
    alone = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    written = re.compile(rf"^{re.escape(pascal(now))}|(?<![\w.-])(?:{alone})(?![\w.])")
    words = {pascal(now): pascal(was), **words}

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return written.sub(lambda match: words[match[0]], value)
        if isinstance(value, Mapping):
            return {key: told(item) for key, item in value.items()}
        return [told(item) for item in value] if isinstance(value, list) else value

    return {told(name): told(item) for name, item in resources.items()}
