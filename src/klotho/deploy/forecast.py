"""What is deployed, what moves first, and what a deployment of a manifest would then do.

Input: a manifest, its templates, the live stacks, a reader of templates. Output: a `Forecast`, which `up`, `preview`
and `rollback` share: what one of them shows or refuses is what another one does. Only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from klotho.deploy.assets import Assets
from klotho.deploy.foreign import ForeignValues
from klotho.deploy.interrupted import Interrupted, interrupted, once_finished
from klotho.deploy.moves import (
    Deployed,
    Move,
    Projected,
    Reads,
    after_moves,
    planned_moves,
    possible_renames,
    read_deployed,
)
from klotho.deploy.preview import Preview, preview, with_moves
from klotho.deploy.stacks import DeployedStack
from klotho.stacks import Manifest

if TYPE_CHECKING:
    from klotho.deploy.stacks import StackCalls
from klotho.deploy.steps import Steps


@dataclass(frozen=True, slots=True)
class Forecast:
    """Before a deployment begins."""

    manifest: Manifest
    templates: Mapping[str, bytes]
    there: Deployed
    """What is deployed once moves that an earlier run began are finished, which every deployment does first."""
    moves: tuple[Move, ...]
    """What goes to another stack then."""
    interrupted: tuple[Interrupted, ...]
    """What an earlier run left half-way."""

    @classmethod
    def read(
        cls, manifest: Manifest, templates: Mapping[str, bytes], stacks: Mapping[str, DeployedStack], calls: Reads
    ) -> Forecast:
        broken = interrupted(stacks.values(), calls)
        there = once_finished(read_deployed(manifest, stacks, calls), broken, calls)
        return cls(manifest, templates, there, tuple(planned_moves(manifest, templates, there)), tuple(broken))

    @property
    def will_be(self) -> Deployed:
        """What is deployed once everything has moved."""
        return after_moves(self.there, self.moves)

    def preview(self, assets: Assets, calls: StackCalls, bucket: str, steps: Steps) -> Preview:
        """What is left to do then, with the moves, and what may be meant as one."""
        will_be = self.will_be
        reads = Projected(calls, will_be.templates)
        found = preview(
            self.manifest, self.templates, will_be.stacks, assets, reads, bucket, steps, ForeignValues(calls).value
        )
        return replace(
            with_moves(found, self.moves, self.manifest),
            renames=tuple(possible_renames(self.manifest, self.templates, self.there)),
            interrupted=self.interrupted,
        )
