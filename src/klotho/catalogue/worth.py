"""What candidates are worth to the solver: what each would cost a month, by itself and with what it shares.

Input: a construct, one of its candidates, and the setting. Output: a `Worth`. The cost is that of the resources the
candidate would make, reckoned by `catalogue.costs` with the construct's usage and the region's prices, so that a choice
and `klotho cost` can never disagree. Each kind of candidate is reckoned once for all constructs alike. Refuses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from klotho.application import Application, Construct, ConstructId
from klotho.application.files import ProgramFiles
from klotho.catalogue.availability import must_spread
from klotho.catalogue.kinds import default_implementation
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.rules import Implementation, Setting
from klotho.diagnostics import Report
from klotho.resources import Change, Precedence, Provenance, ResourceGraph, fold, is_common, owner_of
from klotho.resources.changes import Action

if TYPE_CHECKING:
    from klotho.catalogue.costs import Usages

MICRO = 1_000_000
DEFAULT_REGION = "us-east-1"
"""Whose prices order candidates where no region is known, or none has prices."""
_NAMES = frozenset({"handler", "context", "dockerfile", "image", "environment", "entrypoint", "command", "runtime"})
"""Parameters that say what runs: they cost nothing, and differ from construct to construct."""


class Worth(NamedTuple):
    """Millionths of a US dollar a month, as expected."""

    own: int
    parts: Mapping[str, int]
    """What is shared with others and paid once, by the resource that costs."""
    unknown: tuple[str, ...] = ()
    """What nobody knows the price of: it comes on top."""

    @property
    def total(self) -> int:
        return self.own + sum(self.parts.values())


class Worths:
    """Reckons candidates of one application."""

    def __init__(
        self,
        application: Application,
        environment: str,
        files: ProgramFiles,
        policy: EnvironmentPolicy,
        region: str | None,
    ) -> None:
        self._choices: dict[ConstructId, Implementation] = {}
        for construct in application.constructs:
            chosen = default_implementation(construct)
            if chosen is not None:
                self._choices[construct.id] = chosen
        self.setting = Setting(application, self._choices, environment, files, policy=policy)
        self._region = region
        self._known: dict[str, Worth] = {}

    def of(self, construct: Construct, candidate: Implementation) -> Worth:
        """Others are taken for what stands first among their candidates."""
        if self.setting.adopted(construct) is not None:
            return Worth(0, {}, ("is there already",))
        first = self._choices[construct.id]
        self._choices[construct.id] = candidate
        try:
            return self._of(construct, candidate)
        finally:
            self._choices[construct.id] = first

    def _of(self, construct: Construct, candidate: Implementation) -> Worth:
        spread = must_spread(construct, self.setting)
        said = {name: item.value for name, item in self._usages.of(construct.id).said.items()}
        properties = {name: value for name, value in construct.properties.items() if name not in _NAMES}
        key = json.dumps([construct.kind, candidate.name, properties, said, spread], sort_keys=True, default=str)
        if key not in self._known:
            self._known[key] = self._reckoned(construct, candidate, spread)
        return self._known[key]

    def priced(self, actions: Iterable[Action], owner: str) -> Worth:
        """What resources cost that somebody might make."""
        return self._summed(_graph(actions, owner), owner)

    def _reckoned(self, construct: Construct, candidate: Implementation, spread: bool) -> Worth:
        unheard = Report()
        candidate.check(construct, self.setting, unheard)
        if unheard.errors or construct.unread:  # told where the construct itself is looked at
            return Worth(0, {}, ("its own mistakes come first",))

        def actions() -> Iterator[Action]:
            yield from candidate.expand(construct, self.setting)
            if spread:
                yield from candidate.spread(construct, self.setting)

        return self._summed(_graph(actions(), construct.id), construct.id)

    def _summed(self, graph: ResourceGraph, owner: str) -> Worth:
        from klotho.catalogue.costs import estimate
        from klotho.catalogue.prices import prices

        region = self._region if self._region and prices(self._region) else DEFAULT_REGION
        found = estimate(graph.resources, self._usages, region)
        own = 0
        parts: dict[str, int] = {}
        for line in found.lines:
            amount = round(line.usd.expected * MICRO)
            if is_common(line.owner) and not is_common(owner):
                parts[str(line.resource)] = parts.get(str(line.resource), 0) + amount
            else:
                own += amount
        unknown = tuple(sorted({item.what for item in found.unpriced if owner_of(item.resource) == owner}))
        return Worth(own, {name: amount for name, amount in sorted(parts.items()) if amount}, unknown)

    @cached_property
    def _usages(self) -> Usages:
        from klotho.catalogue.costs import Usages

        return Usages(self.setting.application)


def _graph(actions: Iterable[Action], owner: str) -> ResourceGraph:
    reason = Provenance("weighing", (), owner, Precedence.DEFAULT)
    return fold((Change(action, reason) for action in actions), Report())
