"""Two applications of one project on this machine: what they publish, what is refused, what `klotho project` shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.projects.machine import Machine

pytestmark = pytest.mark.localcloud

API = """
work = klotho.Compute.Function(name="work", handler="work.handler")
api = klotho.API(name="api")
api.attach_service(work, route="/work")
klotho.Domain(name="acme.example", exposes=api)
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Both are up."""
    found = Machine(tmp_path_factory.mktemp("machine"))
    try:
        assert found.klotho("shop", "check").returncode == 0
        for name in ("shop", "billing"):
            found.json(name, "up")
        yield found
    finally:
        for name in ("shop", "billing"):
            found.klotho(name, "down", "--delete-data", name)


def test_up_publishes_and_project_show_has_owner_version_constructs_and_outputs(machine: Machine) -> None:
    assert machine.json("shop", "project", "ls")["projects"] == [
        {"project": "acme", "environment": "local", "applications": ["billing", "shop"]}
    ]
    found = machine.json("billing", "project", "show")
    billing, shop = found["applications"]
    assert (billing["name"], shop["name"]) == ("billing", "shop")
    assert shop["origin"] == {"folder": str(machine.folder / "shop"), "repository": None}
    constructs = [(item["kind"], item["name"]) for item in shop["constructs"]]
    assert constructs == [("Databases.KeyValue", "orders"), ("Messaging.Queue", "jobs")]
    assert shop["outputs"] == machine.json("shop", "outputs")["outputs"]
    said = machine.klotho("shop", "project", "show").stdout
    assert f"shop  ({machine.folder / 'shop'})" in said
    assert "Messaging.Queue     jobs    infra.py:7" in said


def test_an_unchanged_up_publishes_nothing_and_a_changed_program_continues_the_history(machine: Machine) -> None:
    entry = machine.registry / "shop.json"
    before = entry.read_bytes()
    machine.json("shop", "up")
    assert entry.read_bytes() == before
    machine.write("shop", 'Q = Messaging.Queue(name="more")\n')
    machine.json("shop", "up")
    (shop,) = [item for item in machine.json("shop", "project", "show")["applications"] if item["name"] == "shop"]
    assert "more" in [item["name"] for item in shop["constructs"]]
    assert len(shop["history"]) == 2
    assert shop["history"][1]["model"] == json.loads(before)["history"][0]["model"]


def test_a_rollback_is_told_until_the_next_up(machine: Machine) -> None:
    def latest() -> Any:
        return machine.json("billing", "project", "show")["applications"][0]["published"]["rollback"]

    machine.write("billing", 'Q = Messaging.Queue(name="more")\n')
    machine.json("billing", "up")
    machine.json("billing", "rollback", "1", "--yes")
    assert latest() == 1
    machine.json("billing", "up")
    assert latest() is None
    machine.json("billing", "rollback", "1", "--yes")
    machine.write("billing")
    machine.json("billing", "up")
    assert latest() is None


def test_a_domain_that_another_application_has_is_refused_by_check_preview_and_up(machine: Machine) -> None:
    machine.write("shop", API)
    machine.json("shop", "up")
    machine.write("billing", "\n" + API)
    try:
        for command in ("check", "preview", "up"):
            (told,) = machine.json("billing", command, exit_code=1)["diagnostics"]
            assert told["code"] == "domain-claimed-twice"
            assert told["labels"][0]["span"]["line"] == 13
            assert told["notes"][:2] == [
                f"in `billing`: {machine.folder / 'billing' / 'infra.py'}:13",
                f"in `shop`: {machine.folder / 'shop' / 'infra.py'}:12",
            ]
        done = machine.klotho("billing", "project", "check")
        assert done.returncode == 1
        assert (
            "error[domain-claimed-twice]: the domain `acme.example` is claimed by `billing` and `shop`" in done.stderr
        )
        assert 'klotho.Domain(name="acme.example", exposes=api)' in done.stderr
        assert machine.klotho("shop", "project", "check").returncode == 0, "as long as it is not published"
    finally:
        machine.write("billing")
        machine.write("shop")
    machine.json("shop", "up")
    assert machine.klotho("billing", "project", "check").returncode == 0


def test_an_entry_that_cannot_be_read_stops_the_project_until_it_is_removed(machine: Machine) -> None:
    entry = machine.registry / "shop.json"
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-9])
    try:
        for name in ("shop", "billing"):
            machine.write(name, "\n")
            (told,) = machine.json(name, "check", exit_code=1)["diagnostics"]
            assert told["code"] == "registry-damaged"
            assert any(f"`rm {entry}`" in line for line in told["helps"])
        assert machine.json("shop", "up", exit_code=1)["diagnostics"] == [told]
        shown = machine.json("shop", "project", "show", exit_code=1)
        assert ([item["name"] for item in shown["applications"]], shown["unreadable"]) == (["billing"], ["shop"])
        assert entry.read_bytes() == whole[:-9]
        entry.write_bytes(json.dumps({**json.loads(whole), "schema": 99}).encode())
        (told,) = machine.json("shop", "up", exit_code=1)["diagnostics"]
        assert told["code"] == "registry-newer"
        entry.unlink()
        machine.json("shop", "up")
        assert entry.is_file()
    finally:
        for name in ("shop", "billing"):
            machine.write(name)
            machine.json(name, "up")


def test_down_keeps_what_is_published_and_deleting_the_application_withdraws_it(machine: Machine) -> None:
    machine.json("billing", "down")
    assert (machine.registry / "billing.json").is_file(), "its data are there, and the next `up` finds them"
    machine.json("billing", "down", "--delete-data", "billing")
    assert sorted(path.name for path in machine.registry.glob("*.json")) == ["shop.json"]
    machine.json("shop", "down", "--delete-data", "shop")
    assert list(machine.registry.glob("*.json")) == []
    done = machine.klotho("shop", "project", "show")
    assert done.returncode == 6
    assert "error[project-unknown]: nothing of project `acme` was published in local" in done.stderr
    for name in ("shop", "billing"):
        machine.json(name, "up")
