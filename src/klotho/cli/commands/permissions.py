"""`klotho permissions`."""

from __future__ import annotations

from pathlib import Path

from klotho.catalogue.deployer import MAX_CHARACTERS, Policies, size
from klotho.cli.commands.program import program_at
from klotho.cli.console import Console, counted
from klotho.diagnostics import render_json
from klotho.driver.build import build
from klotho.driver.machine import runs_in_ci
from klotho.driver.permissions import deployer_policies, write_policies


def run(path: Path, env: str | None, out: Path | None, as_json: bool) -> None:
    console = Console(as_json)
    program = program_at(path, "klotho permissions")
    built = build(program, env, in_ci=runs_in_ci())
    found = deployer_policies(built)
    files = write_policies(out, found, program.folder) if out is not None else []
    if as_json:
        console.json(
            {
                "ok": True,
                "application": built.application.name,
                "environment": built.environment.name,
                "policies": list(found.documents),
                "actions": list(found.actions),
                "unscoped": list(found.unscoped),
                "left_out": list(found.left_out),
                "files": [str(file) for file in files],
                "diagnostics": render_json(built.diagnostics),
            }
        )
        return
    console.diagnostics(built.diagnostics, program.folder)
    _summary(console, found, built.application.name, built.environment.name)
    for line in [str(file) for file in files] or [_text(document) for document in found.documents]:
        console.out(line)


def _summary(console: Console, found: Policies, application: str, environment: str) -> None:
    sizes = " + ".join(str(size(document)) for document in found.documents)
    count = len(found.documents)
    policies = "1 policy" if count == 1 else f"{count} policies, all to be attached to the deployer's role"
    console.note(
        f"{application} → {environment}: {counted(len(found.actions), 'action')} for "
        f"{counted(len(found.types), 'resource type')} in {policies} ({sizes} of at most {MAX_CHARACTERS:,} characters)"
    )
    console.note(f"{counted(len(found.unscoped), 'action')} on `*`, where AWS takes nothing narrower")
    for action in found.left_out:
        console.note(f"left out, for AWS does not list it: {action}")


def _text(document: object) -> str:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
