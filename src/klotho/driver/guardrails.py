"""Guardrails of a program in an environment: loaded, handed to the engine, asked for judgement.

Input: a program, an environment. Output: `Loaded` bundles; what the engine sets; findings in the report; rules for the
joined project. Refuses a bundle that is not the one klotho.lock pins (`guardrail-changed`), a damaged one, and an
application that does not name a bundle that the project's store demands (`guardrail-dropped`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from klotho.diagnostics import Diagnostic, Failure, Label, ProgramError, Report, Span
from klotho.driver import guardrail_sources as sources
from klotho.driver.guardrail_settings import GuardrailSettings, Source
from klotho.driver.local_registry import local_store
from klotho.driver.lock_file import LOCK_FILE, Pin, read_pins, write_pins
from klotho.driver.settings import Environment

if TYPE_CHECKING:
    from klotho.application import Application
    from klotho.catalogue.policy import EnvironmentPolicy
    from klotho.driver.program import Program
    from klotho.driver.session import Session
    from klotho.guardrails import Bundle, Cost, Finding, Judged, Judgement
    from klotho.registry import Conflict
    from klotho.registry.joined import Joined
    from klotho.resources import ResourceGraph
    from klotho.stores import Store


@dataclass(frozen=True, slots=True)
class Loaded:
    """The bundles that an application answers to."""

    bundles: tuple[Bundle, ...] = ()
    sources: tuple[Source, ...] = ()
    """Of each bundle."""
    pins: tuple[Pin, ...] = ()
    """What klotho.lock would say of each."""
    teams: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def with_bundle(self, bundle: Bundle) -> Loaded:
        """With another version of one of them; only added if there is none of its name."""
        others = tuple(item for item in self.bundles if item.name != bundle.name)
        return replace(self, bundles=(*others, bundle))


class BrokenRules(ProgramError):
    """Rules are broken, and perhaps there is more."""

    def __init__(self, diagnostics: Iterable[Diagnostic], judgement: Judgement) -> None:
        super().__init__(diagnostics)
        self.judgement = judgement


class Guarded(Protocol):
    """A program with its bundles: `Build`, or `Described`."""

    @property
    def program(self) -> Program: ...
    @property
    def environment(self) -> Environment: ...
    @property
    def application(self) -> Application: ...
    @property
    def guardrails(self) -> Loaded: ...


def settings_of(program: Program, environment: Environment) -> GuardrailSettings:
    return environment.guardrails.over(program.settings.guardrails)


def load(program: Program, environment: Environment, project: str, report: Report, *, newest: bool = False) -> Loaded:
    """Every bundle that klotho.yaml names, as klotho.lock pins it. `newest`: whatever it pins."""
    said = settings_of(program, environment)
    if not said.sources:
        return Loaded(teams=said.teams, tags=said.tags)
    pins = {} if newest else read_pins(program.folder, report)
    found = [
        (item, _bundle(item, pins.get(item.shown), program, environment, project, report)) for item in said.sources
    ]
    there = [(item, bundle) for item, bundle in found if bundle is not None]
    _refuse_doubles(there, report)
    return Loaded(
        tuple(bundle for _, bundle in there),
        tuple(item for item, _ in there),
        tuple(Pin(item.shown, bundle.name, bundle.version, bundle.digest) for item, bundle in there),
        said.teams,
        said.tags,
    )


def parsed(text: str, shown: str, report: Report) -> Bundle | None:
    from klotho.guardrails import parse_bundle

    return parse_bundle(text, shown, report)


def pin(guarded: Guarded) -> list[Pin]:
    """Write down what klotho.lock does not say yet; returns what was written."""
    known = read_pins(guarded.program.folder, Report())
    new = [item for item in guarded.guardrails.pins if item.source not in known]
    if new:
        write_pins(guarded.program.folder, {**known, **{item.source: item for item in new}})
    return new


def guarded(
    policy: EnvironmentPolicy, loaded: Loaded, application: Application, environment: Environment
) -> EnvironmentPolicy:
    """The policy with what the engine has to know of the bundles: what they set, and what is no candidate."""
    if not loaded.bundles:
        return policy
    from klotho.guardrails import enforced, refusing

    judged = judged_of(loaded, application, environment)
    set_by_rules = tuple(enforced(loaded.bundles, judged))
    return replace(policy, enforced=set_by_rules, refuses=refusing(loaded.bundles, judged))


def judgement_of(
    loaded: Loaded,
    application: Application,
    environment: Environment,
    graph: ResourceGraph,
    monthly_cost: Cost | None = None,
) -> Judgement | None:
    """What the bundles say of what is made; None without any. `monthly_cost` is asked only if a rule is about cost."""
    if not loaded.bundles:
        return None
    from klotho.guardrails import judge

    judged = judged_of(loaded, application, environment, graph)
    return judge(loaded.bundles, replace(judged, monthly_cost=monthly_cost))


def judged_of(
    loaded: Loaded, application: Application, environment: Environment, graph: ResourceGraph | None = None
) -> Judged:
    """An environment of one user or branch is judged by the name it has in klotho.yaml."""
    from klotho.guardrails import Judged

    today = datetime.datetime.now(datetime.UTC).date()
    return Judged(application, place_of(environment), today, environment.region, graph, loaded.teams, loaded.tags)


def place_of(environment: Environment) -> str:
    """The name in klotho.yaml: what is demanded of `dev` is demanded of everybody's own `dev`."""
    return environment.template or environment.name


def store_of(environment: Environment, opened: Session | None) -> Store:
    if environment.target == "local":
        return local_store()
    from klotho.driver import projects

    assert opened is not None
    return projects.bucket_store(opened.clients)


def refuse_dropped(guarded: Guarded, opened: Session | None) -> None:
    """ProgramError where the project's store has a bundle for this environment that the application does not name, or
    names in another version than its klotho.lock could have: what is published is for everyone."""
    if opened is None and guarded.environment.target == "aws":
        return  # nothing was ever deployed there
    from klotho.driver.local_cloud import local_failures

    with local_failures():
        store = store_of(guarded.environment, opened)
        demanded = list(sources.published(store, guarded.application.project, place_of(guarded.environment)))
    from klotho.guardrails import digest_of

    known = {item.digest for item in guarded.guardrails.bundles}
    names = {item.name for item in guarded.guardrails.bundles}
    found = [_dropped(guarded, name, text, names) for name, text in demanded if digest_of(text) not in known]
    if found:
        raise ProgramError(found)


def project_rules(guarded: Guarded) -> tuple[Callable[[Joined], Iterable[Conflict]], ...]:
    """What the bundles say of the applications of the project together, as rules of the registry's join."""
    if not guarded.guardrails.bundles:
        return ()

    def guardrails(joined: Joined) -> Iterator[Conflict]:
        from klotho.guardrails import judge_project

        if joined.leaving or len(joined.members) < 2:
            return
        members = [_member(guarded, item.application, here=item.here) for item in joined.members]
        for finding in judge_project(guarded.guardrails.bundles, joined.project, members):
            if finding.denies:
                yield _conflict(finding, joined)

    return (guardrails,)


def _member(guarded: Guarded, application: Application, *, here: bool) -> Judged:
    loaded = guarded.guardrails if here else replace(guarded.guardrails, teams=frozenset(), tags=frozenset())
    return judged_of(loaded, application, guarded.environment)


def _conflict(finding: Finding, joined: Joined) -> Conflict:
    from klotho.registry.conflict import Place, conflict

    members = {item.name: item for item in joined.members}
    places = [Place(members[name], span) for name, span in finding.places if name in members]
    told = finding.diagnostic()
    made = conflict(
        told.code, told.message, places, notes=told.notes, helps=told.helps, held=sorted(finding.applications)
    )
    return replace(made, diagnostic=replace(made.diagnostic, rule=told.rule))


def _bundle(
    source: Source, pinned: Pin | None, program: Program, environment: Environment, project: str, report: Report
) -> Bundle | None:
    def open_store() -> Store:
        from klotho.driver import session

        return store_of(environment, session.answering(environment, project))

    text = sources.cached(pinned.digest) if pinned and source.kind in ("git", "store") else None
    if text is None:
        place = sources.store_prefix(project, place_of(environment))
        try:
            text = sources.text_of(source, program.folder, open_store, place, pinned.version if pinned else None)
        except Failure as failure:
            report.add(failure.diagnostic)
            return None
    from klotho.guardrails import digest_of

    if pinned is not None and digest_of(text) != pinned.digest:
        report.add(_changed(source, pinned))
        return None
    return parsed(text, _shown(source), report)


def _shown(source: Source) -> str:
    return str(Path(source.name) / sources.BUNDLE) if source.kind == "folder" else source.shown


def _changed(source: Source, pinned: Pin) -> Diagnostic:
    return Diagnostic(
        "guardrail-changed",
        f"the bundle `{source.shown}` is not the one that `{LOCK_FILE}` pins",
        (Label(source.span),) if source.span else (),
        (f"it pins version {pinned.version}, with digest {pinned.digest[:12]}…",),
        ("see what it would change: `klotho upgrade --dry-run`", "then take it: `klotho upgrade`"),
    )


def _dropped(guarded: Guarded, name: str, text: str, names: Iterable[str]) -> Diagnostic:
    bundle = parsed(text, f"store:{name}", Report())
    shown = bundle.name if bundle else name
    owner = bundle.owner if bundle else "whoever published it"
    application, environment = guarded.application.name, guarded.environment.name
    if shown in names:
        message = f"`{application}` answers to another version of `{shown}` than `{environment}` demands"
        helps = ["take it: `klotho upgrade`", f"it must be named as `{{store: {shown}}}` in klotho.yaml"]
    else:
        message = f"`{application}` does not name the bundle `{shown}`, which `{environment}` demands"
        helps = [f"add `- store: {shown}` under `guardrails:` in klotho.yaml"]
    notes = (f"{owner} has published it for everyone in project `{guarded.application.project}`",)
    at = (Label(Span("klotho.yaml", 1)),) if (guarded.program.folder / "klotho.yaml").is_file() else ()
    return Diagnostic("guardrail-dropped", message, at, notes, tuple(helps), rule=shown)


def _refuse_doubles(found: list[tuple[Source, Bundle]], report: Report) -> None:
    seen: dict[str, Source] = {}
    for source, bundle in found:
        if bundle.name in seen:
            other = seen[bundle.name].shown
            message = f"`{source.shown}` and `{other}` are both named `{bundle.name}`"
            report.error("guardrail-bundle-damaged", message, source.span, helps=["name one of the two"])
        seen.setdefault(bundle.name, source)
