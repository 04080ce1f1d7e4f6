"""Guardrails of what is deployed again: a revision is judged by the rules of today, as if it were new.

Input: a revision with its templates and model, where it is deployed. Output: what stops nothing. Refuses
(`BrokenRules`) a revision that breaks a rule of a bundle that klotho.yaml names, as klotho.lock pins it, or that the
project's store demands; and one whose model was not kept, where rules are about that (`guardrail-denied`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from klotho.diagnostics import Diagnostic, Report, Severity
from klotho.driver import guardrail_sources as sources
from klotho.driver.guardrails import BrokenRules, Loaded, judged_of, load, parsed, place_of, store_of
from klotho.driver.identity import Identity
from klotho.driver.local_cloud import local_failures
from klotho.driver.program import PROGRAM_NAME, Program, refuse_mistaken_settings
from klotho.driver.session import Session
from klotho.driver.settings import read_settings

if TYPE_CHECKING:
    from klotho.application import Application
    from klotho.deploy.revisions import Revision
    from klotho.guardrails import Finding, Judged
    from klotho.resources import Choice

_WITHOUT_MODEL = ("resources", "regions")
"""What rules can be about where nothing but templates was kept."""


def model_of(application: Application, choices: Mapping[str, Choice]) -> bytes:
    """What a revision keeps for this: what the program said, and what was chosen for it."""
    import orjson

    from klotho.application import to_json

    made = {construct: choice.implementation for construct, choice in choices.items()}
    return orjson.dumps({"application": to_json(application), "choices": made}, option=orjson.OPT_SORT_KEYS)


def judge_revision(
    identity: Identity, to: Revision, templates: Mapping[str, bytes], model: bytes, opened: Session
) -> tuple[Diagnostic, ...]:
    """Warnings and notes of the rules. The lines they name are those of the program as it was then."""
    loaded = _bundles(identity, opened)
    if not loaded.bundles:
        return ()
    from klotho.guardrails import judge

    judged = _judged(identity, to, templates, model, loaded)
    judgement = judge(loaded.bundles, judged)
    told = [_told(item, to) for item in judgement.findings]
    if not model:
        lost = [rule for rule in judgement.asked if rule.severity == "deny" and rule.subject not in _WITHOUT_MODEL]
        told += [_unasked(rule.name, to) for rule in lost]
    told += [_told(item, to) for item in _with_others(judged, loaded, identity, opened) if item.denies]
    if any(item.severity is Severity.ERROR for item in told):
        raise BrokenRules(told, judgement)
    return tuple(told)


def _bundles(identity: Identity, opened: Session) -> Loaded:
    """Those that klotho.yaml names, and in their place or beside them what the project's store demands."""
    refuse_mistaken_settings(identity.folder)
    report = Report()
    program = identity.program or Program(identity.folder / PROGRAM_NAME, read_settings(identity.folder, Report()))
    loaded = load(program, identity.environment, identity.project, report)
    with local_failures():
        store = store_of(identity.environment, opened)
        demanded = list(sources.published(store, identity.project, place_of(identity.environment)))
    for name, text in demanded:
        bundle = parsed(text, f"store:{name}", report)
        loaded = loaded.with_bundle(bundle) if bundle is not None else loaded
    report.stop_on_errors()
    return loaded


def _judged(identity: Identity, to: Revision, templates: Mapping[str, bytes], model: bytes, loaded: Loaded) -> Judged:
    from klotho.application import Application
    from klotho.catalogue.costs import Usages, estimate
    from klotho.deploy.template import parsed as template_of
    from klotho.deploy.template_resources import resources_of
    from klotho.resources import Choice, Provenance, ResourceGraph

    application, made = _kept(model) if model else (Application(identity.application, identity.project), {})
    stacks = {stack.name: template_of(templates[stack.template]) for stack in to.manifest.stacks}
    resources = resources_of(stacks, {stack.name: stack.origins for stack in to.manifest.stacks})
    choices = {construct: Choice(name, Provenance("revision")) for construct, name in made.items()}
    graph = ResourceGraph(resources, choices)
    region = to.manifest.region
    judged = judged_of(loaded, application, replace(identity.environment, region=region), graph)

    def cost() -> float | None:
        found = estimate(resources, Usages(application), region)
        return float(found.total.expected) if found.lines else None

    return replace(judged, monthly_cost=cost)


def _with_others(judged: Judged, loaded: Loaded, identity: Identity, opened: Session) -> Iterator[Finding]:
    """What only shows together with the project's other applications, as they are published."""
    from klotho.driver import projects
    from klotho.guardrails import judge_project

    environment, name = identity.environment, identity.application
    with local_failures():
        snapshot = projects.registry_of(environment.target, identity.project, environment.name, opened).snapshot()
    plain = replace(loaded, teams=frozenset(), tags=frozenset())
    there = [item for item in snapshot.entries if item.application.name != name and not item.latest.down]
    others = [judged_of(plain, item.application, replace(environment, region=item.region)) for item in there]
    if others:
        found = judge_project(loaded.bundles, identity.project, [judged, *others])
        yield from (item for item in found if name in item.applications)


def _kept(model: bytes) -> tuple[Application, dict[str, Any]]:
    import orjson

    from klotho.application import from_json

    data = orjson.loads(model)
    return from_json(data["application"]), data["choices"]


def _told(finding: Finding, to: Revision) -> Diagnostic:
    """The program may be another one by now: its lines are named, and not shown."""
    said = finding.diagnostic()
    spans = finding.spans[:1] or [span for name, span in finding.places if name == to.manifest.application and span]
    places = ", ".join(f"{span.file}:{span.line}" for span in spans)
    where = f"revision {to.number} has it" + (f" from {places} as it was then" if places else "")
    return replace(said, labels=(), notes=(*said.notes, where), helps=_helps(said.helps, to))


def _unasked(rule: str, to: Revision) -> Diagnostic:
    return Diagnostic(
        "guardrail-denied",
        f"revision {to.number} can't be judged by `{rule}`",
        (),
        ("the Klotho that made it kept its templates, and not what the program said",),
        _helps((), to),
        rule=rule,
    )


def _helps(helps: Iterable[str], to: Revision) -> tuple[str, ...]:
    commit = to.about.version
    first = f"check out commit {commit.commit[:9]}, mend it" if commit else "mend the program"
    return (*helps, f"{first} and run `klotho up`, or ask the rule's owner for an exception")
