"""`klotho up` of a program with a MySQL database: a real server, durable, snapshotted when it goes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from klotho.diagnostics import Failure
from klotho.driver.build import build
from klotho.driver.needed_servers import refuse_missing_servers
from klotho.driver.program import find_program
from klotho.localcloud.planes import mysql_programs
from klotho.localcloud.planes.server_certificate import trusting
from tests.localcloud.pairs.harness import Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]
PROGRAM = 'ledger = Databases.MySQL("ledger")\n'


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    made = Deployed(tmp_path, PROGRAM)
    try:
        made.deployment.up()
        yield made
    finally:
        left = made.deployment.end()
    assert left == []


def master(deployed: Deployed) -> Any:
    """A connection as RDS's master user, with the secret that RDS made."""
    outputs = json.loads(deployed.deployment.klotho("outputs", "--json").stdout)
    found = {name.rpartition(".")[2]: value for name, value in outputs["outputs"].items() if name.startswith("ledger.")}
    secret = deployed.client("secretsmanager").get_secret_value(SecretId=found["secret_arn"])
    login = json.loads(secret["SecretString"])
    return pymysql.connect(
        host=found["endpoint"],
        port=int(found["port"]),
        user=login["username"],
        password=login["password"],
        database=found["database"],
        ssl=trusting(deployed.deployment.state),
        autocommit=True,
    )


def ask(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_what_was_committed_survives_kill_9_of_everything_and_down(deployed: Deployed) -> None:
    with master(deployed) as connection:
        ask(connection, "create table t (n int)")
        ask(connection, "insert into t values (1), (2)")
    os.kill(deployed.deployment.supervisor["pid"], signal.SIGKILL)
    deployed.deployment.up()
    with master(deployed) as connection:
        assert ask(connection, "select count(*) from t") == ((2,),)
    deployed.deployment.down()
    assert set(deployed.deployment.up().values()) == {"unchanged"}
    with master(deployed) as connection:
        assert ask(connection, "select count(*) from t") == ((2,),)
    status = json.loads(deployed.deployment.klotho("status", "--json").stdout)
    (unit,) = [unit for unit in status["units"] if unit["kind"] == "mysql"]
    assert unit["state"] == "running"


def test_a_machine_without_a_server_is_told_so_before_anything_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "infra.py").write_text(
        'import klotho\n\nklotho.Application("shop")\nklotho.Databases.MySQL("ledger")\n', encoding="utf-8"
    )
    built = build(find_program(tmp_path / "infra.py"), "local")
    refuse_missing_servers(built)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mysql_programs, "_FOLDERS", ())
    with pytest.raises(Failure) as refused:
        refuse_missing_servers(built)
    told = refused.value.diagnostic
    assert told.code == "server-missing"
    assert told.labels[0].span.line == 4
    assert "mariadb" in told.helps[0]
