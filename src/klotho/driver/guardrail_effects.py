"""What other guardrails would change: a newer version for this program, a changed bundle for a whole project.

Input: a program, bundles. Output: what would newly fail, and what would no longer. Deploys and writes nothing. Refuses
what compiling the program refuses; an application of somebody else that can't be compiled here is judged by its model
alone, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from klotho.application.files import ProgramFiles, repository_of
from klotho.diagnostics import Diagnostic, ProgramError, Report, Severity
from klotho.driver import guardrail_sources as sources
from klotho.driver import projects
from klotho.driver.build import Described, compiled, describe
from klotho.driver.guardrails import Loaded, judged_of, load, parsed
from klotho.driver.lock_file import Pin, read_lock, read_pins, write_pins
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program
from klotho.driver.session import Session
from klotho.guardrails import BUNDLE_FILE, Bundle, Rule, judge
from klotho.registry import Entry

Found = Mapping[tuple[str, str, tuple[str, ...]], Diagnostic]
"""What rules say of a program, by what makes two of them the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What other bundles change for one application."""

    application: str
    newly: tuple[Diagnostic, ...] = ()
    """What would fail and does not now."""
    no_longer: tuple[Diagnostic, ...] = ()
    told: tuple[Diagnostic, ...] = ()
    """New warnings and notes."""
    model_only: bool = False
    """It could not be compiled here: rules about resources were not asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One bundle and its newest version."""

    before: Pin | None
    after: Pin
    added: tuple[Rule, ...] = ()
    removed: tuple[Rule, ...] = ()
    changed: tuple[Rule, ...] = ()
    compared: bool = True
    """False where the pinned text is not to be had, so that rules can't be compared."""

    @property
    def same(self) -> bool:
        return self.before is not None and self.before.digest == self.after.digest


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What `klotho upgrade` would take."""

    steps: tuple[Step, ...]
    effect: Difference


def upgrade(program: Program, environment: str | None, *, write: bool) -> Upgrade:
    """The newest version of every bundle that the application names; with `write`, klotho.lock pins it."""
    described = describe(program, environment, in_ci=runs_in_ci(), guardrails=Loaded())
    report = Report()
    newest = load(program, described.environment, described.application.project, report, newest=True)
    pins = read_pins(program.folder, report)
    read_lock(program.folder, report)
    report.stop_on_errors()
    olds = {item.source: _pinned(item, newest) for item in pins.values()}
    steps = tuple(
        _step(pins.get(item.source), olds.get(item.source), item, bundle)
        for item, bundle in zip(newest.pins, newest.bundles, strict=True)
    )
    before = replace(newest, bundles=tuple(item for item in olds.values() if item is not None))
    effect = _difference(described, before, newest)
    if write and any(not step.same for step in steps):
        write_pins(program.folder, {**pins, **{item.source: item for item in newest.pins}})
    return Upgrade(steps, effect)


def blast_radius(described: Described, path: Path, opened: Session | None) -> list[Difference]:
    """What a changed bundle would do to every application of the project in this environment, this one included."""
    report = Report()
    bundle = parsed(sources.folder_text(path), str(path / BUNDLE_FILE), report)
    report.stop_on_errors()
    assert bundle is not None
    environment, name = described.environment, described.application.name
    snapshot = projects.registry_of(
        environment.target, described.application.project, environment.name, opened
    ).snapshot()
    found = [_difference(described, described.guardrails, described.guardrails.with_bundle(bundle))]
    found += [_of_entry(entry, described, bundle) for entry in snapshot.entries if entry.application.name != name]
    return sorted(found, key=lambda item: item.application)


class AssumedFiles(ProgramFiles):
    """Of a program that is elsewhere: everything it names is there, as its own `klotho check` has found."""

    def is_folder(self, text: str) -> bool:
        return "." not in Path(text).name.strip(".")

    def is_file(self, text: str) -> bool:
        return True

    def read(self, text: str) -> str | None:
        return "FROM scratch\nEXPOSE 8080\n" if Path(text).name.startswith("Dockerfile") else ""


def _of_entry(entry: Entry, described: Described, bundle: Bundle) -> Difference:
    folder = Path(entry.origin.folder)
    there = entry.origin.repository is None and folder.is_dir()
    root = folder if there else described.program.folder
    other = Described(
        program=Program(root / "infra.py", described.program.settings),
        environment=replace(described.environment, region=entry.region),
        application=entry.application,
        report=Report(),
        files=ProgramFiles(folder, repository_of(folder)) if there else AssumedFiles(root),
    )
    before = replace(described.guardrails, teams=frozenset(), tags=frozenset())
    after = before.with_bundle(bundle)
    try:
        return _difference(other, before, after)
    except ProgramError:
        old, new = _of_model(other, before), _of_model(other, after)
        return replace(_compared(entry.application.name, old, new), model_only=True)


def _difference(described: Described, before: Loaded, after: Loaded) -> Difference:
    return _compared(described.application.name, _found(described, before), _found(described, after))


def _compared(application: str, old: Found, new: Found) -> Difference:
    failing = {key for key, item in old.items() if item.severity is Severity.ERROR}
    will_fail = {key for key, item in new.items() if item.severity is Severity.ERROR}
    return Difference(
        application,
        tuple(item for key, item in new.items() if key in will_fail - failing),
        tuple(item for key, item in old.items() if key in failing - will_fail),
        tuple(item for key, item in new.items() if key not in old and key not in will_fail),
    )


def _found(described: Described, loaded: Loaded) -> Found:
    """What these bundles say; ProgramError where the program has mistakes of its own."""
    try:
        said: Iterable[Diagnostic] = compiled(replace(described, report=Report(), guardrails=loaded)).diagnostics
    except ProgramError as error:
        if any(item.rule is None and item.severity is Severity.ERROR for item in error.diagnostics):
            raise
        said = error.diagnostics
    return {(item.rule, item.message, item.notes[:1]): item for item in said if item.rule is not None}


def _of_model(described: Described, loaded: Loaded) -> Found:
    judged = judged_of(loaded, described.application, described.environment)
    said = [item.diagnostic() for item in judge(loaded.bundles, judged).findings]
    return {(item.rule or "", item.message, item.notes[:1]): item for item in said}


def _pinned(pin: Pin, newest: Loaded) -> Bundle | None:
    """The bundle as it is pinned, if its text is still to be had."""
    text = sources.cached(pin.digest)
    source = next((item for item in newest.sources if item.shown == pin.source), None)
    if source is None:
        return None  # no longer named
    if text is None and source.kind == "builtin" and pin.version in sources.versions_of(source.name):
        text = (sources.BUILT_IN / source.name / f"{pin.version}.toml").read_text(encoding="utf-8")
    return parsed(text, pin.source, Report()) if text is not None else None


def _step(before: Pin | None, old: Bundle | None, after: Pin, bundle: Bundle) -> Step:
    if before is not None and old is None:
        return Step(before, after, compared=before.digest == after.digest)
    were = {item.id: item for item in old.rules} if old is not None else {}
    are = {item.id: item for item in bundle.rules}
    return Step(
        before,
        after,
        tuple(item for name, item in are.items() if name not in were),
        tuple(item for name, item in were.items() if name not in are),
        tuple(item for name, item in are.items() if name in were and item != were[name]),
    )
