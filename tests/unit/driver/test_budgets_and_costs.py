"""Budgets, `klotho cost`, and what a project costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klotho.catalogue.costs import Usages, estimate
from klotho.cli.run import run
from klotho.diagnostics import Diagnostic, ProgramError
from klotho.driver.build import build
from klotho.driver.costs import costs_of, joined
from klotho.driver.program import find_program
from klotho.engine import graph_elsewhere
from klotho.registry import Entry, Snapshot
from klotho.registry.entry import Origin, Publication
from klotho.registry.registry import Unreadable
from klotho.resources import SHARED, owner_of

START = 'import klotho\nfrom klotho import Compute, Databases\n\napp = klotho.Application("shop", project="acme")\n'
CONTAINER = 'orders = Compute.Container("orders", image="nginx")\n'
POSTGRES = 'db = Databases.Postgres("orders_db")\n'


def program(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "infra.py").write_text(text)
    return folder


def test_a_budget_that_is_too_small_names_the_three_biggest_lines(tmp_path: Path) -> None:
    text = f"{START}{POSTGRES}{CONTAINER}app.requires(max_monthly_cost=20)\n"
    with pytest.raises(ProgramError) as refused:
        build(find_program(program(tmp_path, text)), None)
    (found,) = [item for item in refused.value.diagnostics if item.code == "cost-above-budget"]
    assert found.span is not None
    assert found.span.line == 7
    assert "at most 20.00 are allowed" in found.message
    biggest = [note for note in found.notes if "USD" in note]
    assert biggest == [
        "32.85 USD: shared, EC2::NatGateway, running all month",
        "11.68 USD: orders_db, RDS::DBInstance, db.t4g.micro running all month",
        "5.91 USD: orders, ECS::Service, tasks all month: 1, 0.25 vCPU each",
    ]
    assert "container-insights-metrics" in found.notes[-1]


def test_a_constructs_budget_counts_its_own_resources_only(tmp_path: Path) -> None:
    kept = f"{START}{POSTGRES}{CONTAINER}db.requires(max_monthly_cost=15)\n"
    assert build(find_program(program(tmp_path / "kept", kept)), None)
    with pytest.raises(ProgramError, match=r"can be made of nothing that keeps `requires\(max_monthly_cost=14\)`"):
        build(find_program(program(tmp_path / "not", kept.replace("=15", "=14"))), None)


def test_a_budget_that_unknown_prices_may_exceed_is_a_warning(tmp_path: Path) -> None:
    text = f"{START}{CONTAINER}app.requires(max_monthly_cost=500)\n"
    built = build(find_program(program(tmp_path, text)), None)
    (found,) = [item for item in built.diagnostics if item.code == "budget-not-proven"]
    assert any("container-insights-metrics" in text for text in found.helps)


def test_what_the_program_expects_is_what_is_reckoned_with(tmp_path: Path) -> None:
    text = f'{START}carts = Databases.KeyValue("carts", key="id")\ncarts.expects(requests_per_month=4_000_000)\n'
    costs = costs_of(find_program(program(tmp_path, text)), None)
    (writes,) = [line for line in costs.estimate.lines if line.price.item == "dynamodb-write"]
    # 4,000,000 x 0.000000625
    assert writes.usd.expected == pytest.approx(2.5)
    said = {item.name: item.said for _, item in costs.estimate.assumptions}
    assert said["requests_per_month"] is not None
    assert said["storage_gb"] is None


def test_a_project_pays_what_its_applications_share_once(tmp_path: Path) -> None:
    shop = build(find_program(program(tmp_path / "shop", START + CONTAINER)), None)
    other = START.replace('"shop"', '"billing"') + CONTAINER.replace("orders", "invoices")
    billing = build(find_program(program(tmp_path / "billing", other)), None)
    alone = costs_of(shop.program, None).estimate
    together = joined(
        shop,
        [
            (shop.application, shop.graph.resources),
            (billing.application, graph_elsewhere(billing.application, environment="local").resources),
        ],
    )
    by = together.groups()["application"]
    assert set(by) == {"shared", "shop", "billing"}
    assert by["shop"].expected == pytest.approx(by["billing"].expected)
    gateways = [line for line in together.estimate.lines if line.price.item == "nat-gateway-hour"]
    assert [line.usd.expected for line in gateways] == [pytest.approx(32.85)]
    passing = [line for line in together.estimate.lines if line.price.item == "nat-gateway-gb"]
    # twice 100,000 requests x 10 KB = 2 GB x 0.045
    assert [line.usd.expected for line in passing] == [pytest.approx(0.09)]
    own = sum(line.usd.expected for line in alone.lines if line.owner != SHARED)
    assert by["shop"].expected == pytest.approx(own)


def test_published_applications_are_counted_without_their_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    other = START.replace('"shop"', '"billing"') + 'mail = Compute.Function("mail", handler="work.handler")\n'
    folder = program(tmp_path / "billing", other)
    (folder / "work.py").write_text("def handler(event, context): ...\n")
    billing = build(find_program(folder), None).application
    (folder / "work.py").unlink()
    origin, publication = Origin("/gone"), Publication(0, "me", "here", "0.1.0", "model", "id")
    entry = Entry(billing, "local", "us-east-1", origin, (publication,))
    broken = Unreadable("ledger", Diagnostic("registry-damaged", "it is damaged"))
    known = Snapshot("acme", "local", (entry,), (broken,))
    monkeypatch.setattr("klotho.driver.project_view.snapshot", lambda identity: known)
    shop = str(program(tmp_path / "shop", START + CONTAINER))
    assert run(["cost", "--project", "--program", shop, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data["by"]["application"]) == {"shared", "shop", "billing"}
    # 100,000 calls x 0.0000002, and what they take
    calls = [line for line in data["lines"] if line["item"] == "lambda-request"]
    assert [(line["application"], line["usd"]["expected"]) for line in calls] == [("billing", 0.02)]
    assert data["not_counted"] == ["ledger"]
    assert run(["cost", "--project", "--program", shop]) == 0
    assert "not counted: ledger" in capsys.readouterr().out


def test_an_application_whose_files_are_elsewhere_becomes_what_it_is(tmp_path: Path) -> None:
    text = f'{START}hello = Compute.Function("hello", handler="work.handler")\n{CONTAINER}'
    folder = program(tmp_path, text)
    (folder / "work.py").write_text("def handler(event, context): ...\n")
    built = build(find_program(folder), None)
    found = graph_elsewhere(built.application, environment="local")
    assert set(found.resources) == set(built.graph.resources)
    assert any(owner_of(key) == SHARED for key in found.resources)


def test_the_command_prints_a_total_and_all_of_it_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = str(program(tmp_path / "shop", START + CONTAINER))
    for arguments in ([], ["--project"]):
        assert run(["cost", "--program", folder, "--json", *arguments]) == 0
        data = json.loads(capsys.readouterr().out)
        # 32.85 + 3.65 for its address + 0.50 for the zone of names + 7.20875 for the task
        assert data["total"]["low"] == pytest.approx(44.20875)
        assert data["region"] == "us-east-1"
        assert [item["what"] for item in data["unknown"]] == ["container-insights-metrics"]
        assert data["free"]["AWS::EC2::VPC"] == {"count": 1, "why": "networks are free"}
        assert data["lines"][0]["item"] == "nat-gateway-hour"
        assert data["lines"][0]["span"]["line"] == 5
    assert run(["cost", "orders", "--program", folder]) == 0
    assert "182.5 x 0.03238 USD per vCPU hour" in capsys.readouterr().out
    assert run(["cost", "order", "--program", folder]) == 1
    assert "orders" in capsys.readouterr().err


FOUR = """
for name in ("a", "b", "c", "d"):
    db = Databases.Postgres(name)
    db.requires(always_on=False)
    db.expects(requests_per_month=1000)
"""


@pytest.mark.parametrize(("budget", "always_on"), [(200, "abcd"), (60, "ab"), (46, "a"), (40, "")])
def test_a_budget_is_traded_against_another_objective(tmp_path: Path, budget: int, always_on: str) -> None:
    """Databases that never pause are faster and dearer: as many as the budget leaves, the first ones."""
    said = f'app.requires(objective="latency", max_monthly_cost={budget})\n'
    built = build(find_program(program(tmp_path, START + said + FOUR)), None)
    choices = {name: item.implementation for name, item in built.graph.choices.items()}
    databases = {name for name in choices if name.startswith("Databases") and "#" not in name}
    taken = {name.rpartition("/")[2]: choices[name] for name in databases}
    assert taken == {name: "rds" if name in always_on else "aurora-serverless" for name in "abcd"}
    cost = estimate(built.graph.resources, Usages(built.application), "us-east-1")
    assert cost.total.expected <= budget


def test_a_budget_that_cannot_be_kept_names_a_smallest_set_of_lines_in_conflict(tmp_path: Path) -> None:
    careful = 'db = Databases.Postgres("orders_db")\ndb.requires(availability=99.9)\n'
    other = 'more = Databases.Postgres("more_db")\nmore.use("aurora")\n'
    with pytest.raises(ProgramError) as refused:
        build(find_program(program(tmp_path, f"{START}app.requires(max_monthly_cost=80)\n{careful}{other}")), None)
    (found,) = [item for item in refused.value.diagnostics if item.code == "cost-above-budget"]
    assert [(label.span.line, label.text) for label in found.labels[1:]] == [
        (9, "this rules out `rds` for more_db, which would cost 39.45 USD less"),
    ]


def test_a_budget_that_nothing_could_keep_is_in_conflict_with_no_other_line(tmp_path: Path) -> None:
    text = f"{START}app.requires(max_monthly_cost=1)\n{POSTGRES}db.requires(availability=99.9)\n"
    with pytest.raises(ProgramError) as refused:
        build(find_program(program(tmp_path, text)), None)
    (found,) = [item for item in refused.value.diagnostics if item.code == "cost-above-budget"]
    assert found.labels[1:] == ()
