"""`klotho preview`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.consent import moves_given
from klotho.cli.console import Console, counted
from klotho.cli.progress import lines
from klotho.deploy.differences import ResourceChange
from klotho.deploy.preview import Preview, StackChange
from klotho.deploy.sites.step import SiteChange
from klotho.diagnostics import ExitCode, Span
from klotho.driver.deployment import preview_up

_SIGNS = {"add": ("+", "green"), "modify": ("~", "yellow"), "replace": ("±", "red"), "remove": ("-", "red")}
_ACTIONS = {"create": "green", "update": "yellow", "recreate": "yellow", "delete": "red", "unchanged": "dim"}


def run(path: Path, env: str | None, move: list[str], as_json: bool, detailed_exitcode: bool) -> int:
    console = Console(as_json)
    program = program_at(path, "klotho preview")
    built, found = preview_up(program, env, lines.Quiet(console), moves=moves_given(move))
    if as_json:
        names = {"application": built.application.name, "environment": built.environment.name}
        console.json({"ok": True, **names, **found.to_json(built.spans)})
    else:
        console.diagnostics(built.diagnostics, built.program.folder)
        _show(console, found, built.spans)
    return ExitCode.CHANGES if detailed_exitcode and (found.changes or found.changed_sites) else ExitCode.OK


def _show(console: Console, found: Preview, spans: Mapping[str, Span]) -> None:
    for move in found.moves:
        where = f"{move.construct}: {counted(len(move.resources), 'resource')} from {move.source} to {move.target}"
        console.out(f"{console.paint_out('move'.ljust(10), 'yellow')} {where}; the data stay")
    for stack in found.stacks:
        action = f"may {stack.action}" if stack.uncertain else stack.action
        console.out(f"{console.paint_out(action.ljust(10), _ACTIONS[stack.action])} {stack.stack}")
        for resource in stack.resources:
            console.out(_line(console, resource, spans.get(resource.construct)))
    for site in found.sites:
        console.out(f"{console.paint_out(site.action.ljust(10), _ACTIONS[site.action])} {site.construct}{_files(site)}")
    changed = found.changes
    if not changed and not found.changed_sites:
        console.note("nothing would change")
        return
    if changed:
        console.note(_summary(changed))
    for rename in found.renames:
        console.note(
            f"{rename.new} may be {rename.old} under a new name: `klotho preview --move {rename.old}={rename.new}` "
            f"shows that, and `klotho up` asks"
        )
    for stack_name, lost in found.data_lost:
        console.note(console.paint(f"data would be lost: {lost.logical_id} ({lost.type}) in {stack_name}", "red"))


def _files(site: SiteChange) -> str:
    counts = ((site.changed, "changed"), (site.removed, "removed"))
    said = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"  site files: {said}" if said else "  its files" if site.action == "create" else ""


def _line(console: Console, item: ResourceChange, span: Span | None) -> str:
    sign, style = _SIGNS[item.change]
    detail = f"  {', '.join(item.properties)}" if item.properties else ""
    where = f"  ({span})" if span else ""
    maybe = "?" if item.uncertain else " "
    return f"  {console.paint_out(sign, style)}{maybe} {item.type} {item.logical_id}{detail}{where}"


def _summary(changed: tuple[StackChange, ...]) -> str:
    counts: dict[str, int] = {}
    for stack in changed:
        for resource in stack.resources:
            counts[resource.change] = counts.get(resource.change, 0) + 1
    words = {"add": "to add", "modify": "to change", "replace": "to replace", "remove": "to remove"}
    shown = ", ".join(f"{counts[key]} {text}" for key, text in words.items() if key in counts)
    return f"{counted(len(changed), 'stack')}: {shown or 'tags or inputs only'}"
