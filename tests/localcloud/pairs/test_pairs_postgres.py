"""Code that uses a PostgreSQL database."""

from __future__ import annotations

import psycopg
import pytest

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


@pair("reads_from", UNITS, "Databases.Postgres")
@pair("writes_to", UNITS, "Databases.Postgres")
@pair("read_writes_to", UNITS, "Databases.Postgres")
@pytest.mark.parametrize("unit", ["reader", "writer", "both", "boxed-reader", "boxed-writer", "boxed-both"])
def test_code_reaches_the_database_and_a_stranger_may_not_read_the_secret(deployed: Deployed, unit: str) -> None:
    url = deployed.run(unit, 'return config.datastores.get("ledger").url')
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    told = deployed.run(unit, 'return json.loads(os.environ["KLOTHO_DATASTORE_LEDGER"])')
    with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
        deployed.client("secretsmanager", "stranger").get_secret_value(SecretId=told["secret"])
