"""A table moves in an account: under the printed policies less one action, and killed on its way."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.localcloud.aws_account import Account, account, settings
from tests.localcloud.deployer_grants import ROLE, grant, printed, without
from tests.localcloud.front import Front

from .refusal import refusing

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = 'import klotho\n\nklotho.Application("plain")\nklotho.Databases.KeyValue("carts", key="id", stack="{}")\n'
ACTIONS = {
    "refactored": (
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "cloudformation:CreateStackRefactor",
        "cloudformation:DescribeStackRefactor",
        "cloudformation:ExecuteStackRefactor",
    ),
    "imported": (
        "cloudformation:ListStackResources",
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:ExecuteChangeSet",
        "logs:DeleteLogGroup",
    ),
}
"""What moving takes beside what an ordinary `up` does, in the order in which it is asked for."""

DENIED = re.compile(r"(?:not allowed `|not authorized to perform: )([\w-]+:\w+)")


class Shop:
    """An application with a table, and nothing else."""

    def __init__(self, aws: Account, front: Front) -> None:
        self.aws, self.front = aws, front

    def in_stack(self, name: str) -> None:
        self.aws.write({"infra.py": PROGRAM.format(name)})

    def up(self) -> subprocess.CompletedProcess[str]:
        return self.aws.klotho("up", "--env", "prod", "--yes")

    def put(self) -> None:
        self.aws.client("dynamodb").put_item(TableName=self.table(), Item={"id": {"S": "a"}})

    def table(self) -> str:
        (name,) = self.aws.client("dynamodb").list_tables()["TableNames"]
        return str(name)

    def there(self) -> tuple[str, int]:
        """The table and how much is in it."""
        return self.table(), self.aws.client("dynamodb").scan(TableName=self.table())["Count"]

    def resources(self, stack: str) -> list[str]:
        """The types of what a stack has."""
        client = self.aws.client("cloudformation")
        found = client.list_stack_resources(StackName=f"default--plain--prod--{stack}")["StackResourceSummaries"]
        return [item["ResourceType"] for item in found]

    def stacks(self) -> list[str]:
        prefix = "default--plain--prod--"
        return [name.removeprefix(prefix) for name in self.aws.stacks() if name.startswith(prefix)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with account(tmp_path_factory.mktemp("table")) as aws, Front() as front:
        made = Shop(replace(aws, variables={**aws.variables, **front.variables}), front)
        made.aws.write({"klotho.yaml": settings(alarms=False)})
        made.in_stack("first")
        assert made.aws.klotho("bootstrap", "--env", "prod", "--yes").returncode == 0
        made.aws.write({"klotho.yaml": settings(role=ROLE, alarms=False)})
        grant(made.aws, printed(made.aws))
        assert made.up().returncode == 0
        made.put()
        yield made


@pytest.fixture(autouse=True)
def nothing_refused(shop: Shop) -> Iterator[None]:
    yield
    shop.front.answer = lambda call: None


@pytest.mark.parametrize("way", ["refactored", "imported"])
def test_each_action_a_move_takes_is_missed_by_its_name_and_nothing_is_lost(shop: Shop, way: str) -> None:
    """Each `up` fails where the one before it did or further on; the last one has all it needs and finishes."""
    before, all_of_it = shop.there(), printed(shop.aws)
    shop.in_stack(way)
    shop.front.answer = refusing if way == "imported" else shop.front.answer
    shop.front.calls = []
    for action in ACTIONS[way]:
        grant(shop.aws, without(all_of_it, action))
        done = shop.up()
        assert done.returncode in (3, 4), (action, done.stderr)
        assert set(DENIED.findall(done.stderr)) == {action}, done.stderr
        assert shop.there() == before
    grant(shop.aws, all_of_it)
    done = shop.up()
    assert done.returncode == 0, done.stderr
    assert shop.there() == before
    assert shop.stacks() == [way]
    seen = {f"cloudformation:{call.action}" for call in shop.front.calls if call.action}
    assert {name for name in ACTIONS[way] if name.startswith("cloudformation:")} <= seen


def test_a_preview_says_what_an_interrupted_import_has_left_and_that_up_finishes_it(shop: Shop) -> None:
    """`up` dies when the first stack has let its table go and the second does not have it yet."""
    before = shop.there()
    was = shop.stacks()
    shop.in_stack("third")
    shop.front.answer = refusing
    command = [sys.executable, "-m", "klotho.cli", "up", "--env", "prod", "--yes"]
    code, _ = shop.front.run(
        command, lambda number, call: call.action == "CreateChangeSet", cwd=shop.aws.folder, env=shop.aws.variables
    )
    assert code == -signal.SIGKILL
    assert shop.resources(was[0]) == ["AWS::Logs::LogGroup"] == shop.resources("third")

    shown = shop.aws.json("preview", "--env", "prod")
    (left,) = shown["interrupted"]
    assert (left["constructs"], left["to"]) == (["Databases.KeyValue/carts"], "default--plain--prod--third")
    assert shown["data_lost"] == [] == shown["moves"]
    changes = {item["type"]: item["change"] for stack in shown["stacks"] for item in stack["resources"]}
    assert changes.get("AWS::DynamoDB::Table") != "create"
    page = shop.aws.klotho("preview", "--env", "prod").stdout
    way = f"from default--plain--prod--{was[0]} to default--plain--prod--third"
    assert f"interrupted: a run ended while it moved carts {way}: `klotho up` finishes that first" in page
    assert shop.resources("third") == ["AWS::Logs::LogGroup"], "a preview changes nothing"

    done = shop.up()
    assert done.returncode == 0, done.stderr
    assert "importing into default--plain--prod--third what an earlier run moved" in done.stderr
    assert (shop.there(), shop.stacks()) == (before, ["third"])
    assert shop.resources("third") == ["AWS::DynamoDB::Table"]
    assert shop.aws.json("preview", "--env", "prod")["interrupted"] == []


def test_a_rollback_finishes_an_interrupted_import_too(shop: Shop) -> None:
    """Else it would make an empty table beside the one that nobody has."""
    before = shop.there()
    shop.in_stack("fourth")
    shop.front.answer = refusing
    command = [sys.executable, "-m", "klotho.cli", "up", "--env", "prod", "--yes"]
    code, _ = shop.front.run(
        command, lambda number, call: call.action == "CreateChangeSet", cwd=shop.aws.folder, env=shop.aws.variables
    )
    assert code == -signal.SIGKILL
    done = shop.aws.klotho("rollback", "--env", "prod", "--yes")
    assert done.returncode == 0, done.stderr
    assert shop.there() == before
