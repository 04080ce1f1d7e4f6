"""What CloudFormation can't do, done around it: each step fills parameters of templates.

A step is a `Kind` in `KINDS`, named as in the manifest's `DeployerStep`. `known` only reads, for previews; `value`
makes it so, as often as it is asked; `leftovers` removes what steps of constructs that are gone have made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from klotho.deploy.events import Sink, Step
from klotho.deploy.place import Clients
from klotho.deploy.steps.adopted import LookUpExisting
from klotho.deploy.steps.certificate import ImportCertificate
from klotho.deploy.steps.request import RequestCertificate
from klotho.deploy.steps.step import Task
from klotho.deploy.steps.zone import FindZone
from klotho.diagnostics import Span
from klotho.resources import DeployerStep
from klotho.stacks import Manifest, StepSource


class Kind(Protocol):
    """One kind of step."""

    early: bool
    """Whether it runs before the first stack: a look-up that can fail for a reason nobody can wait out."""

    def known(self, task: Task, part: str) -> str | None:
        """The value as it is now, None when it is not there yet. Changes nothing."""

    def value(self, task: Task, part: str) -> str:
        """The value, made if it is not there. Asked again it changes nothing. Failure when it can't be."""

    def sweep(self, clients: Clients, tags: Mapping[str, str], kept: frozenset[str]) -> None:
        """Remove what was made for constructs of the application (by `tags`) other than those `kept`."""


KINDS: Mapping[str, Kind] = {
    "adopted": LookUpExisting(),
    "cdn-certificate": RequestCertificate(),
    "certificate": ImportCertificate(),
    "zone": FindZone(),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every step of one deployment has in common."""

    clients: Clients
    program_root: Path
    sink: Sink
    spans: Mapping[str, Span]


class Steps:
    """The steps of one deployment; each value is made once, whoever asks first."""

    def __init__(
        self, manifest: Manifest, surroundings: Surroundings, made: Mapping[StepSource, str] | None = None
    ) -> None:
        """`made`: values of a deployment that is repeated, which are not made again."""
        self._steps = {(step.construct, step.step): step for step in manifest.steps}
        self._tags = {
            "klotho:project": manifest.project,
            "klotho:application": manifest.application,
            "klotho:environment": manifest.environment,
        }
        self._around = surroundings
        self._values: dict[StepSource, str] = dict(made or {})
        self._locks = {place: threading.Lock() for place in self._steps}

    def begin(self, sources: Iterable[StepSource]) -> None:
        """Run what must not fail half-way through; Failure before anything is deployed."""
        for source in sources:
            if KINDS[source.step].early:
                self.value(source)

    def value(self, source: StepSource) -> str:
        """The parameter's value, for certain."""
        with self._locks[source.construct, source.step]:  # of this step only: another may take minutes
            if source not in self._values:
                self._values[source] = KINDS[source.step].value(self._task(source), source.part)
            return self._values[source]

    def known(self, source: StepSource) -> str | None:
        """The parameter's value as far as it can be told without changing anything."""
        return self._values.get(source) or KINDS[source.step].known(self._task(source), source.part)

    def sweep(self) -> None:
        """Remove what earlier deployments made for constructs that have no such step now."""
        for name, kind in KINDS.items():
            kept = frozenset(construct for construct, step in self._steps if step == name)
            kind.sweep(self._around.clients, self._tags, kept)

    def _task(self, source: StepSource) -> Task:
        step: DeployerStep = self._steps[source.construct, source.step]
        around = self._around
        return Task(
            construct=step.construct,
            properties=step.properties,
            clients=around.clients,
            program_root=around.program_root,
            tags={**self._tags, "klotho:construct": step.construct},
            say=lambda line: around.sink(Step(line)),
            span=around.spans.get(step.construct),
        )
