"""Whole pages of `klotho cost`. `pytest --bless`, then read the difference as prose."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.catalogue.costs import Usages, estimate
from klotho.cli.cost_page import CostPage
from klotho.deploy.cost_change import cost_change
from klotho.deploy.template import parsed
from klotho.driver.build import build
from klotho.driver.costs import costs_of
from klotho.driver.program import find_program
from tests.conftest import CompareGolden

PAGES = Path(__file__).parent / "costs"
EXAMPLES = Path(__file__).parents[2] / "examples"
SHOWN = ("guestbook", "multi-tier")


@pytest.mark.parametrize("example", SHOWN)
def test_page(example: str, golden: CompareGolden) -> None:
    costs = costs_of(find_program(EXAMPLES / example), None)
    golden(PAGES / f"{example}.txt", "\n".join(CostPage(costs).lines()) + "\n")


def test_page_of_what_else_things_could_be(golden: CompareGolden) -> None:
    costs = costs_of(find_program(EXAMPLES / "multi-tier"), None)
    lines = list(CostPage(costs, alternatives=True).lines())
    plain = set(CostPage(costs).lines()) - {""}
    golden(PAGES / "alternatives.txt", "\n".join(line for line in lines if line not in plain).strip() + "\n")


@pytest.mark.parametrize("example", SHOWN)
def test_templates_cost_what_the_graph_they_are_made_of_costs(example: str) -> None:
    built = build(find_program(EXAMPLES / example), None)
    usages = Usages(built.application)
    templates = {stack.name: parsed(built.templates[stack.template]) for stack in built.manifest.stacks}
    change = cost_change({}, templates, usages, built.region)
    graph = estimate(built.graph.resources, usages, built.region)
    assert change.after.total == pytest.approx(graph.total)
    assert sorted(item.what for item in change.after.unpriced) == sorted(item.what for item in graph.unpriced)
    assert change.delta == pytest.approx(graph.total.expected)


def test_every_line_of_the_examples_has_a_line_of_the_program() -> None:
    for example in sorted(path.parent for path in EXAMPLES.glob("*/infra.py")):
        costs = costs_of(find_program(example), None)
        assert costs.estimate.lines
        assert {line.resource for line in costs.estimate.lines} <= set(costs.places)
