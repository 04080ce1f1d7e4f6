"""`klotho upgrade`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klotho.cli.commands.check import effect_json, effect_lines
from klotho.cli.commands.program import program_at
from klotho.cli.console import Console
from klotho.diagnostics import ExitCode
from klotho.driver.guardrail_effects import Step, upgrade
from klotho.driver.lock_file import LOCK_FILE
from klotho.guardrails import Rule


def run(path: Path, env: str | None, dry_run: bool, as_json: bool) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho upgrade")
    found = upgrade(program, env, write=not dry_run)
    if as_json:
        steps = [_json(step) for step in found.steps]
        console.json({"ok": True, "written": not dry_run, "bundles": steps, "effect": effect_json(found.effect)})
        return ExitCode.OK
    if not found.steps:
        console.note("klotho.yaml names no bundle: add `guardrails: [klotho-best-practice]`")
        return ExitCode.OK
    for step in found.steps:
        for line in _lines(step):
            console.out(line)
    for line in effect_lines(found.effect):
        console.out(line)
    changed = any(not step.same for step in found.steps)
    if not changed:
        console.note(f"{LOCK_FILE} pins the newest of each")
    elif dry_run:
        console.note("nothing was written; `klotho upgrade` takes it")
    else:
        console.note(f"{LOCK_FILE} pins it now: commit it")
    return ExitCode.OK


def _lines(step: Step) -> list[str]:
    after = step.after
    if step.same:
        return [f"{after.bundle} {after.version}: the newest"]
    before = step.before.version if step.before is not None else "not pinned"
    lines = [f"{after.bundle} {before} → {after.version}"]
    if not step.compared:
        lines.append("  the pinned text is not on this machine: its rules can't be compared")
    for word, rules in (("new", step.added), ("gone", step.removed), ("changed", step.changed)):
        lines += [f"  {word}: {rule.id} ({rule.severity}): {rule.message}" for rule in rules]
    return lines


def _json(step: Step) -> dict[str, Any]:
    return {
        "source": step.after.source,
        "bundle": step.after.bundle,
        "from": step.before.version if step.before else None,
        "to": step.after.version,
        "digest": step.after.digest,
        "same": step.same,
        "compared": step.compared,
        "added": _ids(step.added),
        "removed": _ids(step.removed),
        "changed": _ids(step.changed),
    }


def _ids(rules: tuple[Rule, ...]) -> list[str]:
    return [rule.id for rule in rules]
