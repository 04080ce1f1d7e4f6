"""What `up` would do, stack by stack, without doing it.

Input: the manifest, its templates, what is deployed, and the asset step. Output: a `Preview`. Allowed effects:
DescribeStacks' result is handed in, GetTemplate for stacks that differ, and building assets of stacks that exist (to
know their digests). Never changes anything deployed; works where nothing was ever deployed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from klotho.deploy.assets import AssetStep
from klotho.deploy.desired import deployed_digest, leftovers
from klotho.deploy.differences import (
    UNKNOWN,
    ResourceChange,
    additions,
    differences,
    removals,
    unknown_outputs,
)
from klotho.deploy.moves import Move, Reads, Rename
from klotho.deploy.sites.step import SiteChange
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.steps import Steps
from klotho.deploy.template import parsed
from klotho.diagnostics import Failure, Span
from klotho.stacks import AssetSource, Manifest, Stack, StepSource

StackAction = Literal["create", "update", "recreate", "unchanged", "delete"]


@dataclass(frozen=True, slots=True)
class StackChange:
    """What would happen to one stack."""

    stack: str
    action: StackAction
    resources: tuple[ResourceChange, ...] = ()
    uncertain: bool = False
    """It changes only if a value that is known after deploy turns out to differ."""

    @property
    def data_lost(self) -> tuple[ResourceChange, ...]:
        return tuple(item for item in self.resources if item.loses_data)


@dataclass(frozen=True, slots=True)
class Preview:
    """Every stack in manifest order, then those to be deleted."""

    stacks: tuple[StackChange, ...]
    sites: tuple[SiteChange, ...] = ()
    moves: tuple[Move, ...] = ()
    """What goes to another stack first, and stays what it is."""
    renames: tuple[Rename, ...] = ()
    """New constructs that may be old ones under a new name."""

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

    def to_json(self, spans: Mapping[str, Span]) -> dict[str, Any]:
        """`spans` are the user's lines by construct id."""
        return {
            "stacks": [
                {
                    "name": item.stack,
                    "action": item.action,
                    "uncertain": item.uncertain,
                    "resources": [
                        _resource_json(resource, spans.get(resource.construct)) for resource in item.resources
                    ],
                }
                for item in self.stacks
            ],
            "sites": [item.to_json() for item in self.sites],
            "moves": [
                {
                    "construct": item.construct,
                    "from": item.source,
                    "to": item.target,
                    "resources": [
                        {"from": part.source, "to": part.target, "type": part.type} for part in item.resources
                    ],
                }
                for item in self.moves
            ],
            "renames": [{"kind": item.kind, "from": item.old, "to": item.new} for item in self.renames],
            "data_lost": [{"stack": stack, "logical_id": item.logical_id} for stack, item in self.data_lost],
        }


def preview(
    manifest: Manifest,
    templates: Mapping[str, bytes],
    deployed: Mapping[str, DeployedStack],
    assets: AssetStep,
    calls: Reads | None,
    bucket: str,
    steps: Steps | None = None,
) -> Preview:
    """`calls` may be None where nothing is deployed; assets of stacks that exist must have been started."""
    if calls is None:
        assert not deployed
        return Preview(tuple(_created(stack, templates) for stack in manifest.stacks))
    return Previewer(manifest, templates, deployed, assets, calls, bucket, steps).run()


def assets_of_deployed(manifest: Manifest, deployed: Mapping[str, DeployedStack]) -> set[str]:
    """The assets whose digests a preview needs: those of stacks that exist already."""
    return {
        source.construct
        for stack in manifest.stacks
        if stack.stack_name in deployed
        for source in stack.parameters.values()
        if isinstance(source, AssetSource)
    }


def _created(stack: Stack, templates: Mapping[str, bytes]) -> StackChange:
    return StackChange(stack.name, "create", tuple(additions(parsed(templates[stack.template]))))


class Previewer:
    """Compares one manifest with what is deployed; the orchestrator asks it before it begins."""

    def __init__(
        self,
        manifest: Manifest,
        templates: Mapping[str, bytes],
        deployed: Mapping[str, DeployedStack],
        assets: AssetStep,
        calls: Reads,
        bucket: str,
        steps: Steps | None = None,
    ) -> None:
        self._manifest = manifest
        self._templates = templates
        self._deployed = deployed
        self._assets = assets
        self._calls = calls
        self._bucket = bucket
        self._steps = steps
        self._unknown: dict[str, dict[str, str] | None] = {}
        """By stack, what stands for outputs that are not known yet; None where that is all of them."""
        self._assets_may_fail = False

    def run(self) -> Preview:
        changes = self.kept()
        for stack in leftovers(self._manifest, self._deployed):
            gone = removals(self._calls.template(stack.stack_name))
            changes.append(StackChange(stack.name, "delete", tuple(gone)))
        return Preview(tuple(changes))

    def kept(self, *, assets_may_fail: bool = False) -> list[StackChange]:
        """The stacks of the manifest, without those it does not hold any more.

        With `assets_may_fail` an asset that does not build counts as unknown; else its `Failure` is raised.
        """
        self._assets_may_fail = assets_may_fail
        return [self._stack(stack) for stack in self._manifest.stacks]

    def _stack(self, stack: Stack) -> StackChange:
        live = self._deployed.get(stack.stack_name)
        if live is None or not (live.usable or live.busy):
            self._unknown[stack.name] = None
            made = _created(stack, self._templates)
            return made if live is None else StackChange(stack.name, "recreate", made.resources)
        values = self._values(stack)
        if live.settled_well and live.digest == deployed_digest(stack, values):
            self._unknown[stack.name] = {}
            return StackChange(stack.name, "unchanged")
        before, after = self._calls.template(stack.stack_name), parsed(self._templates[stack.template])
        found = differences(before, live.parameters, after, values)
        self._unknown[stack.name] = unknown_outputs(before, after, found)
        uncertain = bool(found) and all(item.uncertain for item in found)
        return StackChange(stack.name, "update", tuple(found), uncertain)

    def _values(self, stack: Stack) -> dict[str, str]:
        values = {}
        for name, source in stack.parameters.items():
            if isinstance(source, AssetSource):
                values[name] = self._asset(source)
            elif isinstance(source, StepSource):
                values[name] = (self._steps.known(source) if self._steps else None) or UNKNOWN
            else:
                values[name] = self._output(source.stack, source.output)
        return values

    def _asset(self, source: AssetSource) -> str:
        try:
            return self._assets.value(source, self._bucket)
        except Failure:
            if self._assets_may_fail:
                return UNKNOWN
            raise

    def _output(self, stack: str, output: str) -> str:
        unknown = self._unknown[stack]
        live = self._deployed.get(self._manifest.stack(stack).stack_name)
        if live is None or unknown is None:
            return UNKNOWN
        return unknown.get(output) or live.outputs.get(output, UNKNOWN)


def _resource_json(item: ResourceChange, span: Span | None) -> dict[str, Any]:
    return {
        "logical_id": item.logical_id,
        "type": item.type,
        "change": item.change,
        "properties": list(item.properties),
        "replaced_by": list(item.replaced_by),
        "construct": item.construct or None,
        "span": span.to_json() if span else None,
        "loses_data": item.loses_data,
        "uncertain": item.uncertain,
    }
