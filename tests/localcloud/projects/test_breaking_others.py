"""Taking away what another application uses: refused by every command, done by typed consent, and kept on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from klotho.application import Application, ConstructId, Relationship
from klotho.diagnostics import Span
from klotho.registry import Origin, Registry
from klotho.stores.folder import FolderStore
from tests.localcloud.projects.machine import Machine
from tests.unit.registry.applications import application, construct, news

pytestmark = pytest.mark.localcloud

LINE = "jobs = Messaging.Queue"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """`shop` is up, and two others have published that they use its queue: `billing` and `mail`."""
    found = Machine(tmp_path_factory.mktemp("machine"))
    try:
        found.json("shop", "up")
        publish(found, user("billing"))
        publish(found, user("mail"))
        yield found
    finally:
        found.klotho("shop", "down", "--delete-data", "shop", "--allow-breaking", "billing", "--allow-breaking", "mail")


def user(name: str) -> Application:
    queue = construct("Messaging.Queue", "jobs", 4, from_project=True)
    work = construct("Compute.Function", "work", 5, properties={"handler": "work.handler"})
    reads = Relationship("consumes", work.id, queue.id, {}, Span("infra.py", 6, 1, 6, 20))
    return replace(application(name, queue, work), relationships=(reads,))


def registry(machine: Machine) -> Registry:
    return Registry(FolderStore(machine.registry.parents[1]), "acme", "local")


def publish(machine: Machine, app: Application) -> None:
    registry(machine).publish(news(app, origin=Origin(f"/home/ann/{app.name}")))


def shown(machine: Machine) -> dict[str, Any]:
    applications = machine.json("shop", "project", "show")["applications"]
    return dict(next(item for item in applications if item["name"] == "shop"))


def without_queue(machine: Machine) -> None:
    text = (machine.folder / "shop" / "infra.py").read_text()
    (machine.folder / "shop" / "infra.py").write_text(text.replace(LINE, "# " + LINE))


def test_what_others_use_is_not_removed_by_any_command_without_their_names(machine: Machine) -> None:
    without_queue(machine)
    try:
        for command in ("check", "preview", "up", "up --yes", "project check", "up --yes --allow-breaking billing"):
            (told,) = machine.json("shop", *command.split(), exit_code=1)["diagnostics"]
            assert told["code"] == "in-use-elsewhere"
            assert told["message"].startswith('removing Messaging.Queue "jobs" would break `billing` and `mail`')
            assert told["notes"] == [
                f"in `shop`: {machine.folder / 'shop' / 'infra.py'}:7, as it was published",
                "in `billing`: /home/ann/billing/infra.py:4, which uses it: `consumes` (infra.py:6)",
                "in `mail`: /home/ann/mail/infra.py:4, which uses it: `consumes` (infra.py:6)",
            ]
            assert "`klotho up --allow-breaking billing --allow-breaking mail`" in told["helps"][-1]
        assert [item["name"] for item in shown(machine)["constructs"]] == ["orders", "jobs"]
    finally:
        machine.write("shop")


def test_a_program_with_other_mistakes_is_told_what_does_not_fit_as_well(machine: Machine) -> None:
    """The engine can't make a reference yet; what is wrong with it in the project is told all the same."""
    text = 'import klotho\n\nklotho.Application("reports", project="acme")\n'
    program = machine.folder / "billing" / "infra.py"
    program.write_text(text + 'klotho.Messaging.Topic(name="jobs", from_project=True)\n')
    try:
        for command in ("check", "project check"):
            codes = [item["code"] for item in machine.json("billing", *command.split(), exit_code=1)["diagnostics"]]
            assert codes[-1] == "wrong-kind"
    finally:
        machine.write("billing")


def test_a_person_types_the_names_and_anything_else_changes_nothing(machine: Machine) -> None:
    without_queue(machine)
    try:
        said, code = machine.at_a_terminal("shop", "up", answers={"Type billing to break it: ": "yes"})
        assert code == 8, said
        assert "removing Messaging.Queue" in said and "nothing was changed" in said
        answers = {"Type billing to break it: ": "billing", "Type mail to break it: ": "maul"}
        said, code = machine.at_a_terminal("shop", "up", answers=answers)
        assert code == 8, said
        assert [item["name"] for item in shown(machine)["constructs"]] == ["orders", "jobs"]
        answers["Type mail to break it: "] = "mail"
        said, code = machine.at_a_terminal("shop", "up", answers=answers)
        assert code == 0, said
        assert [item["application"] for item in shown(machine)["published"]["broke"]] == ["billing", "mail"]
    finally:
        machine.write("shop")
    machine.json("shop", "up")


def test_with_their_names_it_is_done_and_everybody_can_see_who_did_it(machine: Machine) -> None:
    without_queue(machine)
    machine.json("shop", "up", "--yes", "--allow-breaking", "mail", "--allow-breaking", "billing")
    shop = shown(machine)
    assert [item["name"] for item in shop["constructs"]] == ["orders"]
    broke = shop["published"]["broke"]
    assert [(item["application"], item["construct"]) for item in broke] == [
        ("billing", "Messaging.Queue/jobs"),
        ("mail", "Messaging.Queue/jobs"),
    ]
    said = machine.klotho("shop", "project", "show").stdout
    assert "broke      billing, " in said and 'removing Messaging.Queue "jobs" would break' in said
    assert "broke billing, mail" in machine.klotho("shop", "history").stdout
    (latest, *_) = machine.json("shop", "history")["revisions"]
    assert latest["command"] == "klotho up --allow-breaking billing --allow-breaking mail"
    machine.json("shop", "up")  # it is done, and nobody has to agree to it again
    found = machine.json("shop", "project", "check", exit_code=1)["diagnostics"]
    assert [item["code"] for item in found] == ["dangling-reference", "dangling-reference"]
    assert "`shop` had it, and has broken `billing` by `--allow-breaking`" in json.dumps(found)
    assert machine.json("shop", "check")["ok"], "what is others' does not hold this one up"
    machine.write("shop")
    machine.json("shop", "up")
    assert machine.json("shop", "project", "check")["ok"]


def test_down_keeps_what_others_use_and_deleting_it_takes_their_names(machine: Machine) -> None:
    said = machine.klotho("shop", "down").stderr
    assert "billing and mail use it, and find it again after the next `klotho up`" in said
    machine.json("shop", "up")
    for more in ((), ("--allow-breaking", "mail"), ("--yes",)):
        (told,) = machine.json("shop", "down", "--delete-data", "shop", *more, exit_code=1)["diagnostics"]
        assert told["code"] == "in-use-elsewhere"
        assert told["message"].startswith('taking down `shop`, which has Messaging.Queue "jobs", would break')
        assert told["notes"][-1] == "nothing was deleted"
    assert machine.json("shop", "outputs")["outputs"]
    machine.json("shop", "down", "--delete-data", "shop", "--allow-breaking", "mail", "--allow-breaking", "billing")
    shop = shown(machine)
    assert (shop["constructs"], shop["published"]["down"]) == ([], True)
    assert [item["application"] for item in shop["published"]["broke"]] == ["billing", "mail"]
    assert "taken down" in machine.klotho("shop", "project", "show").stdout
    assert len(shop["history"]) > 2, "the history goes on"
    machine.json("shop", "up")
    assert shown(machine)["published"]["down"] is False
    assert ConstructId("Messaging.Queue/jobs") in registry(machine).snapshot().entries[-1].application.by_id
