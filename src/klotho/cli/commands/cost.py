"""`klotho cost`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import program_at, where_at
from klotho.cli.console import Console
from klotho.cli.cost_page import CostPage
from klotho.diagnostics import Failure, did_you_mean
from klotho.driver.costs import Costs, costs_of, costs_of_project
from klotho.driver.identity import identify


def run(name: str | None, path: Path, env: str | None, project: bool, alternatives: bool, as_json: bool) -> None:
    console = Console(as_json)
    program = program_at(path, "klotho cost --program")
    if project:
        where = where_at(path, "klotho cost --program", None, None)
        costs = costs_of_project(program, env, identify(where, env))
    else:
        costs = costs_of(program, env)
    if name is not None:
        _refuse_stranger(name, costs)
    if as_json:
        console.json({"ok": True, **costs.to_json()})
        return
    console.diagnostics(costs.diagnostics, program.folder)
    for line in CostPage(costs, name, alternatives).lines():
        console.out(line)


def _refuse_stranger(name: str, costs: Costs) -> None:
    found = costs.estimate
    owners = {line.owner.rpartition("/")[2] for line in found.lines}
    owners |= {item.owner.rpartition("/")[2] for item in found.unpriced}
    if name not in owners:
        helps = [did_you_mean(name, sorted(owners)) or "`klotho cost` lists what costs something"]
        raise Failure("nothing-to-pay", f"nothing named `{name}` costs anything", helps=helps)
