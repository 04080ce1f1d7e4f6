"""No secret value anywhere but in its store: not in templates, plans, logs, the state, `compiled/` or any output."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.examples.deployment import KLOTHO
from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
stripe = Secret("stripe")
ledger = Databases.Postgres("ledger")
user, boxed_user = function("user"), container("boxed-user")
for unit in (user, boxed_user):
    unit.uses(stripe)
    unit.read_writes_to(ledger)
"""
CANARY = "canary-5ba1b2c3d4"
STORES = ("secrets", "secret_versions")
"""The tables of state.sqlite3 that hold secrets."""
COMMANDS = (
    ("build",),
    ("preview",),
    ("preview", "--json"),
    ("up", "--yes", "--json"),
    ("status",),
    ("status", "--json"),
    ("outputs",),
    ("outputs", "--json"),
    ("logs", "--since", "1h"),
    ("logs", "--since", "1h", "--json"),
    ("secret", "ls"),
    ("secret", "ls", "--json"),
)


def values(deployed: Deployed) -> list[str]:
    """The canary, and every password that was generated."""
    secrets = deployed.client("secretsmanager")
    found = [secrets.get_secret_value(SecretId=item["ARN"]) for item in secrets.list_secrets()["SecretList"]]
    told = deployed.run("user", 'return config.datastores.get("ledger").password')
    assert len(found) >= 2
    return [CANARY, told, *(item["SecretString"] for item in found)]


def rows(file: Path) -> dict[str, str]:
    """The text of every table of a database, by the table's name."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type='table'")]
        return {name: repr(connection.execute(f'select * from "{name}"').fetchall()) for name in tables}
    finally:
        connection.close()


@pair("uses", ("Compute.Function", "Compute.Container"), "Secret")
def test_a_secret_value_is_nowhere_but_in_its_store(deployed: Deployed) -> None:
    place = deployed.deployment
    subprocess.run(
        [str(KLOTHO), "secret", "set", "stripe"],
        input=CANARY,
        cwd=place.folder,
        env=dict(place.environment),
        text=True,
        check=True,
        capture_output=True,
    )
    for unit in ("user", "boxed-user"):
        assert deployed.run(unit, 'return config.secrets.get("stripe").value') == CANARY
        deployed.denied(unit, 'raise RuntimeError(repr(config.secrets.get("stripe")))', "stripe")
    (place.folder / "infra.py").open("a").write("\nDatabases.KeyValue('one_more')\n")  # so that a plan has a change
    for command in COMMANDS:
        place.klotho(*command)
    told = [value.encode() for value in values(deployed)]
    said = "".join(place.output).encode()
    assert not [value for value in told if value in said]
    assert (place.folder / "compiled").is_dir()
    looked_at = 0
    for file in [*place.folder.rglob("*"), *place.state_home.rglob("*")]:
        if not file.is_file() or "postgres" in file.parts or file.name.startswith("state.sqlite3"):
            continue
        looked_at += 1
        assert not [value for value in told if value in file.read_bytes()], file
    assert looked_at > 10
    for name, text in rows(place.state / "state.sqlite3").items():
        assert name in STORES or not [value for value in told if value.decode() in text], f"table {name}"
