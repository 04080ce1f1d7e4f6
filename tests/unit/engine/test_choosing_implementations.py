"""What is chosen, what was rejected and why, and what nothing can be made of."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from klotho.catalogue.kinds import IMPLEMENTATIONS, candidates
from klotho.catalogue.logins import WAYS, login_of
from klotho.catalogue.tables import table
from klotho.catalogue.unavailable import unavailable
from klotho.resources.serialization import graph_to_json
from tests.unit.engine.conftest import KINDS, Builder


def choices(app: Builder) -> dict[str, Any]:
    found: dict[str, Any] = graph_to_json(app.resolve().graph)["choices"]
    return found


def rejected(app: Builder, construct: str) -> dict[str, str]:
    return {item["implementation"]: item["reason"] for item in choices(app)[construct]["rejected"]}


def test_a_choice_carries_what_was_rejected_and_why(app: Builder) -> None:
    found = rejected(app.add("function", "work"), "Compute.Function/work")
    assert "packages are large" in found["lambda-layer"]
    assert "taken where Lambda can't be it" in found["fargate"]


def test_a_pin_is_the_reason_for_all_others(app: Builder) -> None:
    app.add("function", "work").directive("work", "use", "lambda-layer")
    found = choices(app)["Compute.Function/work"]
    assert found["implementation"] == "lambda-layer"
    other = next(item for item in found["rejected"] if item["implementation"] == "lambda")
    assert other["reason"] == '`use("lambda-layer")` asks for another one'
    assert other["spans"][0]["line"] == 2


def test_a_requirement_that_is_kept_changes_nothing_and_is_silent(app: Builder) -> None:
    app.add("function", "work").requires("work", "max_duration_s", 900)
    assert choices(app)["Compute.Function/work"]["implementation"] == "lambda"
    assert app.codes() == []


@pytest.mark.parametrize(
    ("name", "value"), [("max_duration_s", 1200), ("max_payload_mb", 50), ("cold_start", False), ("always_on", True)]
)
def test_a_function_goes_to_fargate_by_itself_where_lambda_does_not_keep_what_is_required(
    app: Builder, name: str, value: Any
) -> None:
    app.add("function", "work").requires("work", name, value)
    found = choices(app)["Compute.Function/work"]
    assert found["implementation"] == "fargate"
    rejected = next(item for item in found["rejected"] if item["implementation"] == "lambda")
    assert rejected["spans"][0]["line"] == 2
    assert app.codes() == []


@pytest.mark.parametrize(("parameter", "value"), [("timeout", 1200), ("memory", 20000)])
def test_a_function_goes_to_fargate_where_its_own_parameters_ask_for_more_than_lambda_has(
    app: Builder, parameter: str, value: int
) -> None:
    app.add("function", "work", **{parameter: value})
    assert choices(app)["Compute.Function/work"]["implementation"] == "fargate"
    assert "AWS::Lambda::Function" not in app.types()


def test_the_smallest_conflict_is_named_where_nothing_fits(app: Builder) -> None:
    app.add("function", "work").add("keyvalue", "table").says("work", "triggered_by", "table")
    app.requires("work", "max_duration_s", 1200).requires("work", "max_payload_mb", 1)
    (problem,) = app.problems()
    assert problem.code == "nothing-fits"
    assert "max_duration_s" in problem.message and "max_payload_mb" not in problem.message
    assert any("`triggered_by` table" in note for note in problem.notes)


def test_a_container_bears_long_runs_and_large_payloads(app: Builder) -> None:
    app.add("container", "web").requires("web", "max_duration_s", 7200).requires("web", "always_on", True)
    assert app.codes() == []


def test_the_applications_requirement_holds_for_each_and_its_own_wins(app: Builder) -> None:
    app.add("function", "work").requires(None, "max_duration_s", 1200)
    assert choices(app)["Compute.Function/work"]["implementation"] == "fargate"
    app.requires("work", "max_duration_s", 60)
    assert choices(app)["Compute.Function/work"]["implementation"] == "lambda"


def test_a_pin_wins_over_a_requirement_and_it_is_said(app: Builder) -> None:
    app.add("function", "work").requires("work", "max_duration_s", 1200).directive("work", "use", "lambda")
    assert app.codes() == ["requirement-overruled"]
    assert choices(app)["Compute.Function/work"]["implementation"] == "lambda"


def test_an_api_chosen_by_its_parameter_names_the_other_with_its_cost(app: Builder) -> None:
    found = choices(app.add("api", "shop"))["API/shop"]
    other = next(item for item in found["rejected"] if item["implementation"] == "internal-alb")
    assert other["reason"] == "its own parameters ask for something else"
    assert other["monthly_micro_usd"] is None  # nothing can be made of it with these parameters


def test_the_way_out_of_the_network_says_what_the_others_cost(app: Builder) -> None:
    app.add("container", "web").add("postgres", "db").says("web", "reads_from", "db")
    found = choices(app)["shared/egress"]
    assert (found["implementation"], found["monthly_micro_usd"]) == ("nat", 36_545_000)
    assert {"nat-per-zone", "endpoints"} < {item["implementation"] for item in found["rejected"]}


def test_a_function_in_the_network_gets_endpoints_and_no_internet(app: Builder) -> None:
    app.add("function", "work").add("postgres", "db").says("work", "reads_from", "db")
    found = choices(app)["shared/egress"]
    assert found["implementation"] == "endpoints"
    assert "opens the internet" in found["rejected"][0]["reason"]


def test_zones_that_may_be_lost_ask_for_a_way_out_in_each(app: Builder) -> None:
    app.add("container", "web").requires("web", "availability", 99.9)
    assert choices(app)["shared/egress"]["implementation"] == "nat-per-zone"


def test_tables_name_only_what_there_is_and_unavailable_ones_are_not() -> None:
    names = {name for item in IMPLEMENTATIONS for name in (item.name, f"{item.kind}/{item.name}")}
    assert set(table("candidates")) - {"unavailable"} <= names
    for kind in KINDS.values():
        assert not set(unavailable(kind)) & {item.name for item in candidates(kind)}
    assert set(table("candidates")["unavailable"]) <= {*KINDS.values(), "Network", *map(login_of, WAYS)}


def test_the_solver_is_not_loaded_where_nothing_is_to_choose() -> None:
    program = (
        "import sys, os\nfrom pathlib import Path\nfrom klotho.application import Application, Construct\n"
        "from klotho.application.files import ProgramFiles\nfrom klotho.diagnostics import Report\n"
        "from klotho.engine import resolve\n"
        "app = Application('shop', constructs=(Construct('Messaging.Queue', 'jobs'), Construct('API', 'web')))\n"
        "resolve(app, environment='local', files=ProgramFiles(Path(os.devnull)), report=Report())\n"
        "print('klotho.engine.choosing' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_fargate_spot_competes_only_where_something_may_stop(app: Builder) -> None:
    found = rejected(app.add("container", "web").add("container", "batch", always_on=False), "Compute.Container/web")
    assert "two minutes' notice" in found["fargate-spot"]
    assert choices(app)["Compute.Container/web"]["implementation"] == "fargate"
    assert choices(app)["Compute.Container/batch"]["implementation"] == "fargate-spot"


def test_a_pin_to_fargate_wins_over_always_on_false(app: Builder) -> None:
    app.add("container", "web", always_on=False).directive("web", "use", "fargate")
    service = app.resolve().graph["Compute.Container/web:service"]
    assert service.properties["LaunchType"] == "FARGATE"
    assert "CapacityProviderStrategy" not in service.properties


def test_a_pin_that_is_named_and_never_chosen_says_why_and_a_mistyped_one_what_is_meant(app: Builder) -> None:
    app.add("api", "web").directive("web", "use", "rest-api")
    app.add("container", "batch").directive("batch", "use", "lambda-contaner")
    never, mistyped = app.problems()
    assert never.notes[0].startswith("Klotho does not make it: its routes go live")
    assert never.helps == ("use one of `http-api`, `internal-alb`, `public-alb` and `function-url`",)
    assert mistyped.helps[0] == "did you mean `lambda-container`?"
