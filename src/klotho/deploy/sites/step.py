"""The sites of one deployment: built while the stacks deploy, published once the stacks they take values from are up.

Input: the manifest's sites, and their folders or the files an earlier deployment kept. Output: a `SiteOutcome` each, or
a `SiteChange` for a preview. Refuses nothing: what goes wrong with a site is its outcome, the other sites are published
all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
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
from klotho.deploy.sites.files import CONFIGURATION, SiteFile, configuration_file, site_files
from klotho.deploy.sites.publish import Changes, Publisher
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, Failure, Label, Span
from klotho.stacks import OutputSource, Site

PARALLEL_FILES = 8
"""How many files are on their way at once."""
Outputs = Mapping[str, Mapping[str, str]]
"""By stack, then by output."""
Files = Mapping[str, SiteFile]
"""By their keys in the site's bucket."""


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


@dataclass(frozen=True, slots=True)
class Compared:
    """One site's files and what differs from its bucket; `outcome` when there is nothing to publish."""

    site: Site
    files: Files = field(default_factory=dict)
    changes: Changes | None = None
    outcome: SiteOutcome | None = None


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
        kept: Mapping[str, Files] | None = None,
    ) -> None:
        """`spans` are the user's lines by construct id. `kept`: the files of an earlier deployment by construct, which
        are published instead of those in the folders; sites that are not in it stay as they are."""
        self._sites = tuple(site for site in sites if kept is None or site.construct in kept)
        self._kept = kept
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

    def compare(self, outputs: Outputs, clients: Clients) -> tuple[Compared, ...]:
        """What there is to publish of every site whose stacks are up: `outputs` holds those only. Reads only."""
        return tuple(self._compared(site, outputs, clients) for site in self._sites)

    def publish(
        self, compared: Iterable[Compared], outputs: Outputs, clients: Clients, run_id: str, pace: Pace
    ) -> tuple[SiteOutcome, ...]:
        """Publish what differs."""
        with workers(PARALLEL_FILES, "file") as threads:
            return tuple(
                item.outcome or self._publish(item, outputs, clients, threads, run_id, pace) for item in compared
            )

    def changes(self, outputs: Outputs, clients: Clients | None) -> tuple[SiteChange, ...]:
        """Reads only. A site whose stack is not there is new; nothing is built for it."""
        return tuple(self._change(site, outputs, clients) for site in self._sites)

    def to_put(self, outputs: Outputs, clients: Clients) -> dict[str, tuple[SiteFile, ...]]:
        """The files that publishing would put, by construct: all of them where no bucket is yet. Reads only."""
        found = {}
        for site in self._sites:
            files = self._files(site, outputs)
            there = site.bucket.output in outputs.get(site.bucket.stack, {})
            changes = self._publisher(site, outputs, clients).compare(files) if there else None
            found[site.construct] = tuple(files.values()) if changes is None else changes.put
        return found

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

    def _compared(self, site: Site, outputs: Outputs, clients: Clients) -> Compared:
        if not site.sources <= outputs.keys():
            return Compared(site, outcome=SiteOutcome(site.construct, "skipped"))
        begun = self._clock()
        try:
            files = self._files(site, outputs)
            changes = self._publisher(site, outputs, clients).compare(files)
        except Failure as failure:
            return Compared(site, outcome=self._failed(site, failure, begun))
        if not changes.any:
            self._sink(SiteUnchanged(site.construct))
            return Compared(site, files, changes, SiteOutcome(site.construct, "unchanged"))
        return Compared(site, files, changes)

    def _publish(
        self, found: Compared, outputs: Outputs, clients: Clients, threads: Executor, run_id: str, pace: Pace
    ) -> SiteOutcome:
        site, changes = found.site, found.changes
        assert changes is not None
        begun = self._clock()
        try:
            self._sink(SiteStarted(site.construct, len(changes.put), len(changes.removed)))
            publisher = self._publisher(site, outputs, clients)
            publisher.apply(found.files, changes, threads, run_id, pace, self._log(site))
        except Failure as failure:
            return self._failed(site, failure, begun)
        self._sink(SiteDone(site.construct, self._clock() - begun, _detail(changes)))
        return SiteOutcome(site.construct, "published", len(changes.put), len(changes.removed), len(changes.stale))

    def _failed(self, site: Site, failure: Failure, begun: float) -> SiteOutcome:
        self._sink(SiteFailed(site.construct, str(failure), self._clock() - begun))
        return SiteOutcome(site.construct, "failed", diagnostic=self._explained(site, failure))

    def _files(self, site: Site, outputs: Outputs) -> Files:
        values = {name: _text(pieces, outputs) for name, pieces in site.configuration.items()}
        if self._kept is not None:
            made = {CONFIGURATION: configuration_file(values)} if values else {}
            return {**self._kept[site.construct], **made}
        built = self._built.get(site.construct)
        if built is not None:
            built.result()
        directory = str(site.properties["directory"])
        pages = [str(site.properties[name]) for name in ("index", "error") if site.properties.get(name)]
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
