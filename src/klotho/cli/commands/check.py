"""`klotho check`: everything that can be told about a program without deploying it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from klotho.application.files import repository_of
from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.cli.options import CheckFormat
from klotho.diagnostics import (
    Diagnostic,
    ExitCode,
    Failure,
    ProgramError,
    Severity,
    render_json,
    render_junit,
    render_sarif,
)
from klotho.driver.build import Build
from klotho.driver.check import blast_radius, check
from klotho.driver.guardrail_effects import Difference
from klotho.driver.guardrails import BrokenRules
from klotho.driver.program import Program


def run(path: Path, env: str | None, ask_account: bool, bundle: Path | None, form: CheckFormat) -> int:
    console = Console(form is CheckFormat.JSON)
    program = program_at(path, "klotho check")
    if bundle is not None:
        if not ask_account:
            raise Failure(
                "usage", "`--bundle` goes with `--project`", helps=("add `--project`",), exit_code=ExitCode.USAGE
            )
        return _blast_radius(console, blast_radius(program, env, bundle), bundle)
    if form is CheckFormat.JSON:
        return _as_json(console, lambda: check(program, env, ask_account=ask_account))
    if form in (CheckFormat.SARIF, CheckFormat.JUNIT):
        return _for_machines(console, form, program, lambda: check(program, env, ask_account=ask_account))
    built = check(program, env, ask_account=ask_account)
    console.diagnostics(built.diagnostics, program.folder)
    console.note(f"{built.application.name}: no mistakes{_counts(built)}")
    if built.environment.target == "aws" and not ask_account:
        console.note(
            "`klotho check --project` compares it with the project's other applications, too: it asks the account"
        )
    return ExitCode.OK


def _as_json(console: Console, checked: Callable[[], Build]) -> int:
    """Also a failure is JSON, whether `--json` or `--format json` asks for it."""
    try:
        built = checked()
    except ProgramError as error:
        console.failed(error.diagnostics)
        return error.exit_code
    except Failure as failure:
        console.failed([failure.diagnostic])
        return failure.exit_code
    names = {"application": built.application.name, "environment": built.environment.name}
    console.json({"ok": True, **names, **_rules(built), "diagnostics": render_json(built.diagnostics)})
    return ExitCode.OK


def _counts(built: Build) -> str:
    warnings = sum(item.severity is Severity.WARNING for item in built.diagnostics)
    said = [counted(warnings, "warning")] if warnings else []
    if built.judgement is not None:
        said.append(f"{counted(len(built.judgement.asked), 'guardrail')} asked")
    return "".join(f", {item}" for item in said)


def _rules(built: Build) -> dict[str, Any]:
    if built.judgement is None:
        return {}
    bundles = {item.name: item.version for item in built.guardrails.bundles}
    return {"guardrails": {"bundles": bundles, "asked": [rule.name for rule in built.judgement.asked]}}


def _for_machines(console: Console, form: CheckFormat, program: Program, checked: Callable[[], Build]) -> int:
    """One document on stdout, whatever was found; what stops the check itself is told as everywhere."""
    code: int = ExitCode.OK
    try:
        built = checked()
        found: Sequence[Diagnostic] = built.diagnostics
        asked = built.judgement.asked if built.judgement is not None else ()
    except ProgramError as error:
        found, code = error.diagnostics, error.exit_code
        asked = error.judgement.asked if isinstance(error, BrokenRules) else ()
    broken = {item.rule for item in found if item.rule and item.code != "guardrail-excepted"}
    kept = [rule.name for rule in asked if rule.name not in broken]
    if form is CheckFormat.SARIF:
        from importlib.metadata import version

        folder = program.folder.relative_to(repository_of(program.folder)).as_posix()
        console.out(render_sarif(found, version("klotho"), "" if folder == "." else folder))
    else:
        console.out(render_junit(found, kept, "klotho check"))
    return code


def _blast_radius(console: Console, found: list[Difference], bundle: Path) -> int:
    """What would newly fail is a finding, not a failure of the command: the bundle is not in force yet."""
    failing = [item for item in found if item.newly]
    if console.as_json:
        console.json({"ok": True, "newly_failing": len(failing), "applications": [effect_json(item) for item in found]})
        return ExitCode.OK
    for item in found:
        for line in effect_lines(item):
            console.out(line)
    total = counted(len(found), "application")
    console.note(f"`{bundle}` would newly fail {len(failing)} of {total}, in {_places(failing)}")
    return ExitCode.OK


def _places(found: Sequence[Difference]) -> str:
    return counted(sum(len(item.newly) for item in found), "place")


def effect_lines(item: Difference) -> list[str]:
    """What other bundles change for one application, a line each."""
    partly = " (judged by its model: it can't be compiled here, so rules about resources were not asked)"
    head = f"{item.application}: {_said(item)}{partly if item.model_only else ''}"
    lines = [head]
    for word, diagnostics in (("fails", item.newly), ("no longer fails", item.no_longer), ("says", item.told)):
        lines += [f"  {word}: {_line(found)}" for found in diagnostics]
    return lines


def effect_json(item: Difference) -> dict[str, Any]:
    return {
        "application": item.application,
        "newly_failing": render_json(item.newly),
        "no_longer_failing": render_json(item.no_longer),
        "warnings": render_json(item.told),
        "model_only": item.model_only,
    }


def _said(item: Difference) -> str:
    parts = [f"{len(item.newly)} would newly fail"] if item.newly else []
    parts += [f"{len(item.no_longer)} would no longer fail"] if item.no_longer else []
    parts += [f"{len(item.told)} new warnings and notes" if len(item.told) > 1 else "1 new warning or note"] * bool(
        item.told
    )
    return ", ".join(parts) or "nothing changes"


def _line(item: Diagnostic) -> str:
    at = f" ({item.span})" if item.span else ""
    note = f"; {item.notes[0]}" if item.notes else ""
    return f"{item.message}{note}{at}"
