"""Ways in, calls and logins are choices, with what else there is, its cost and what leads to it."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.resources.serialization import graph_to_json
from tests.unit.engine.conftest import Builder


def choices(app: Builder) -> dict[str, Any]:
    found: dict[str, Any] = graph_to_json(app.resolve().graph)["choices"]
    return found


def rejected(choice: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    return {item["implementation"]: (item["reason"], item["monthly_micro_usd"]) for item in choice["rejected"]}


def test_containers_are_reached_through_a_vpc_link_and_what_else_there_is_has_its_price(app: Builder) -> None:
    app.add("api", "web").add("container", "shop").says("web", "attach_service", "shop", route="/")
    found = choices(app)["shared/ingress"]
    assert (found["implementation"], found["monthly_micro_usd"]) == ("vpc-link", 500_000)
    others = rejected(found)
    assert others["public-alb"][1] is not None and others["public-alb"][1] > 16_000_000
    assert others["nlb"] == (others["nlb"][0], None) and "it knows no paths" in others["nlb"][0]


def test_an_api_of_functions_alone_has_no_way_in_to_choose(app: Builder) -> None:
    app.add("api", "web").add("function", "work").says("web", "attach_service", "work", route="/")
    assert not {name for name in choices(app) if name.startswith("shared/")}


def test_containers_call_by_service_connect_and_functions_look_up(app: Builder) -> None:
    app.add("container", "shop").add("container", "stock").says("shop", "calls", "stock")
    assert "shared/calls-of-functions" not in choices(app)
    app.add("function", "work").says("work", "calls", "stock")
    found = choices(app)
    containers, functions = found["shared/calls-of-containers"], found["shared/calls-of-functions"]
    assert (containers["implementation"], functions["implementation"]) == ("service-connect", "cloud-map")
    assert set(rejected(containers)) == {"cloud-map", "internal-alb"}
    assert "only containers on ECS can join it" in rejected(functions)["service-connect"][0]


def test_each_database_says_how_services_log_in_and_what_that_costs(app: Builder) -> None:
    app.add("postgres", "db").add("function", "one").add("function", "two")
    app.says("one", "reads_from", "db").says("two", "writes_to", "db").says("two", "reads_from", "db")
    app.add("postgres", "tokens", login="iam").says("one", "reads_from", "tokens")
    found = choices(app)
    passwords, tokens = found["Databases.Postgres/db#login"], found["Databases.Postgres/tokens#login"]
    assert (passwords["implementation"], passwords["monthly_micro_usd"]) == ("secret", 800_000)
    assert "iam" in rejected(passwords)
    assert (tokens["implementation"], tokens["monthly_micro_usd"]) == ("iam", 0)
    assert rejected(tokens)["secret"] == ('`login="iam"` asks for tokens', 400_000)


@pytest.mark.parametrize("kind", ["mysql", "redis"])
def test_a_login_that_is_never_made_is_refused_with_its_reason_and_listed(app: Builder, kind: str) -> None:
    app.add(kind, "db")
    (found,) = (item for name, item in choices(app).items() if name.endswith("/db#login"))
    reason, monthly = rejected(found)["iam"]
    assert reason.startswith("Klotho does not make it: ") and monthly is None
    (problem,) = app.directive("db", "use", found_of(app), login="iam").problems()
    assert (problem.code, problem.notes, problem.helps) == ("wrong-argument", (reason,), ("use one of `secret`",))


def found_of(app: Builder) -> str:
    return str(next(item["implementation"] for name, item in choices(app).items() if name.endswith("/db")))


@pytest.mark.parametrize(
    ("egress", "told"),
    [
        ("nat-instance", "Klotho does not make it: an instance to patch, and the way out is lost while it restarts"),
        ("ipv6-egress-only", "Klotho does not make it: much of the internet, and some AWS services, do not answer"),
        ("public-subnet", "Klotho does not make it: every task would have an address of its own on the internet"),
    ],
)
def test_a_way_out_that_is_never_made_is_refused_with_its_reason(app: Builder, egress: str, told: str) -> None:
    (problem,) = app.add("network", "net", egress=egress).add("container", "web").problems()
    assert problem.code == "wrong-argument" and problem.notes[0].startswith(told)


def test_a_mistyped_way_out_is_told_the_nearest(app: Builder) -> None:
    (problem,) = app.add("network", "net", egress="nat-per-zon").problems()
    assert "did you mean `nat-per-zone`?" in problem.helps[0]
