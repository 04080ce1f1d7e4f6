"""What `up` would do, stack by stack, without doing it.

Input: the manifest, its templates, what is deployed, and the asset step. Output: a `Preview`. Allowed effects:
DescribeStacks' result is handed in, GetTemplate for stacks that differ, and building assets of stacks that exist (to
know their digests). Never changes anything deployed; works where nothing was ever deployed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from klotho.deploy.assets import Assets
from klotho.deploy.comparison import PropertyDifference
from klotho.deploy.desired import deployed_digest, leftovers, wanted_tags
from klotho.deploy.differences import (
    UNKNOWN,
    WORDS,
    ResourceChange,
    additions,
    changed_outputs,
    differences,
    removals,
)
from klotho.deploy.expansion import carried_names, encoded
from klotho.deploy.interrupted import Interrupted
from klotho.deploy.moves import Move, Reads, Rename
from klotho.deploy.recovery import expected_way
from klotho.deploy.shown import shown, shown_pair
from klotho.deploy.sites.step import SiteChange
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps
from klotho.deploy.template import parsed
from klotho.deploy.threads import workers
from klotho.diagnostics import Failure, Span
from klotho.stacks import AssetSource, ForeignSource, Manifest, OutputSource, Stack, StepSource

if TYPE_CHECKING:
    from klotho.deploy.consequences import Consequence
    from klotho.deploy.verify import Verification
    from klotho.deploy.why import Reason

StackAction = Literal["create", "update", "recreate", "unchanged", "delete", "stuck"]
"""What `up` does. `stuck`: it refuses the stack and says what leads out; CloudFormation takes no update of it."""
_KEPT_WAYS = ("update", "continue")
"""Ways in which a stack stays and is compared with what it should be."""
COST = "not estimated yet"
PARALLEL_READS = 8
"""How many templates are read at once."""


@dataclass(frozen=True, slots=True)
class StackChange:
    """What would happen to one stack."""

    stack: str
    action: StackAction
    resources: tuple[ResourceChange, ...] = ()
    uncertain: bool = False
    """It changes only if a value that is known after deploy turns out to differ."""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of its parameters, as far as they are known; of a stack that is updated."""
    template: bytes | None = field(default=None, repr=False)
    """What it is updated to, where that is not the manifest's: replacements of earlier runs kept other logical ids."""

    @property
    def data_lost(self) -> tuple[ResourceChange, ...]:
        return tuple(item for item in self.resources if item.loses_data)


@dataclass(frozen=True, slots=True)
class Preview:
    """Every stack in manifest order, then those to be deleted."""

    stacks: tuple[StackChange, ...]
    sites: tuple[SiteChange, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    reasons: Mapping[tuple[str, str], tuple[Reason, ...]] = field(default_factory=dict, repr=False)
    """By stack and logical id."""
    verified: tuple[Verification, ...] | None = None
    """What CloudFormation says; None: it was not asked."""
    moves: tuple[Move, ...] = ()
    """What goes to another stack first, and stays what it is."""
    renames: tuple[Rename, ...] = ()
    """New constructs that may be old ones under a new name."""
    interrupted: tuple[Interrupted, ...] = ()
    """What an earlier run was moving when it ended; `up` finishes that first."""

    @property
    def changed_sites(self) -> tuple[SiteChange, ...]:
        return tuple(item for item in self.sites if item.action != "unchanged")

    @property
    def changes(self) -> tuple[StackChange, ...]:
        return tuple(item for item in self.stacks if item.action != "unchanged")

    @property
    def data_lost(self) -> tuple[tuple[str, ResourceChange], ...]:
        """Stack and resource of everything whose data would be lost."""
        return tuple((item.stack, lost) for item in self.stacks for lost in item.data_lost)

    @property
    def counts(self) -> dict[str, int]:
        """How many resources are created, updated and so on, by the words of `WORDS`; possible changes count."""
        counted = Counter(WORDS[resource.change] for stack in self.stacks for resource in stack.resources)
        return {word: counted[word] for word in WORDS.values() if counted[word]}

    def because(self, stack: str, logical_id: str) -> tuple[Reason, ...]:
        return self.reasons.get((stack, logical_id), ())

    def to_json(self, spans: Mapping[str, Span]) -> dict[str, Any]:
        """`spans` are the user's lines by construct id."""
        return {
            "stacks": [
                {
                    "name": item.stack,
                    "action": item.action,
                    "uncertain": item.uncertain,
                    "resources": [
                        _resource_json(
                            resource, spans.get(resource.construct), self.because(item.stack, resource.logical_id)
                        )
                        for resource in item.resources
                    ],
                }
                for item in self.stacks
            ],
            "sites": [item.to_json() for item in self.sites],
            "moves": [
                {"construct": item.construct, "from": item.source, "to": item.target, "logical_ids": item.names}
                for item in self.moves
            ],
            "interrupted": [item.to_json() for item in self.interrupted],
            "renames": [{"kind": item.kind, "from": item.old, "to": item.new} for item in self.renames],
            "summary": self.counts,
            "data_lost": [{"stack": stack, "logical_id": item.logical_id} for stack, item in self.data_lost],
            "consequences": [item.to_json() for item in self.consequences],
            "cost": {"estimated": False, "note": COST},
            **({} if self.verified is None else {"verified": [item.to_json() for item in self.verified]}),
        }


def preview(
    manifest: Manifest,
    templates: Mapping[str, bytes],
    deployed: Mapping[str, DeployedStack],
    assets: Assets,
    calls: Reads | None,
    bucket: str,
    steps: Steps | None = None,
    foreign: Foreign | None = None,
) -> Preview:
    """`calls` may be None where nothing is deployed; assets of stacks that exist must have been started. `foreign`
    gives values of other applications of the project."""
    if calls is None:
        assert not deployed
        made = tuple(_created(stack, parsed(templates[stack.template])) for stack in manifest.stacks)
        return Preview(made, consequences=_opened({}, _parsed(manifest, templates)))
    return Previewer(manifest, templates, deployed, assets, calls, bucket, steps, foreign).run()


def with_moves(found: Preview, moves: Sequence[Move], manifest: Manifest) -> Preview:
    """The preview of what is left to do once the moves are done, with the moves themselves."""
    names = {stack.stack_name: stack.name for stack in manifest.stacks}
    changes = {change.stack: {item.logical_id: item for item in change.resources} for change in found.stacks}
    for move in moves:
        listed = changes[names[move.target]]
        for item in move.resources:
            before = listed.get(item.target) or ResourceChange(
                item.target, item.type, "moved", construct=move.construct
            )
            if before.change != "replace":
                listed[item.target] = replace(before, change="moved", moved_from=f"{move.source}/{item.source}")
    stacks = tuple(replace(change, resources=tuple(changes[change.stack].values())) for change in found.stacks)
    return replace(found, stacks=stacks, moves=tuple(moves))


Foreign = Callable[[ForeignSource], str]
"""Gives values of other applications."""


def assets_of_deployed(manifest: Manifest, deployed: Mapping[str, DeployedStack]) -> set[str]:
    """The assets whose digests a preview needs: those of stacks that exist already."""
    return {
        source.construct
        for stack in manifest.stacks
        if stack.stack_name in deployed
        for source in stack.parameters.values()
        if isinstance(source, AssetSource)
    }


def _created(stack: Stack, template: Mapping[str, Any]) -> StackChange:
    return StackChange(stack.name, "create", tuple(additions(template)))


def _parsed(manifest: Manifest, templates: Mapping[str, bytes]) -> dict[str, Mapping[str, Any]]:
    return {stack.name: parsed(templates[stack.template]) for stack in manifest.stacks}


class Previewer:
    """Compares one manifest with what is deployed; the orchestrator asks it before it begins."""

    def __init__(
        self,
        manifest: Manifest,
        templates: Mapping[str, bytes],
        deployed: Mapping[str, DeployedStack],
        assets: Assets,
        calls: Reads,
        bucket: str,
        steps: Steps | None = None,
        foreign: Foreign | None = None,
    ) -> None:
        self._manifest = manifest
        self._templates = templates
        self._deployed = deployed
        self._assets = assets
        self._calls = calls
        self._bucket = bucket
        self._steps = steps
        self._foreign = foreign
        self._names = {stack.name: stack.stack_name for stack in manifest.stacks}
        self._unknown: dict[str, dict[str, str] | None] = {}
        """By stack, what stands for outputs that are not as they were; None where that is all of them."""
        self._assets_may_fail = False
        self._before: dict[str, dict[str, Any]] = {}
        """Deployed templates by CloudFormation name, as far as they were read."""

    def run(self) -> Preview:
        changes = self.kept()
        for stack in leftovers(self._manifest, self._deployed):
            changes.append(StackChange(stack.name, "delete", tuple(removals(self._template(stack.stack_name)))))
        return Preview(tuple(changes), consequences=self._consequences(changes))

    def kept(self, *, assets_may_fail: bool = False) -> list[StackChange]:
        """The stacks of the manifest, without those it does not hold any more.

        With `assets_may_fail` an asset that does not build counts as unknown; else its `Failure` is raised.
        """
        self._assets_may_fail = assets_may_fail
        self._read_ahead()
        return [self._stack(stack) for stack in self._manifest.stacks]

    def _read_ahead(self) -> None:
        """The templates that are certain to be needed, at the same time."""
        differing = [
            stack.stack_name
            for stack in self._manifest.stacks
            if (live := self._deployed.get(stack.stack_name)) is not None
            and expected_way(live) in _KEPT_WAYS
            and not self._is_as_wanted(stack, live, self._values(stack, self._live_output))
        ]
        names = [*differing, *(stack.stack_name for stack in leftovers(self._manifest, self._deployed))]
        with workers(PARALLEL_READS, "template") as threads:
            self._before.update(zip(names, threads.map(self._calls.template, names), strict=True))

    def _template(self, stack_name: str) -> dict[str, Any]:
        if stack_name not in self._before:
            self._before[stack_name] = self._calls.template(stack_name)
        return self._before[stack_name]

    def _is_as_wanted(self, stack: Stack, live: DeployedStack, values: Mapping[str, str]) -> bool:
        return live.settled_well and live.digest == deployed_digest(stack, values)

    def _stack(self, stack: Stack) -> StackChange:
        live = self._deployed.get(stack.stack_name)
        way = None if live is None else expected_way(live)
        if live is None or way not in _KEPT_WAYS:
            self._unknown[stack.name] = None
            if way == "stuck":
                return StackChange(stack.name, "stuck")
            made = _created(stack, parsed(self._templates[stack.template]))
            return made if way is None else StackChange(stack.name, "recreate", made.resources)
        values = self._values(stack, self._output)
        if self._is_as_wanted(stack, live, values):
            self._unknown[stack.name] = {}
            return StackChange(stack.name, "unchanged")
        before, wanted = self._template(stack.stack_name), parsed(self._templates[stack.template])
        after = carried_names(before, wanted)
        tags_differ = live.tags != wanted_tags(stack)
        found = differences(before, live.parameters, after, values, tags_differ=tags_differ)
        self._unknown[stack.name] = changed_outputs(before, live.parameters, after, values, found)
        uncertain = bool(found) and all(item.uncertain for item in found)
        carried = None if after == wanted else encoded(after)
        return StackChange(stack.name, "update", tuple(found), uncertain, values, carried)

    def _values(self, stack: Stack, output: Callable[[OutputSource], str]) -> dict[str, str]:
        values = {}
        for name, source in stack.parameters.items():
            if isinstance(source, AssetSource):
                values[name] = self._asset(source)
            elif isinstance(source, StepSource):
                values[name] = (self._steps.known(source) if self._steps else None) or UNKNOWN
            elif isinstance(source, ForeignSource):
                values[name] = UNKNOWN if self._foreign is None else self._foreign(source)
            else:
                values[name] = output(source)
        return values

    def _asset(self, source: AssetSource) -> str:
        try:
            return self._assets.value(source, self._bucket)
        except Failure:
            if self._assets_may_fail:
                return UNKNOWN
            raise

    def _live_output(self, source: OutputSource) -> str:
        live = self._deployed.get(self._names[source.stack])
        return UNKNOWN if live is None else live.outputs.get(source.output, UNKNOWN)

    def _output(self, source: OutputSource) -> str:
        unknown = self._unknown[source.stack]
        if unknown is None:
            return UNKNOWN
        return unknown.get(source.output) or self._live_output(source)

    def _consequences(self, changes: Iterable[StackChange]) -> tuple[Consequence, ...]:
        """Nothing gets wider where no template differs."""
        after = _parsed(self._manifest, self._templates)
        before: dict[str, Mapping[str, Any]] = {}
        for change in changes:
            if change.action == "unchanged":
                before[change.stack] = after[change.stack]
            elif change.action == "update":
                before[change.stack] = self._template(self._names[change.stack])
        before |= {stack.name: self._template(stack.stack_name) for stack in leftovers(self._manifest, self._deployed)}
        return _opened(before, after) if before != after else ()


def _opened(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> tuple[Consequence, ...]:
    # Imported here: most previews find nothing to look at.
    from klotho.deploy.consequences import consequences

    return consequences(before, after)


def _resource_json(item: ResourceChange, span: Span | None, reasons: Iterable[Reason]) -> dict[str, Any]:
    return {
        "logical_id": item.logical_id,
        "type": item.type,
        "change": WORDS[item.change],
        "properties": list(item.properties),
        "replaced_by": list(item.replaced_by),
        "differences": [_difference_json(detail) for detail in item.details],
        "because": [reason.to_json() for reason in reasons],
        "construct": item.construct or None,
        "span": span.to_json() if span else None,
        "loses_data": item.loses_data,
        "uncertain": item.uncertain,
        **({"moved_from": item.moved_from} if item.moved_from else {}),
    }


def _difference_json(item: PropertyDifference) -> dict[str, Any]:
    """`null` for what was not there, or goes."""
    if item.before is not None and item.after is not None:
        before, after = shown_pair(item.place, item.before, item.after)
        return {"property": item.dotted, "before": before, "after": after}
    before_and_after = (None if value is None else shown(item.place, value) for value in (item.before, item.after))
    return {"property": item.dotted, **dict(zip(("before", "after"), before_and_after, strict=True))}
