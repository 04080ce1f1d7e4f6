"""Code that uses a PostgreSQL database: each unit has a login of its own, which may do what its verb says."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
ledger = Databases.Postgres("ledger")
reader, writer, both = function("reader"), function("writer"), function("both")
boxed_reader, boxed_writer, boxed_both = container("boxed-reader"), container("boxed-writer"), container("boxed-both")
stranger = function("stranger")
for unit in (reader, boxed_reader):
    unit.reads_from(ledger)
for unit in (writer, boxed_writer):
    unit.writes_to(ledger)
for unit in (both, boxed_both):
    unit.read_writes_to(ledger)
"""
UNITS = ("Compute.Function", "Compute.Container")
TABLE = "create table if not exists entries (id bigint generated always as identity, by text)"


def url(deployed: Deployed, unit: str) -> str:
    return str(deployed.run(unit, 'return config.datastores.get("ledger").url'))


def sql(deployed: Deployed, unit: str, statement: str) -> list[Any]:
    """The statement, run with the unit's own login."""
    with psycopg.connect(url(deployed, unit), autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


def denied(deployed: Deployed, unit: str, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege, match="permission denied"):
        sql(deployed, unit, statement)


@pair("reads_from", UNITS, "Databases.Postgres")
@pytest.mark.parametrize("unit", ["reader", "boxed-reader"])
def test_a_reader_selects_and_nothing_else(deployed: Deployed, unit: str) -> None:
    sql(deployed, "both", TABLE)
    sql(deployed, "boxed-both", f"insert into entries (by) values ('for-{unit}')")
    assert sql(deployed, unit, f"select by from entries where by = 'for-{unit}'") == [(f"for-{unit}",)]
    denied(deployed, unit, "insert into entries (by) values ('me')")
    denied(deployed, unit, "create table mine (id int)")


@pair("writes_to", UNITS, "Databases.Postgres")
@pytest.mark.parametrize("unit", ["writer", "boxed-writer"])
def test_a_writer_inserts_and_does_not_read(deployed: Deployed, unit: str) -> None:
    sql(deployed, "both", TABLE)
    sql(deployed, unit, f"insert into entries (by) values ('{unit}')")
    assert sql(deployed, "both", f"select by from entries where by = '{unit}'") == [(unit,)]
    denied(deployed, unit, "select * from entries")
    denied(deployed, unit, "create table mine (id int)")


@pair("read_writes_to", UNITS, "Databases.Postgres")
@pytest.mark.parametrize(("unit", "other"), [("both", "boxed-both"), ("boxed-both", "both")])
def test_either_of_two_that_read_and_write_migrates_what_the_other_made(
    deployed: Deployed, unit: str, other: str
) -> None:
    name = f"by_{unit.replace('-', '_')}"
    sql(deployed, unit, f"create table {name} (id int)")
    sql(deployed, other, f"alter table {name} add column more text; insert into {name} values (1, 'x')")
    assert sql(deployed, unit, f"select * from {name}") == [(1, "x")]
    assert sql(deployed, "reader", f"select * from {name}") == [(1, "x")]
    denied(deployed, unit, "create role another login")


def test_nobody_reads_the_secret_of_another_or_of_the_master(deployed: Deployed) -> None:
    secrets = {
        unit: deployed.run(unit, 'return json.loads(os.environ["KLOTHO_DATASTORE_LEDGER"])["secret"]')
        for unit in ("reader", "writer", "both", "boxed-reader")
    }
    assert len(set(secrets.values())) == 4
    secrets["master"] = deployed.deployment.klotho("outputs", "ledger.secret_arn").stdout.strip()
    for unit in ("stranger", "reader", "boxed-both"):
        for owner, arn in secrets.items():
            if owner != unit:
                with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
                    deployed.client("secretsmanager", unit).get_secret_value(SecretId=arn)


def test_a_denial_of_the_database_is_the_code_s_error(deployed: Deployed) -> None:
    code = """
        import socket
        db = config.datastores.get("ledger")
        return [db.access, db.sslmode, db.user]
    """
    access, sslmode, user = deployed.run("reader", code)
    assert (access, sslmode) == ("read", "verify-full")
    assert user.startswith("reader_")
