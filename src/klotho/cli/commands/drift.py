"""`klotho drift`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console, counted
from klotho.cli.progress import lines
from klotho.deploy.drift import Difference, ResourceDrift
from klotho.diagnostics import ExitCode
from klotho.driver.drift import DriftReport, drift


def run(path: Path, env: str | None, fail: bool, application: str | None, project: str | None, as_json: bool) -> int:
    console = Console(as_json)
    report = drift(where_at(path, "klotho drift", application, project), env, lines.Quiet(console))
    if as_json:
        console.json({"ok": True, **report.to_json()})
    else:
        show_notice(console, report.identity)
        _show(console, report)
    return ExitCode.DRIFT if fail and report.drifted else ExitCode.OK


def _show(console: Console, report: DriftReport) -> None:
    last = ""
    for stack, item in report.drifted:
        if stack != last:
            console.out(stack)
            last = stack
        console.out(_line(console, report, stack, item))
        for found in item.differences:
            console.out(f"      {found.path}: {_said(found)}")
    name = f"{report.identity.application} in {report.identity.environment.name}"
    if not report.stacks:
        console.note(f"nothing is deployed of {name}")
    elif not report.drifted:
        checked = sum(stack.checked for stack in report.stacks)
        console.note(f"{name} is as it was deployed: {counted(checked, 'resource')} compared")
    else:
        console.note(f"{counted(len(report.drifted), 'resource')} of {name} changed since the deployment")
        console.note("`klotho up` touches only what the program changes: change these back, or say them in the program")


def _line(console: Console, report: DriftReport, stack: str, item: ResourceDrift) -> str:
    origin = report.origin(stack, item)
    what = f"  {origin.construct.rpartition('/')[2]}" if origin else ""
    where = f" ({origin.span})" if origin and origin.span else ""
    sign = console.paint_out("-", "red") if item.deleted else console.paint_out("~", "yellow")
    gone = "  is gone" if item.deleted else ""
    return f"  {sign} {item.type} {item.logical_id}{what}{where}{gone}"


def _said(found: Difference) -> str:
    if found.kind == "ADD":
        return f"added {found.actual}"
    return f"removed, was {found.expected}" if found.kind == "REMOVE" else f"{found.expected} → {found.actual}"
