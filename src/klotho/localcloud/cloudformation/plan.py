"""What a deployment would change: the comparison the engine acts on and change sets report.

Input: a `Deployment` and the stack's live resources. Output: one `Change` per resource that is added, modified or
removed. Never touches anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from klotho.catalogue.facts import PropertyPath, edited, schema
from klotho.localcloud.cloudformation.coercion import coerced
from klotho.localcloud.cloudformation.deployment import Deployment
from klotho.localcloud.cloudformation.intrinsics import Scope, references, resolve
from klotho.localcloud.cloudformation.store import StackResource
from klotho.localcloud.cloudformation.template import ResourceTemplate
from klotho.localcloud.cloudformation.values import Cause, Unknown, merged

Recreation = Literal["Never", "Conditionally", "Always"]
_ORDER: tuple[Recreation, ...] = ("Never", "Conditionally", "Always")


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One top-level property that differs, or may."""

    name: str
    recreation: Recreation
    causes: tuple[Cause, ...] = ()
    """Empty when the new value is known."""
    parameters: tuple[str, ...] = ()
    """The parameters it names whose values differ."""


@dataclass(frozen=True, slots=True)
class Change:
    action: Literal["Add", "Modify", "Remove"]
    logical_id: str
    type_name: str
    physical_id: str | None = None
    properties: tuple[PropertyChange, ...] = ()
    tags: bool = False
    """The stack's tags differ and the type takes tags."""
    attributes: tuple[str, ...] = ()
    """Resource attributes that differ: Metadata, DeletionPolicy, UpdateReplacePolicy."""

    @property
    def recreation(self) -> Recreation:
        return strongest(self.properties)


def strongest(properties: tuple[PropertyChange, ...]) -> Recreation:
    return max((item.recreation for item in properties), key=_ORDER.index, default="Never")


def compare(type_name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[PropertyChange, ...]:
    """The top-level properties that differ; an unknown new value counts as a possible difference."""
    facts = schema(type_name)
    edits = edited(type_name, before, after)
    found = []
    for name in sorted(set(before) | set(after)):
        if normal(before.get(name)) == normal(after.get(name)):
            continue
        recreation: Recreation = "Never"
        for level, paths in (("Conditionally", facts.conditional_create_only), ("Always", facts.create_only)):
            if any(path[0] == name and _differs(path, before, after) for path in paths):
                recreation = "Always" if level == "Always" else "Conditionally"
        if name in edits:
            recreation = "Always"
        unknown = merged(after.get(name))
        causes = tuple(sorted(unknown.causes, key=lambda cause: cause.entity)) if unknown is not None else ()
        if recreation == "Always" and causes and not any(cause.certain for cause in causes):
            recreation = "Conditionally"
        found.append(PropertyChange(name, recreation, causes))
    return tuple(found)


def normal(value: Any) -> Any:
    """Comparable form: CloudFormation does not tell `5` from `"5"`, nor `true` from `"true"`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return {name: normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    return value


def _differs(path: PropertyPath, before: Any, after: Any) -> bool:
    return [normal(item) for item in _at(path, before)] != [normal(item) for item in _at(path, after)]


def _at(path: PropertyPath, value: Any) -> Iterator[Any]:
    if isinstance(value, Unknown) or not path:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _at(path[1:] if path[0] == "*" else path, item)
    elif isinstance(value, Mapping):
        for name in value if path[0] == "*" else [path[0]]:
            if name in value:
                yield from _at(path[1:], value[name])


MustReplace = Callable[[StackResource, Mapping[str, Any]], bool]
"""Whether the type's handler wants a new resource for going to these properties."""


def changes(
    deployment: Deployment,
    live: Mapping[str, StackResource],
    tags_differ: bool,
    must_replace: MustReplace,
    previous: Mapping[str, str],
) -> list[Change]:
    """Every change, resources in dependency order, removals last; `previous` are the parameters' values until now."""
    planner = _Planner(deployment, live, tags_differ, must_replace, previous)
    found = [change for name in deployment.order if (change := planner.plan(name)) is not None]
    removed = [resource for name, resource in live.items() if name not in deployment.resources]
    return [*found, *(Change("Remove", item.logical_id, item.type_name, item.physical_id) for item in removed)]


class _Planner:
    """Walks the resources in order, remembering what each does to those after it."""

    def __init__(
        self,
        deployment: Deployment,
        live: Mapping[str, StackResource],
        tags_differ: bool,
        must_replace: MustReplace,
        previous: Mapping[str, str],
    ) -> None:
        self._must_replace = must_replace
        given = deployment.parameters
        self._changed = {name for name in given if previous.get(name) != given[name]}
        self._deployment = deployment
        self._live = live
        self._tags_differ = tags_differ
        self._planned: dict[str, Change | None] = {}
        self._scope: Scope = deployment.scope(self._ref, self._attribute)

    def plan(self, logical_id: str) -> Change | None:
        change = self._change(self._deployment.resources[logical_id])
        self._planned[logical_id] = change
        return change

    def _change(self, item: ResourceTemplate) -> Change | None:
        live = self._live.get(item.logical_id)
        if live is None:
            return Change("Add", item.logical_id, item.type_name)
        after = coerced(item.type_name, resolve(dict(item.properties), self._scope))
        change = Change(
            action="Modify",
            logical_id=item.logical_id,
            type_name=item.type_name,
            physical_id=live.physical_id,
            properties=self._with_parameters(item, self._compared(live, after)),
            tags=self._tags_differ and schema(item.type_name).tag_property is not None,
            attributes=attribute_changes(item, live),
        )
        return change if change.properties or change.tags or change.attributes else None

    def _compared(self, live: StackResource, after: Mapping[str, Any]) -> tuple[PropertyChange, ...]:
        """The schema's word on every property, and the handler's on those that the schema would change in place."""
        found = compare(live.type_name, live.properties, after)
        # A handler can't judge a value that is known only once something else has changed.
        known = [change.name for change in found if not change.causes]
        asked = {change.name for change in found if change.name in known and change.recreation != "Always"}
        blamed = {name for name in asked if self._must_replace(live, _with(live.properties, after, [name]))}
        if asked and not blamed and self._must_replace(live, _with(live.properties, after, known)):
            # Only together: the conditional ones are the likelier reason.
            blamed = {change.name for change in found if change.recreation == "Conditionally"} & asked or asked
        return tuple(replace(change, recreation="Always") if change.name in blamed else change for change in found)

    def _with_parameters(self, item: ResourceTemplate, found: tuple[PropertyChange, ...]) -> tuple[PropertyChange, ...]:
        if not self._changed:
            return found
        named = {change.name: self._parameters_in(item.properties.get(change.name)) for change in found}
        return tuple(replace(change, parameters=named[change.name]) for change in found)

    def _parameters_in(self, value: Any) -> tuple[str, ...]:
        named = {reference.name for reference in references(value, self._scope.conditions)}
        return tuple(sorted(named & self._changed))

    def _ref(self, name: str) -> Any:
        change = self._planned[name]
        if change is None or (change.recreation == "Never" and change.action == "Modify"):
            return self._live[name].physical_id
        return Unknown(frozenset({Cause(name, "ResourceReference", _certain(change))}))

    def _attribute(self, name: str, attribute: str) -> Any:
        change = self._planned[name]
        if change is None or (change.action == "Modify" and not change.properties):
            return self._live[name].attributes.get(attribute)
        return Unknown(frozenset({Cause(f"{name}.{attribute}", "ResourceAttribute", _certain(change))}))


def _with(before: Mapping[str, Any], after: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The properties before, but these as they are to be."""
    changed = set(names)
    kept = {name: value for name, value in before.items() if name not in changed}
    return {**kept, **{name: after[name] for name in changed if name in after}}


def attribute_changes(item: ResourceTemplate, live: StackResource) -> tuple[str, ...]:
    """Which of Metadata, DeletionPolicy and UpdateReplacePolicy differ."""
    pairs = (
        ("Metadata", item.metadata, live.metadata),
        ("DeletionPolicy", item.deletion_policy, live.deletion_policy),
        ("UpdateReplacePolicy", item.update_replace_policy, live.update_replace_policy),
    )
    return tuple(name for name, after, before in pairs if after != before)


def _certain(change: Change) -> bool:
    return change.action == "Add" or change.recreation == "Always"
