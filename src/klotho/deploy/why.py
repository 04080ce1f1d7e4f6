"""Why each resource of a preview changes: the user's line, the rule, or what comes in from elsewhere.

Input: the resource graph (who decided what), the manifest (where parameters come from) and the program's lines. Output:
`Reason`s, the weightiest first. Refuses nothing: a change nobody can explain has no reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.deploy.comparison import STACK_TAGS, PropertyDifference
from klotho.deploy.differences import ResourceChange
from klotho.diagnostics import Span
from klotho.resources import Precedence, Provenance, Resource, ResourceGraph, ResourceKey, is_common
from klotho.stacks import AssetSource, ForeignSource, Manifest, OutputSource, Source, Stack, StepSource

Lines = Callable[[Span], str | None]
"""The line of the program at a span, None where it can't be shown."""

_ASSETS = {
    "key": "code changed",
    "image": "image changed",
    "bucket": "code moved to another bucket",
    "architecture": "code is for another processor now",
}
_ATTRIBUTES = {"Ref": "id", "Arn": "ARN", "EndpointAddress": "address", "EndpointPort": "port", "Id": "id"}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, to be read after "because"."""

    text: str
    """`work.reads_from(db)` in backticks, or a clause: `its code changed`."""
    span: Span | None = None
    rule: str = ""
    """The rule that decided it; empty for what comes in from elsewhere."""

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "span": self.span.to_json() if self.span else None,
            "rule": self.rule or None,
        }


class Reasons:
    """The reasons of one compiled program."""

    def __init__(self, graph: ResourceGraph, keys: Mapping[str, ResourceKey], manifest: Manifest, lines: Lines) -> None:
        """`keys` are the graph's keys by logical id."""
        self._graph = graph
        self._keys = keys
        self._stacks = {stack.name: stack for stack in manifest.stacks}
        self._constructs = {origin.construct for stack in manifest.stacks for origin in stack.origins.values()}
        self._lines = lines

    def of(self, stack: str, change: ResourceChange) -> tuple[Reason, ...]:
        """Without repetitions."""
        return tuple(dict.fromkeys(self._found(self._stacks.get(stack), change)))

    def _found(self, stack: Stack | None, change: ResourceChange) -> Iterator[Reason]:
        key = self._keys.get(change.logical_id)
        resource = self._graph.resources.get(key) if key is not None else None
        if change.change == "remove" or resource is None:
            yield Reason(self._gone(change))
        elif not change.details:
            yield from (self._decided(origin) for origin in resource.origins[:1])
        else:
            first = sorted(change.details, key=lambda item: item.path[0] not in change.replaced_by)
            for detail in first:
                yield from self._of_detail(stack, change, resource, detail)

    def _gone(self, change: ResourceChange) -> str:
        if change.construct and change.construct not in self._constructs:
            return f"`{change.construct.rpartition('/')[2]}` is not in the program any more"
        return "nothing asks for it any more"

    def _of_detail(
        self, stack: Stack | None, change: ResourceChange, resource: Resource, detail: PropertyDifference
    ) -> Iterator[Reason]:
        if detail.inputs:
            yield from (self._incoming(stack, change, name, detail.unknown) for name in detail.inputs)
            return
        decided = list(_decisions(resource, detail))
        if not decided:
            yield Reason(_not_any_more(detail))
        yield from (self._decided(item) for item in decided)

    def _decided(self, provenance: Provenance) -> Reason:
        span = provenance.spans[0] if provenance.spans else None
        if provenance.precedence is Precedence.DEFAULT:
            return Reason("it is Klotho's default", span, provenance.rule)
        line = self._lines(span) if span else None
        return Reason(f"`{line}`" if line else provenance.because or f"rule {provenance.rule}", span, provenance.rule)

    def _incoming(self, stack: Stack | None, change: ResourceChange, name: str, unknown: bool) -> Reason:
        """A value that is not the template's."""
        if name == STACK_TAGS:
            return Reason("the stack's tags change")
        source = stack.parameters.get(name) if stack is not None else None
        if source is None:
            return Reason(f"{name} is replaced" if not unknown else f"{name} may be replaced")
        return Reason(self._source(source, change, "may change" if unknown else "changes"))

    def _source(self, source: Source, change: ResourceChange, verb: str) -> str:
        if isinstance(source, ForeignSource):
            return f"{source.output} of `{source.application}` {verb}"
        name = source.construct.rpartition("/")[2] if not isinstance(source, OutputSource) else ""
        if isinstance(source, AssetSource):
            changed = _ASSETS[source.part]
            return f"its {changed}" if source.construct == change.construct else f"the {changed} of `{name}`"
        if isinstance(source, StepSource):
            return f"the {source.step} of `{name}` {verb}"
        owner, attribute = self._output(source)
        return f"the {_ATTRIBUTES.get(attribute, attribute)} of {owner} {verb}"

    def _output(self, source: OutputSource) -> tuple[str, str]:
        """Whose value it is, and which: outputs are named by logical id and attribute."""
        origins = self._stacks[source.stack].origins if source.stack in self._stacks else {}
        owners = [name for name in origins if source.output.startswith(name)]
        if not owners:
            return f"stack {source.stack}", source.output
        owner = max(owners, key=len)
        construct = origins[owner].construct
        whose = f"the shared {owner}" if is_common(construct) else f"`{construct.rpartition('/')[2]}`"
        return whose, source.output[len(owner) :]


def _not_any_more(detail: PropertyDifference) -> str:
    item = detail.before if isinstance(detail.place[-1], int) and isinstance(detail.before, Mapping) else {}
    named = next((str(item[key]) for key in ("Sid", "Name", "Key") if key in item), "")
    if named:
        return f"nothing asks for `{named}` any more"
    return f"nothing sets `{next(part for part in reversed(detail.place) if isinstance(part, str))}` any more"


def _decisions(resource: Resource, detail: PropertyDifference) -> Iterator[Provenance]:
    """Who decided what is now at a place: what is said of it or below it, else of the nearest place above."""
    path = _named_path(resource, detail)
    if path is None:
        return
    below = [item for item in resource.decisions if item[: len(path)] == path]
    if below:
        yield from dict.fromkeys(resource.decisions[item].winner for item in below)
        return
    if detail.after is None:
        return
    above = [item for item in resource.decisions if path[: len(item)] == item]
    if above:
        yield resource.decisions[max(above, key=len)].winner


def _named_path(resource: Resource, detail: PropertyDifference) -> tuple[str, ...] | None:
    """The place with the names that rules gave to list items, which are listed in the order of their names."""
    path: tuple[str, ...] = ()
    for part in detail.place:
        if isinstance(part, str):
            path = (*path, part)
            continue
        names = sorted({item[len(path)] for item in resource.decisions if item[: len(path)] == path != item})
        if detail.after is None and names:
            return None  # an item that is gone: its name is too
        if part >= len(names):
            return path  # the list is one value
        path = (*path, names[part])
    return path
