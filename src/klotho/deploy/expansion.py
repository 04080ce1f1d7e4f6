"""Expand, move the consumers, contract: what other stacks still use is not taken away under them.

A stack that no longer wants a resource, or wants another one in its place, is first updated to its new template *plus*
what deployed consumers still use (`expanded`); then the consumers are updated; then the stack is updated to its new
template alone. CloudFormation deletes what an update dropped at the end of that update and calls the update a success
even if it could not: without this, an authorizer with routes or a security group with members would be left behind.

A replacement is a new resource beside the old one. In one template both need a logical id, so the new one gets another
id, which it keeps: the template's `Metadata` records it (`renamed`), and `carried_names` gives every later template the
ids that are deployed.

Input: templates with the values of their parameters. Output: templates. Refuses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from klotho.deploy.comparison import named
from klotho.deploy.deployed import DeployedStack
from klotho.deploy.differences import differences

_NEXT = "Next"
"""What the id of a replacement ends with; the replacement of that one has the first id again."""
_BEFORE = "Before"
"""What outputs end with that consumers used before they moved: a run that finds the stack expanded reads from them who
has still to move."""
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)((?:\.[A-Za-z0-9.]+)?)\}")


def used_outputs(stack: DeployedStack, others: Iterable[DeployedStack]) -> set[str]:
    """The outputs whose value a parameter of another deployed stack has."""
    values = {value for other in others if other.stack_id != stack.stack_id for value in other.parameters.values()}
    return {name for name, value in stack.outputs.items() if value in values}


def carried_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The template `after` with the logical ids that replacements in the deployed template `before` were given."""
    known = {name: other for name, other in _renamed(before).items() if name in after.get("Resources", {})}
    return _with_names(after, known) if known else dict(after)


def expanded(
    before: Mapping[str, Any],
    old: Mapping[str, str],
    after: Mapping[str, Any],
    new: Mapping[str, str],
    used: Iterable[str],
) -> dict[str, Any] | None:
    """`after` (with carried names) plus what is needed for the outputs `used` of `before`; None if they need nothing.

    `old` and `new` are the values of the templates' parameters.
    """
    gone = {item.logical_id for item in differences(before, old, after, new) if item.change in ("remove", "replace")}
    outputs = {name: before["Outputs"][name] for name in used if name in before.get("Outputs", {})}
    needed = {name for output in outputs.values() for name in named(output.get("Value"))} & gone
    if not needed:
        return None
    kept = _with_neighbours(before["Resources"], needed, gone)
    replaced = kept & after["Resources"].keys()
    taken = {*before["Resources"], *after["Resources"]}
    names = {name: _fresh(name, taken) for name in sorted(replaced)}
    made = _with_names(after, names)
    for name in sorted(kept):
        made["Resources"][name] = _kept(before["Resources"][name], old, after["Resources"].get(name))
    for name, output in sorted(outputs.items()):
        if kept & set(named(output.get("Value"))):
            made["Outputs"][_before(name, after)] = {"Value": _with_values(output["Value"], old)}
    return made


def encoded(template: Mapping[str, Any]) -> bytes:
    return json.dumps(template, sort_keys=True, separators=(",", ":")).encode()


def _kept(resource: Mapping[str, Any], old: Mapping[str, str], successor: Mapping[str, Any] | None) -> dict[str, Any]:
    """A resource as it is: its parameters' values are written out, since the new template may give them others."""
    entry: dict[str, Any] = {**resource, "Properties": _with_values(resource.get("Properties", {}), old)}
    if successor is not None:
        # When it goes, it goes as CloudFormation would have let it go after replacing it.
        entry["DeletionPolicy"] = successor.get("UpdateReplacePolicy", "Delete")
    return entry


def _with_neighbours(resources: Mapping[str, Any], needed: set[str], gone: set[str]) -> set[str]:
    """What goes and hangs together with what is needed: it names it, or is named by it."""
    names = {name: _mentions(resources[name]) & gone for name in gone if name in resources}
    kept, grows = set(needed), True
    while grows:
        more = {name for name in names.keys() - kept if names[name] & kept}
        more |= {other for name in kept for other in names.get(name, ())} - kept
        kept |= more
        grows = bool(more)
    return kept


def _mentions(resource: Mapping[str, Any]) -> set[str]:
    waits = resource.get("DependsOn", [])
    return {*named(resource.get("Properties", {})), *([waits] if isinstance(waits, str) else waits)}


def _before(name: str, after: Mapping[str, Any]) -> str:
    return name if name.endswith(_BEFORE) and name not in after.get("Outputs", {}) else f"{name}{_BEFORE}"


def _fresh(name: str, taken: set[str]) -> str:
    found = name.removesuffix(_NEXT) if name.endswith(_NEXT) else f"{name}{_NEXT}"
    while found in taken:
        found += _NEXT
    return found


def _renamed(template: Mapping[str, Any]) -> dict[str, str]:
    """The ids of replacements, by the id the program's template has for them."""
    return dict(template.get("Metadata", {}).get("klotho", {}).get("renamed", {}))


def _with_names(template: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A copy with other logical ids; the record of all names is kept in its metadata."""
    origin = {after: before for before, after in _renamed(template).items()}
    record = _renamed(template) | {origin.get(name, name): other for name, other in names.items()}
    record = {name: other for name, other in record.items() if name != other}
    made: dict[str, Any] = {**_rewritten({k: v for k, v in template.items() if k != "Metadata"}, names)}
    made["Resources"] = {names.get(name, name): item for name, item in made.get("Resources", {}).items()}
    made.setdefault("Outputs", {})
    metadata = dict(template.get("Metadata", {}))
    if record:
        made["Metadata"] = {**metadata, "klotho": {**metadata.get("klotho", {}), "renamed": record}}
    elif metadata:
        left = {key: value for key, value in metadata.get("klotho", {}).items() if key != "renamed"}
        made["Metadata"] = {**metadata, "klotho": left}
    return made


def _with_values(value: Any, parameters: Mapping[str, str]) -> Any:
    """The value with parameters written out; what names resources still does."""
    if isinstance(value, Mapping):
        if len(value) == 1 and value.get("Ref") in parameters:
            return parameters[value["Ref"]]
        made = {key: _with_values(item, parameters) for key, item in value.items()}
        if "Fn::Sub" in made:
            text, *rest = made["Fn::Sub"] if isinstance(made["Fn::Sub"], list) else [made["Fn::Sub"]]
            text = _SUBSTITUTED.sub(lambda found: found[0] if found[2] else parameters.get(found[1], found[0]), text)
            made["Fn::Sub"] = [text, *rest] if rest else text
        return made
    return [_with_values(item, parameters) for item in value] if isinstance(value, list) else value


def _rewritten(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _reference(key, item, names) for key, item in value.items()}
    return [_rewritten(item, names) for item in value] if isinstance(value, list) else value


def _reference(key: str, item: Any, names: Mapping[str, str]) -> Any:
    if key == "Ref" and isinstance(item, str):
        return names.get(item, item)
    if key == "DependsOn" and isinstance(item, str):
        return names.get(item, item)
    if key == "DependsOn" and all(isinstance(name, str) for name in item):  # containers wait for each other, too
        return [names.get(name, name) for name in item]
    if key == "Fn::GetAtt" and isinstance(item, str):
        name, dot, attribute = item.partition(".")
        return names.get(name, name) + dot + attribute
    if key == "Fn::GetAtt" and isinstance(item, list):
        return [names.get(item[0], item[0]), *item[1:]]
    if key == "Fn::Sub":
        text, *rest = item if isinstance(item, list) else [item]
        text = _SUBSTITUTED.sub(lambda found: f"${{{names.get(found[1], found[1])}{found[2]}}}", text)
        return [text, *_rewritten(rest, names)] if rest else text
    return _rewritten(item, names)
