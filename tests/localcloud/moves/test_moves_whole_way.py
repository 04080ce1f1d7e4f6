"""Renames and other stacks, by the real command: what is deployed stays what it is, and its data are read back.

One application goes through its life, test by test: rows are written, constructs get other names and other stacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.examples.deployment import KLOTHO
from tests.localcloud import terminal
from tests.localcloud.pairs.harness import PRELUDE, Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

FIRST = """
orders = Databases.Postgres("orders_db")
carts = Databases.KeyValue("carts", key="id")
files = Storage.Bucket("files")
unit = function("unit")
unit.read_writes_to(orders)
unit.read_writes_to(carts)
unit.read_writes_to(files)
"""
STATEFUL = ("AWS::RDS::DBInstance", "AWS::DynamoDB::Table", "AWS::S3::Bucket")


class Life(Deployed):
    """The application, whose program changes."""

    program = FIRST

    def becomes(self, before: str, after: str) -> None:
        """Another program: `after` stands where `before` stood."""
        assert before in self.program
        self.program = self.program.replace(before, after)
        (self.deployment.folder / "infra.py").write_text(PRELUDE + self.program)

    def physical(self) -> dict[str, str]:
        """The physical ids of what holds data, by type."""
        client = self.client("cloudformation")
        pages = [client.list_stack_resources(StackName=name) for name in self.stacks()]
        found = [item for page in pages for item in page["StackResourceSummaries"]]
        return {item["ResourceType"]: item["PhysicalResourceId"] for item in found if item["ResourceType"] in STATEFUL}

    def stacks(self) -> set[str]:
        return {stack["StackName"] for stack in self.client("cloudformation").describe_stacks()["Stacks"]}

    def sql(self, name: str, statement: str) -> list[Any]:
        url = str(self.run("unit", f'return config.datastores.get("{name}").url'))
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def item(self, table: str) -> Any:
        return self.run("unit", f'return config.datastores.get("{table}").get({{"id": "a"}})')

    def object(self) -> Any:
        return self.run("unit", 'return config.buckets.get("files").get("a.txt").decode()')

    def preview(self, *arguments: str) -> Any:
        return json.loads(self.deployment.klotho("preview", "--json", *arguments).stdout)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    made = Life(tmp_path_factory.mktemp("moves"), FIRST)
    try:
        made.deployment.up()
        made.sql("orders_db", "create table orders (id int); insert into orders values (7)")
        made.run("unit", 'return config.datastores.get("carts").put({"id": "a", "of": "Ann"})')
        made.run("unit", 'return config.buckets.get("files").put("a.txt", "written first")')
        yield made
    finally:
        left = made.deployment.end()
    assert left == [], "processes are left after `klotho down`"


def test_a_renamed_database_is_offered_as_a_move_and_refused_in_a_script(life: Life) -> None:
    before = life.physical()
    life.becomes('"orders_db"', '"order_db"')
    shown = life.preview()
    assert shown["renames"] == [{"kind": "Databases.Postgres", "from": "orders_db", "to": "order_db"}]
    assert "order_db may be orders_db under a new name" in life.deployment.klotho("preview").stdout
    refused = life.deployment.klotho("up", "--yes", exit_code=1).stderr
    assert "error[data-would-be-deleted]: this would delete the data of `orders_db`" in refused
    assert 'add `was="orders_db"` to Databases.Postgres("order_db")' in refused
    assert "`--move orders_db=order_db`" in refused and "`--delete-data orders_db`" in refused
    assert life.physical() == before
    moved = life.preview("--move", "orders_db=order_db")
    assert (moved["renames"], moved["data_lost"]) == ([], [])


def test_a_move_said_by_a_script_keeps_the_database_and_its_rows(life: Life) -> None:
    before = life.physical()
    done = life.deployment.klotho("up", "--yes", "--move", "orders_db=order_db")
    assert 'write `was="orders_db"` here' in done.stderr
    assert life.physical() == before
    assert life.sql("order_db", "select id from orders") == [(7,)]


def test_written_in_the_program_every_run_knows_it_and_nothing_changes(life: Life) -> None:
    life.becomes('"order_db"', '"order_db", was="orders_db"')
    assert set(life.deployment.up().values()) == {"unchanged"}
    assert life.sql("order_db", "select id from orders") == [(7,)]


def test_a_person_at_a_terminal_is_asked_and_says_yes(life: Life) -> None:
    before = life.physical()
    life.becomes('KeyValue("carts"', 'KeyValue("baskets"')
    said, code = at_a_terminal(life, "up", answers={"Is baskets the new name of carts? [y/N] ": "y"})
    assert code == 0, said
    assert life.physical() == before
    assert life.item("baskets")["of"] == "Ann"
    life.becomes('"baskets"', '"baskets", was="carts"')


def test_a_person_who_says_no_must_type_the_name_to_lose_the_data(life: Life) -> None:
    before = life.physical()
    life.becomes('"baskets", was="carts"', '"trolleys"')
    answers = {"Is trolleys the new name of carts? [y/N] ": "n", "Type carts to go on: ": "yes"}
    said, code = at_a_terminal(life, "up", "--yes", answers=answers)
    assert code == 8, said
    assert "nothing was deleted" in said
    assert life.physical() == before
    life.becomes('"trolleys"', '"baskets", was="carts"')


def test_data_go_to_another_stack_and_stay_what_they_are(life: Life) -> None:
    before, stacks = life.physical(), life.stacks()
    life.becomes('Storage.Bucket("files")', 'Storage.Bucket("files", stack="data")')
    life.becomes('was="orders_db"', 'was="orders_db", stack="data"')
    life.becomes('was="carts"', 'was="carts", stack="data"')
    shown = life.preview()
    assert {item["construct"] for item in shown["moves"]} == {
        "Databases.Postgres/orders_db",
        "Databases.KeyValue/carts",
        "Storage.Bucket/files",
    }
    assert shown["data_lost"] == []
    changes = {(item["type"], item["change"]) for stack in shown["stacks"] for item in stack["resources"]}
    assert {(kind, change) for kind, change in changes if kind in STATEFUL} == {(kind, "moved") for kind in STATEFUL}
    assert "DynamoDB::Table CartsTable  from" in life.deployment.klotho("preview").stdout
    results = life.deployment.up()
    assert results["data"] == "updated"
    assert [name for name, result in results.items() if result == "deleted"] == [
        "carts-keyvalue",
        "files-bucket",
        "orders-db-b175c9-postgres",
    ]
    assert life.physical() == before
    assert life.stacks() - stacks == {next(name for name in life.stacks() if name.endswith("--data"))}
    assert life.sql("order_db", "select id from orders") == [(7,)]
    assert life.item("baskets")["of"] == "Ann"
    assert life.object() == "written first"
    assert set(life.deployment.up().values()) == {"unchanged"}


def test_a_database_may_leave_a_stack_that_stays(life: Life) -> None:
    before = life.physical()
    life.becomes('was="carts", stack="data"', 'was="carts", stack="other"')
    assert [item["construct"] for item in life.preview()["moves"]] == ["Databases.KeyValue/carts"]
    life.deployment.up()
    assert life.physical() == before
    assert life.item("baskets")["of"] == "Ann"
    assert set(life.deployment.up().values()) == {"unchanged"}


def test_data_go_only_when_their_name_is_given(life: Life) -> None:
    life.becomes('baskets", was="carts", stack="other"', 'new_carts", stack="other"')
    refused = life.deployment.klotho("up", "--yes", "--delete-data", "order_db", exit_code=1).stderr
    assert "this would delete the data of `carts`" in refused
    life.deployment.klotho("up", "--delete-data", "carts")
    assert life.item("new_carts") is None
    assert life.sql("order_db", "select id from orders") == [(7,)]


def at_a_terminal(life: Life, *arguments: str, answers: dict[str, str]) -> tuple[str, int]:
    """What the command says to a person who answers so, and its exit code."""
    return terminal.said([str(KLOTHO), *arguments], life.deployment.folder, life.deployment.environment, answers)
