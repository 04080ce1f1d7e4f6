"""The sites of one deployment: built while the stacks deploy, published once the stacks they take values from are up.

Input: the manifest's sites. Output: a `SiteOutcome` each, or a `SiteChange` for a preview. Refuses nothing: what goes
wrong with a site is its outcome, the other sites are published all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from klotho.deploy.events import (
    AssetDone,
    AssetFailed,
    AssetProgress,
    AssetStarted,
    Sink,
    SiteDone,
    SiteFailed,
    SiteProgress,
    SiteStarted,
    SiteUnchanged,
)
from klotho.deploy.place import Clients, Pace
from klotho.deploy.sites.build import Builds
from klotho.deploy.sites.files import SiteFile, site_files
from klotho.deploy.sites.publish import Changes, Publisher
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, Failure, Label, Span
from klotho.stacks import OutputSource, Site

PARALLEL_FILES = 8
"""How many files are on their way at once."""
Outputs = Mapping[str, Mapping[str, str]]
"""By stack, then by output."""


@dataclass(frozen=True, slots=True)
class SiteOutcome:
    """What became of one site's files."""

    construct: str
    result: Literal["published", "unchanged", "failed", "skipped"]
    changed: int = 0
    """New and replaced files."""
    removed: int = 0
    invalidated: int = 0
    """Paths the CDN was told to forget."""
    diagnostic: Diagnostic | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "construct": self.construct,
            "result": self.result,
            "changed": self.changed,
            "removed": self.removed,
            "invalidated": self.invalidated,
        }


@dataclass(frozen=True, slots=True)
class SiteChange:
    """What publishing would do."""

    construct: str
    action: Literal["create", "update", "unchanged"]
    changed: int = 0
    removed: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "construct": self.construct,
            "action": self.action,
            "changed": self.changed,
            "removed": self.removed,
        }


class SiteStep:
    """Made once for a deployment or a preview."""

    def __init__(
        self,
        sites: Iterable[Site],
        *,
        program_root: Path,
        cache: Path,
        sink: Sink,
        clock: Callable[[], float],
        spans: Mapping[str, Span],
    ) -> None:
        """`spans` are the user's lines by construct id."""
        self._sites = tuple(sites)
        self._root = program_root
        self._builds = Builds(cache / "sites")
        self._sink = sink
        self._clock = clock
        self._spans = spans
        self._built: dict[str, Future[None]] = {}

    def start(self, executor: Executor, constructs: Iterable[str] | None = None) -> None:
        """Begin the builds, all of them unless named. Two sites may be built in one folder, so one after the other."""
        wanted = None if constructs is None else set(constructs)
        before: Future[None] | None = None
        for site in self._sites:
            if site.properties.get("build") and (wanted is None or site.construct in wanted):
                before = self._built[site.construct] = executor.submit(self._build, site, before)

    def publish(self, outputs: Outputs, clients: Clients, run_id: str, pace: Pace) -> tuple[SiteOutcome, ...]:
        """Publish every site whose stacks are up: `outputs` holds those and no other."""
        with workers(PARALLEL_FILES, "file") as threads:
            return tuple(self._publish(site, outputs, clients, threads, run_id, pace) for site in self._sites)

    def changes(self, outputs: Outputs, clients: Clients | None) -> tuple[SiteChange, ...]:
        """Reads only. A site whose stack is not there is new; nothing is built for it."""
        return tuple(self._change(site, outputs, clients) for site in self._sites)

    def deployed(self, outputs: Outputs) -> list[str]:
        """The constructs whose bucket is there."""
        return [site.construct for site in self._sites if site.bucket.output in outputs.get(site.bucket.stack, {})]

    def _change(self, site: Site, outputs: Outputs, clients: Clients | None) -> SiteChange:
        if clients is None or site.bucket.output not in outputs.get(site.bucket.stack, {}):
            return SiteChange(site.construct, "create")
        try:
            found = self._publisher(site, outputs, clients).compare(self._files(site, outputs))
        except Failure as failure:
            failure.diagnostic = self._explained(site, failure)
            raise
        action: Literal["update", "unchanged"] = "update" if found.any else "unchanged"
        return SiteChange(site.construct, action, len(found.put), len(found.removed))

    def _publish(
        self, site: Site, outputs: Outputs, clients: Clients, threads: Executor, run_id: str, pace: Pace
    ) -> SiteOutcome:
        if not site.sources <= outputs.keys():
            return SiteOutcome(site.construct, "skipped")
        begun = self._clock()
        try:
            files = self._files(site, outputs)
            publisher = self._publisher(site, outputs, clients)
            changes = publisher.compare(files)
            if not changes.any:
                self._sink(SiteUnchanged(site.construct))
                return SiteOutcome(site.construct, "unchanged")
            self._sink(SiteStarted(site.construct, len(changes.put), len(changes.removed)))
            publisher.apply(files, changes, threads, run_id, pace, self._log(site))
        except Failure as failure:
            self._sink(SiteFailed(site.construct, str(failure), self._clock() - begun))
            return SiteOutcome(site.construct, "failed", diagnostic=self._explained(site, failure))
        self._sink(SiteDone(site.construct, self._clock() - begun, _detail(changes)))
        return SiteOutcome(site.construct, "published", len(changes.put), len(changes.removed), len(changes.stale))

    def _files(self, site: Site, outputs: Outputs) -> dict[str, SiteFile]:
        built = self._built.get(site.construct)
        if built is not None:
            built.result()
        directory = str(site.properties["directory"])
        pages = [str(site.properties[name]) for name in ("index", "error") if site.properties.get(name)]
        values = {name: _text(pieces, outputs) for name, pieces in site.configuration.items()}
        return site_files(self._root / directory, directory, pages, values, self._log(site))

    def _publisher(self, site: Site, outputs: Outputs, clients: Clients) -> Publisher:
        return Publisher(clients, _value(site.bucket, outputs), _value(site.distribution, outputs))

    def _build(self, site: Site, before: Future[None] | None) -> None:
        if before is not None:
            before.exception()  # what went wrong with the other one is not this one's matter
        begun = self._clock()
        self._sink(AssetStarted(site.construct, "site"))
        properties = site.properties
        root, directory = (self._root / str(properties[name]) for name in ("root", "directory"))

        def log(line: str) -> None:
            self._sink(AssetProgress(site.construct, line))

        try:
            ran = self._builds.run(properties["build"], root.resolve(), directory.resolve(), log)
        except Failure as failure:
            self._sink(AssetFailed(site.construct, str(failure), self._clock() - begun))
            raise
        self._sink(AssetDone(site.construct, "site", self._clock() - begun, "built" if ran else "unchanged"))

    def _log(self, site: Site) -> Callable[[str], None]:
        return lambda text: self._sink(SiteProgress(site.construct, text))

    def _explained(self, site: Site, failure: Failure) -> Diagnostic:
        """At the user's line."""
        span, found = self._spans.get(site.construct), failure.diagnostic
        return replace(found, labels=(Label(span),)) if span is not None and not found.labels else found


def _detail(changes: Changes) -> str:
    parts = [f"{len(changes.put)} published"] if changes.put else []
    parts += [f"{len(changes.removed)} removed"] if changes.removed else []
    parts += [f"{len(changes.stale)} invalidated"] if changes.stale else []
    return ", ".join(parts)


def _text(pieces: tuple[str | OutputSource, ...], outputs: Outputs) -> str:
    return "".join(piece if isinstance(piece, str) else _value(piece, outputs) for piece in pieces)


def _value(source: OutputSource, outputs: Outputs) -> str:
    return outputs.get(source.stack, {}).get(source.output, "")
