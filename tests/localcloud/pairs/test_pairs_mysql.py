"""Code that uses a MySQL database: each unit has a login of its own, which may do what its verb says."""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import Any

import pymysql
import pytest

from tests.examples.deployment import replaced
from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
ledger = Databases.MySQL("ledger")
reader, writer, both = function("reader"), function("writer"), function("both")
boxed_reader, boxed_writer, boxed_both = container("boxed-reader"), container("boxed-writer"), container("boxed-both")
for unit in (reader, boxed_reader):
    unit.reads_from(ledger)
for unit in (writer, boxed_writer):
    unit.writes_to(ledger)
for unit in (both, boxed_both):
    unit.read_writes_to(ledger)
vault = Databases.MySQL("vault")
vault.use("aurora-serverless")
both.read_writes_to(vault)
boxed_reader.reads_from(vault)
"""
UNITS = ("Compute.Function", "Compute.Container")
TABLE = "create table if not exists entries (id bigint auto_increment primary key, author varchar(40))"
LOGIN = """
    db = config.datastores.mysql("DATABASE")
    return [db.host, db.port, db.user, db.password, db.database, db.ssl_ca]
"""


def sql(deployed: Deployed, unit: str, *statements: str, of: str = "ledger") -> list[Any]:
    """The statements, run with the unit's own login."""
    host, port, user, password, database, authorities = deployed.run(unit, LOGIN.replace("DATABASE", of))
    with closing(
        pymysql.connect(
            host=host, port=port, user=user, password=password, database=database, autocommit=True,
            ssl=ssl.create_default_context(cafile=authorities),
        )
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def denied(deployed: Deployed, unit: str, statement: str, of: str = "ledger") -> None:
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        sql(deployed, unit, statement, of=of)


@pair("reads_from", UNITS, "Databases.MySQL")
@pytest.mark.parametrize("unit", ["reader", "boxed-reader"])
def test_a_reader_selects_and_nothing_else(deployed: Deployed, unit: str) -> None:
    sql(deployed, "both", TABLE, f"insert into entries (author) values ('for-{unit}')")
    assert sql(deployed, unit, f"select author from entries where author = 'for-{unit}'") == [(f"for-{unit}",)]
    denied(deployed, unit, "insert into entries (author) values ('me')")
    denied(deployed, unit, "create table mine (id int)")


@pair("writes_to", UNITS, "Databases.MySQL")
@pytest.mark.parametrize("unit", ["writer", "boxed-writer"])
def test_a_writer_inserts_and_does_not_read(deployed: Deployed, unit: str) -> None:
    sql(deployed, "both", TABLE)
    sql(deployed, unit, f"insert into entries (author) values ('{unit}')")
    assert sql(deployed, "both", f"select author from entries where author = '{unit}'") == [(unit,)]
    denied(deployed, unit, "select * from entries")
    denied(deployed, unit, "create table mine (id int)")


@pair("read_writes_to", UNITS, "Databases.MySQL")
@pytest.mark.parametrize(("unit", "other"), [("both", "boxed-both"), ("boxed-both", "both")])
def test_either_of_two_that_read_and_write_migrates_what_the_other_made(
    deployed: Deployed, unit: str, other: str
) -> None:
    name = f"by_{unit.replace('-', '_')}"
    sql(deployed, unit, f"create table {name} (id int)")
    sql(deployed, other, f"alter table {name} add column more text", f"insert into {name} values (1, 'x')")
    assert sql(deployed, unit, f"select * from {name}") == [(1, "x")]
    assert sql(deployed, "reader", f"select * from {name}") == [(1, "x")]
    assert deployed.run(unit, 'return config.datastores.get("ledger").url').startswith("mysql://")


def test_logins_are_the_same_on_aurora_and_stay_from_serverless_to_a_fixed_size(deployed: Deployed) -> None:
    assert [item["Engine"] for item in deployed.resources("AWS::RDS::DBCluster")] == ["aurora-mysql"]
    sql(deployed, "both", TABLE, "insert into entries (author) values ('both')", of="vault")
    denied(deployed, "boxed-reader", "insert into entries (author) values ('me')", of="vault")
    denied(deployed, "boxed-reader", "create table mine (id int)", of="vault")
    with replaced(deployed.deployment.folder / "infra.py", 'use("aurora-serverless")', 'use("aurora")'):
        assert "updated" in deployed.deployment.up().values()
        assert sql(deployed, "boxed-reader", "select author from entries", of="vault") == [("both",)]
