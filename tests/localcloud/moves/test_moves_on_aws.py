"""Moves of every other kind that holds data, in an account, by a role that has exactly the printed policies.

One application goes through its life, test by test: a database, a cache, users and a secret get other names and other
stacks, by a stack refactor and, where CloudFormation refuses that, by retain and import.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pymysql
import pytest
import redis

from tests.examples.deployment import Client
from tests.localcloud.aws_account import Account, account, settings
from tests.localcloud.deployer_grants import ROLE, grant, printed
from tests.localcloud.front import Front
from tests.localcloud.pairs.harness import files_of

from .refusal import refusing

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(400)]

PROGRAM = """
ledger = Databases.MySQL("ledger")
cache = Databases.Redis("cache")
people = Auth.UserPool("people", plain_passwords=True)
stripe = Secret("stripe")
unit = function("unit")
unit.read_writes_to(ledger)
unit.read_writes_to(cache)
unit.uses(people)
unit.uses(stripe)
"""
KINDS = {"ledger": "Databases.MySQL", "cache": "Databases.Redis", "people": "Auth.UserPool", "stripe": "Secret"}
NEW = {"ledger": "book", "cache": "memo", "people": "members", "stripe": "payments"}
DATA = (
    "AWS::RDS::DBInstance",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
)
PASSWORD = "Correct-horse-7"


class Life:
    """The account, the door in front of it, and the application whose program changes."""

    def __init__(self, aws: Account, front: Front) -> None:
        self.aws, self.front = aws, front
        self.program = PROGRAM

    def becomes(self, *changes: tuple[str, str]) -> None:
        """Another program: the second text of each stands where the first stood."""
        for before, after in changes:
            assert before in self.program
            self.program = self.program.replace(before, after)
        self.aws.write(files_of(self.program))

    def up(self, *arguments: str) -> dict[str, str]:
        done = self.aws.json("up", "--env", "prod", "--yes", *arguments)
        return {stack["name"]: stack["result"] for stack in done["stacks"]}

    def physical(self) -> dict[str, str]:
        """The physical ids of what holds data, by type."""
        client = self.aws.client("cloudformation")
        names = [name for name in self.aws.stacks() if "pairs" in name]
        pages = [client.list_stack_resources(StackName=name)["StackResourceSummaries"] for name in names]
        found = {item["ResourceType"]: item["PhysicalResourceId"] for page in pages for item in page}
        secrets = self.aws.client("secretsmanager").list_secrets()["SecretList"]
        (secret,) = [item["ARN"] for item in secrets if "StripeSecret" in item["Name"]]
        return {name: found[name] for name in DATA} | {"secret": secret}

    def run(self, code: str) -> Any:
        """In the unit, which asks for everything by the names of now."""
        url = self.aws.json("outputs", "--env", "prod")["outputs"]["door.url"]
        answer = Client(url).call("POST", "/unit", code)
        assert answer.status == 200 and "value" in answer.json, answer.text
        return answer.json["value"]

    def sql(self, name: str, *statements: str) -> list[Any]:
        host, port, user, password, database = self.run(
            f'db = config.datastores.mysql("{name}"); return [db.host, db.port, db.user, db.password, db.database]'
        )
        with closing(
            pymysql.connect(
                host=host, port=port, user=user, password=password, database=database, autocommit=True,
                ssl={"check_hostname": False, "verify_mode": "none"},
            )
        ) as connection, connection.cursor() as cursor:  # fmt: skip
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def cache(self, name: str) -> Any:
        url = self.run(f'return config.datastores.get("{name}").url')
        return redis.Redis.from_url(url, decode_responses=True)

    def fill(self) -> None:
        self.sql("ledger", "create table entries (id int)", "insert into entries values (7)")
        self.cache("cache").set("greeting", "written first")
        users, pool = self.aws.client("cognito-idp"), self.physical()["AWS::Cognito::UserPool"]
        users.admin_create_user(UserPoolId=pool, Username="ann@example.com", MessageAction="SUPPRESS")
        users.admin_set_user_password(UserPoolId=pool, Username="ann@example.com", Password=PASSWORD, Permanent=True)
        self.aws.client("secretsmanager").put_secret_value(SecretId=self.physical()["secret"], SecretString="sk-1")

    def everything_is_there(self, names: dict[str, str]) -> None:
        """Rows, values, users and the secret, as the deployed code finds them."""
        assert self.sql(names["ledger"], "select id from entries") == [(7,)]
        assert self.cache(names["cache"]).get("greeting") == "written first"
        assert self.run(f'return config.secrets.get("{names["stripe"]}").value') == "sk-1"
        client = self.run(f'return config.user_pools.get("{names["people"]}").client_id')
        parameters = {"USERNAME": "ann@example.com", "PASSWORD": PASSWORD}
        signed_in = self.aws.client("cognito-idp").initiate_auth(
            ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        assert signed_in["AuthenticationResult"]["AccessToken"]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with account(tmp_path_factory.mktemp("moves")) as aws, Front() as front:
        made = Life(replace(aws, variables={**aws.variables, **front.variables}), front)
        made.becomes()
        made.aws.write({"klotho.yaml": settings()})
        assert made.aws.klotho("bootstrap", "--env", "prod", "--yes").returncode == 0
        made.aws.write({"klotho.yaml": settings(role=ROLE)})
        grant(made.aws, printed(made.aws))
        made.up()
        made.fill()
        yield made


def test_every_kind_with_another_name_is_offered_as_a_move_and_refused_in_a_script(life: Life) -> None:
    before = life.physical()
    life.becomes(*((f'"{old}"', f'"{new}"') for old, new in NEW.items()))
    shown = life.aws.json("preview", "--env", "prod")
    assert {(item["kind"], item["from"], item["to"]) for item in shown["renames"]} == {
        (KINDS[old], old, new) for old, new in NEW.items()
    }
    refused = life.aws.klotho("up", "--env", "prod", "--yes")
    assert refused.returncode == 1
    for old, new in NEW.items():
        assert f"`{old}`" in refused.stderr and f'{KINDS[old]}("{new}")' in refused.stderr
    assert life.physical() == before


def test_moved_by_name_they_keep_rows_values_users_and_secret(life: Life) -> None:
    before = life.physical()
    life.up(*(word for old, new in NEW.items() for word in ("--move", f"{old}={new}")))
    assert life.physical() == before
    life.everything_is_there(NEW)
    life.becomes(*((f'"{new}"', f'"{new}", was="{old}"') for old, new in NEW.items()))
    assert set(life.up().values()) == {"unchanged"}


def test_they_go_to_another_stack_by_a_stack_refactor(life: Life) -> None:
    before = life.physical()
    life.becomes(*((f'was="{old}"', f'was="{old}", stack="data"') for old in NEW))
    shown = life.aws.json("preview", "--env", "prod")
    assert {item["construct"] for item in shown["moves"]} == {f"{KINDS[old]}/{old}" for old in NEW}
    assert shown["data_lost"] == []
    life.front.calls = []
    assert life.up()["data"] == "updated"
    actions = {call.action for call in life.front.calls}
    assert "ExecuteStackRefactor" in actions and "ExecuteChangeSet" not in actions
    assert life.physical() == before
    life.everything_is_there(NEW)
    assert set(life.up().values()) == {"unchanged"}


def test_what_cloudformation_does_not_refactor_goes_there_by_retain_and_import(life: Life) -> None:
    before = life.physical()
    life.becomes(('stack="data"', 'stack="other"'))
    life.front.answer, life.front.calls = refusing, []
    assert life.up()["other"] == "updated"
    life.front.answer = lambda call: None
    actions = {call.action for call in life.front.calls}
    assert "ExecuteChangeSet" in actions and "ExecuteStackRefactor" not in actions
    assert life.physical() == before
    life.everything_is_there(NEW)
    assert set(life.up().values()) == {"unchanged"}
