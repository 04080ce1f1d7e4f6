"""`klotho guardrails`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted, show_paths_from
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of, render_json
from klotho.driver.guardrail_settings import Source
from klotho.driver.guardrail_sources import BUILT_IN, versions_of
from klotho.driver.guardrail_tests import Outcome, read_bundle, run_tests
from klotho.driver.guardrails import Loaded
from klotho.guardrails import BUNDLE, Bundle, Rule, json_schema


def list_all(path: Path, env: str | None, as_json: bool) -> None:
    from klotho.diagnostics import Report
    from klotho.driver.build import describe
    from klotho.driver.lock_file import read_pins
    from klotho.driver.machine import runs_in_ci

    console = Console(as_json)
    program = program_at(path, "klotho guardrails ls --program")
    described = describe(program, env, in_ci=runs_in_ci())
    loaded, pins = described.guardrails, read_pins(program.folder, Report())
    rows = [
        (
            bundle.name,
            bundle.version,
            counted(len(bundle.rules), "rule"),
            bundle.owner,
            source.shown,
            source.shown in pins,
        )
        for source, bundle in zip(loaded.sources, loaded.bundles, strict=True)
    ]
    if as_json:
        keys = ("name", "version", "rules", "owner", "source", "pinned")
        console.json({"ok": True, "bundles": [dict(zip(keys, row, strict=True)) for row in rows]})
        return
    if not rows:
        console.note(f"`{described.environment.name}` answers to no bundle: add `guardrails: [klotho-best-practice]`")
        return
    console.table([(*row[:5], "pinned" if row[5] else "not pinned yet: `klotho up` does it") for row in rows])


def show(name: str, rule: str | None, as_json: bool) -> None:
    console = Console(as_json)
    bundle = _named(name)
    known = {item.id: item for item in bundle.rules}
    if rule is not None and rule not in known:
        raise Failure(
            "guardrail-unknown",
            f"the bundle `{bundle.name}` has no rule `{rule}`",
            helps=(did_you_mean(rule, known) or f"it has {one_of(sorted(known))}",),
            exit_code=ExitCode.NOT_FOUND,
        )
    rules = [known[rule]] if rule is not None else list(bundle.rules)
    if as_json:
        console.json({"ok": True, **_bundle_json(bundle), "rules": [_rule_json(item) for item in rules]})
        return
    console.out(f"{bundle.name} {bundle.version}, {bundle.owner}{f': {bundle.about}' if bundle.about else ''}")
    for item in rules:
        for line in _rule_lines(item):
            console.out(line)


def test(path: Path, as_json: bool) -> int:
    console = Console(as_json)
    show_paths_from(path if path.is_dir() else path.parent)
    bundle, outcomes = run_tests(path)
    wrong = [item for item in outcomes if not item.ok]
    if as_json:
        console.json({"ok": not wrong, **_bundle_json(bundle), "tests": [_outcome_json(item) for item in outcomes]})
        return ExitCode.ERROR if wrong else ExitCode.OK
    for item in outcomes:
        console.out(f"{'ok' if item.ok else 'FAILED'}  {item.name}{'' if item.ok else f': {_why(item)}'}")
        console.diagnostics(item.mistakes, path / item.fixture.program)
    never = sorted({rule.id for rule in bundle.rules} - {name for item in outcomes for name in item.fixture.expect})
    console.note(f"{len(outcomes) - len(wrong)} of {counted(len(outcomes), 'test')} passed")
    if never:
        console.note(f"no test breaks {one_of(never)}")
    return ExitCode.ERROR if wrong else ExitCode.OK


def schema() -> None:
    Console().json(json_schema(BUNDLE, "klotho guardrails: bundle.toml"))


def publish(path: Path, program_path: Path, env: str | None, as_json: bool) -> None:
    from klotho.driver.build import describe
    from klotho.driver.guardrail_publishing import publish_bundle
    from klotho.driver.machine import runs_in_ci

    console = Console(as_json)
    bundle = read_bundle(path)
    program = program_at(program_path, "klotho guardrails publish --program")
    described = describe(program, env, in_ci=runs_in_ci(), guardrails=Loaded())
    address = publish_bundle(described, bundle)
    place = f"project `{described.application.project}`, {described.environment.name}"
    if as_json:
        console.json({"ok": True, **_bundle_json(bundle), "address": address})
        return
    console.note(f"{bundle.name} {bundle.version} is demanded of every application in {place}")
    console.note(f"each names it in its klotho.yaml: `guardrails: [{{store: {bundle.name}}}]`")
    console.out(address)


def _named(name: str) -> Bundle:
    """A bundle that Klotho brings, else the one in a folder."""
    versions = versions_of(name) if "/" not in name else []
    if versions:
        return read_bundle(BUILT_IN / name / f"{versions[-1]}.toml")
    if "/" not in name and not Path(name).exists():
        from klotho.driver.guardrail_sources import text_of

        text_of(Source("builtin", name), Path(), _no_store, "")  # which says what there is
    return read_bundle(Path(name))


def _no_store() -> Any:
    raise AssertionError("a built-in bundle is in no store")


def _rule_lines(rule: Rule) -> list[str]:
    scope = [
        f"{word} {', '.join(items)}"
        for word, items in (("in", rule.environments), ("of teams", rule.teams), ("tagged", rule.tags))
        if items
    ]
    lines = ["", f"{rule.id} ({rule.severity}{', ' if scope else ''}{'; '.join(scope)}): {rule.message}"]
    lines += [f"  why: {rule.why}"] if rule.why else []
    lines += [f"  sets: {name} = {value!r}" for name, value in rule.match.get("enforce", {}).items()]
    return [*lines, f"  fix: {rule.fix}"]


def _bundle_json(bundle: Bundle) -> dict[str, Any]:
    return {"bundle": bundle.name, "version": bundle.version, "owner": bundle.owner, "digest": bundle.digest}


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "severity": rule.severity,
        "message": rule.message,
        "why": rule.why,
        "fix": rule.fix,
        "owner": rule.owner,
        "environments": list(rule.environments),
        "teams": list(rule.teams),
        "tags": list(rule.tags),
        rule.subject: dict(rule.match),
    }


def _outcome_json(item: Outcome) -> dict[str, Any]:
    return {
        "program": item.fixture.program,
        "environment": item.fixture.environment,
        "ok": item.ok,
        "expected": list(item.fixture.expect),
        "found": list(item.found),
        "mistakes": render_json(item.mistakes),
    }


def _why(item: Outcome) -> str:
    if item.mistakes:
        return "it can't be compiled"
    more, less = sorted(set(item.found) - set(item.fixture.expect)), sorted(set(item.fixture.expect) - set(item.found))
    said = [f"it breaks {one_of(more)} besides"] if more else []
    said += [f"it does not break {one_of(less)}"] if less else []
    return ", and ".join(said)
