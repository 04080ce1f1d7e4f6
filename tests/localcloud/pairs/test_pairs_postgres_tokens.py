"""Databases without passwords: services log in by tokens of their own role, on RDS and on Aurora."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from klotho.runtime.sigv4 import presign
from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]
PROGRAM = """
ledger = Databases.Postgres("ledger", login="iam")
archive = Databases.Postgres("archive", login="iam")
archive.use("aurora-serverless")
reader, both = function("reader"), container("both")
for database in (ledger, archive):
    reader.reads_from(database)
    both.read_writes_to(database)
"""
DATABASES = ("ledger", "archive")


def url(deployed: Deployed, unit: str, database: str) -> str:
    return str(deployed.run(unit, f'return config.datastores.get("{database}").url'))


def sql(address: str, statement: str) -> list[Any]:
    with psycopg.connect(address, autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


@pair("reads_from", "Compute.Function", "Databases.Postgres")
@pair("read_writes_to", "Compute.Container", "Databases.Postgres")
@pytest.mark.parametrize("database", DATABASES)
def test_a_service_logs_in_by_a_token_and_may_do_what_its_verb_says(deployed: Deployed, database: str) -> None:
    both, reader = url(deployed, "both", database), url(deployed, "reader", database)
    sql(both, "create table if not exists entries (by text)")
    sql(both, "insert into entries values ('both')")
    assert sql(reader, "select by from entries") == [("both",)]
    with pytest.raises(InsufficientPrivilege, match="permission denied"):
        sql(reader, "insert into entries values ('me')")


@pytest.mark.parametrize("database", DATABASES)
def test_there_is_no_password_and_no_secret_but_the_master_s(deployed: Deployed, database: str) -> None:
    told = deployed.run("reader", f'return json.loads(os.environ["KLOTHO_DATASTORE_{database.upper()}"])')
    assert "secret" not in told and told["login"] == "iam" and told["user"].startswith("reader_")
    assert deployed.resources("AWS::SecretsManager::Secret") == []


def test_a_token_of_another_user_or_role_a_late_one_and_a_password_are_refused(deployed: Deployed) -> None:
    told = deployed.run("both", 'return json.loads(os.environ["KLOTHO_DATASTORE_LEDGER"])')
    variables, other = deployed.environment("reader"), deployed.environment("both")
    place, user = f"{told['host']}:{told['port']}", told["user"]

    def refused(keys: dict[str, str], as_user: str, moment: float | None = None, password: str | None = None) -> str:
        token = presign(
            "GET", f"https://{place}/?Action=connect&DBUser={as_user}", {}, region=keys["AWS_REGION"],
            access_key=keys["AWS_ACCESS_KEY_ID"], secret_key=keys["AWS_SECRET_ACCESS_KEY"], expires=900,
            service="rds-db", now=moment,
        ).removeprefix("https://")  # fmt: skip
        address = f"postgresql://{user}:{quote(password or token, safe='')}@{place}/ledger?sslmode=require"
        with pytest.raises(psycopg.OperationalError, match=f'PAM authentication failed for user "{user}"') as error:
            psycopg.connect(address)
        return str(error.value)

    denied = refused(variables, user)
    assert "is not authorized to perform: rds-db:connect on resource: arn:aws:rds-db:" in denied
    assert f"/{user} because no identity-based policy allows" in denied
    assert "the token is of another user" in refused(other, "somebody")
    assert "Request has expired" in refused(other, user, time.time() - 1000)
    assert "it is no token of IAM" in refused(other, user, password="guessed")


def test_roles_that_have_tokens_are_changed_and_removed(deployed: Deployed) -> None:
    """Who made a role is a member of it, and so of `rds_iam`: the master's password must go on working."""
    program = deployed.deployment.folder / "infra.py"
    text = program.read_text()
    program.write_text(text.replace("    both.read_writes_to(database)\n", "    both.reads_from(database)\n"))
    try:
        deployed.deployment.up()
        with pytest.raises(InsufficientPrivilege):
            sql(url(deployed, "both", "ledger"), "create table more (id int)")
    finally:
        program.write_text(text)
    deployed.deployment.up()
    sql(url(deployed, "both", "ledger"), "create table more (id int)")
