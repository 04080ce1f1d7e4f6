"""How the graph is divided, and what a small change touches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from klotho.diagnostics import Span
from klotho.emit import Bundle
from klotho.stacks import DIGEST
from tests.unit.engine.conftest import Builder


def shop(app: Builder, route: str = "/orders") -> Builder:
    app.add("postgres", "db").add("container", "web").add("function", "work").add("api", "shop")
    app.says("web", "reads_from", "db").says("shop", "attach_service", "web", route=route)
    return app.says("shop", "attach_service", "work", route="/work")


def changed(before: Bundle, after: Bundle) -> list[str]:
    first = {stack.name: stack.digest for stack in before.manifest.stacks}
    second = {stack.name: stack.digest for stack in after.manifest.stacks}
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def resources(bundle: Bundle, stack: str) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads(bundle.files[f"cloudformation/{stack}.template.json"])["Resources"]
    return found


def test_every_construct_is_a_stack_of_its_own_and_the_rest_is_shared(app: Builder) -> None:
    names = [stack.name for stack in shop(app).bundle().manifest.stacks]
    assert sorted(names) == ["db-postgres", "shared", "shop-api", "web-container", "work-function"]


def test_stacks_come_after_the_ones_they_take_values_from(app: Builder) -> None:
    stacks = shop(app).bundle().manifest.stacks
    names = [stack.name for stack in stacks]
    for stack in stacks:
        assert all(names.index(upstream) < names.index(stack.name) for upstream in stack.depends_on)


def test_one_changed_route_changes_one_stack_and_nothing_but_the_route(
    app: Builder, another_app: Callable[[], Builder]
) -> None:
    before, after = shop(app).bundle(), shop(another_app(), route="/bestellungen").bundle()
    assert changed(before, after) == ["web-container"]
    old, new = resources(before, "web-container"), resources(after, "web-container")
    kept = old.keys() & new.keys()
    assert all(old[name] == new[name] for name in kept)
    assert all("Route" in name for name in old.keys() ^ new.keys())


def test_a_moved_line_is_no_change(app: Builder, another_app: Callable[[], Builder]) -> None:
    before, moved = shop(app), shop(another_app())
    moved.constructs = [
        item.__class__(item.kind, item.name, item.properties, Span("infra.py", 100 + n))
        for n, item in enumerate(moved.constructs)
    ]
    assert changed(before.bundle(), moved.bundle()) == []


def test_a_new_service_changes_no_other_service(app: Builder, another_app: Callable[[], Builder]) -> None:
    before = shop(app).bundle()
    after = shop(another_app()).add("container", "pdf", context="services/pdf").bundle()
    assert changed(before, after) == ["pdf-container"]


def test_constructs_may_be_grouped(app: Builder) -> None:
    shop(app)
    app.constructs = [
        item.__class__(item.kind, item.name, item.properties, item.span, stack="orders") for item in app.constructs
    ]
    assert [stack.name for stack in app.bundle().manifest.stacks] == ["shared", "orders"]


def test_what_holds_data_is_kept_when_a_stack_lets_go_of_it(app: Builder) -> None:
    bundle = app.add("postgres", "db").add("keyvalue", "carts").bundle()
    database = resources(bundle, "db-postgres")["DbDatabase"]
    table = resources(bundle, "carts-keyvalue")["CartsTable"]
    assert isinstance(database, dict)
    assert isinstance(table, dict)
    assert (database["DeletionPolicy"], database["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert {stack.name: stack.stateful for stack in bundle.manifest.stacks} == {
        "carts-keyvalue": True,
        "db-postgres": True,
        "shared": False,
    }


def test_no_template_names_an_export(app: Builder) -> None:
    text = b"".join(shop(app).bundle().files.values())
    assert b"ImportValue" not in text
    assert b'"Export"' not in text


def test_parameters_are_filled_from_outputs_that_exist(app: Builder) -> None:
    bundle = shop(app).bundle()
    for stack in bundle.manifest.stacks:
        template = json.loads(bundle.files[f"cloudformation/{stack.template}"])
        assert set(template["Parameters"]) == {*stack.parameters, DIGEST}
        for source in stack.parameters.values():
            if hasattr(source, "output"):
                upstream = json.loads(bundle.files[f"cloudformation/{source.stack}.template.json"])
                assert source.output in upstream["Outputs"]


def test_outputs_a_user_sees_hold_no_secret(app: Builder) -> None:
    names = [output.name for output in shop(app).bundle().manifest.outputs]
    assert "shop.url" in names
    assert "db.endpoint" in names
    assert not [name for name in names if "password" in name or name == "db.url"]


def test_an_address_that_only_containers_can_call_is_not_shown_as_an_output(app: Builder) -> None:
    app.add("container", "web").add("api", "shop").says("shop", "attach_service", "web", route="/")
    assert [output.name for output in app.bundle().manifest.outputs] == ["shop.url"]
