"""Code that uses a key-value table: what each verb allows, and what it does not."""

from __future__ import annotations

import json

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
things = Databases.KeyValue("things")
reader, writer, both = function("reader"), function("writer"), function("both")
boxed_reader, boxed_writer, boxed_both = container("boxed-reader"), container("boxed-writer"), container("boxed-both")
for unit in (reader, boxed_reader):
    unit.reads_from(things)
for unit in (writer, boxed_writer):
    unit.writes_to(things)
for unit in (both, boxed_both):
    unit.read_writes_to(things)
"""
UNITS = ("Compute.Function", "Compute.Container")
GET = 'return config.datastores.get("things").get({"id": "%s"})'
PUT = 'return config.datastores.get("things").put({"id": "%s", "by": "%s"})'
TABLE = "Databases.KeyValue"


@pair("reads_from", UNITS, TABLE)
@pytest.mark.parametrize("unit", ["reader", "boxed-reader"])
def test_a_reader_gets_and_may_not_put(deployed: Deployed, unit: str) -> None:
    deployed.run("both", PUT % (f"for-{unit}", "both"))
    assert deployed.run(unit, GET % f"for-{unit}") == {"id": f"for-{unit}", "by": "both"}
    deployed.denied(unit, PUT % ("x", unit), "dynamodb:PutItem", ".writes_to(things)` in infra.py would allow it")
    assert deployed.run("both", GET % "x") is None


@pytest.mark.parametrize("unit", ["reader", "boxed-reader"])
def test_a_denial_is_told_in_the_unit_s_log_and_status(deployed: Deployed, unit: str) -> None:
    deployed.denied(unit, PUT % ("y", unit), "dynamodb:PutItem")
    hint = ".writes_to(things)` in infra.py would allow it"
    lines = [line for line in deployed.deployment.logs(unit).splitlines() if "klotho: denied: User: " in line]
    assert lines and all(hint in line for line in lines)
    status = json.loads(deployed.deployment.klotho("status", "--json").stdout)["units"]
    (detail,) = [item["detail"] for item in status if item["name"].endswith(f"/{unit}")]
    assert "denied, last: dynamodb:PutItem on things" in detail


@pair("writes_to", UNITS, TABLE)
@pytest.mark.parametrize("unit", ["writer", "boxed-writer"])
def test_a_writer_puts_and_may_not_get(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, PUT % (f"from-{unit}", unit))
    assert deployed.run("both", GET % f"from-{unit}") == {"id": f"from-{unit}", "by": unit}
    deployed.denied(unit, GET % f"from-{unit}", "dynamodb:GetItem", ".reads_from(things)` in infra.py would allow it")


@pair("read_writes_to", UNITS, TABLE)
@pytest.mark.parametrize("unit", ["both", "boxed-both"])
def test_one_that_reads_and_writes_may_not_change_the_table(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, PUT % (f"by-{unit}", unit))
    assert deployed.run(unit, GET % f"by-{unit}") == {"id": f"by-{unit}", "by": unit}
    name = deployed.run(unit, 'return config.datastores.get("things").table')
    with pytest.raises(Exception, match="not authorized to perform: dynamodb:DeleteTable"):
        deployed.client("dynamodb", unit).delete_table(TableName=name)
