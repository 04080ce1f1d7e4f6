"""`was=`: what is deployed keeps its former name, and people and code know the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application import from_json, to_json
from klotho.diagnostics import ProgramError
from klotho.driver.build import Build, build
from klotho.driver.program import find_program

BEFORE = """
import klotho
from klotho import Compute, Databases, Secret
klotho.Application("shop")
db = Databases.Postgres("orders_db")
key = Secret("stripe")
web = Compute.Container("web", image="nginx:1", environment={"HOST": db.endpoint})
web.reads_from(db)
web.uses(key)
db.override("AWS::RDS::DBInstance", {"MultiAZ": True})
db.expects(storage_gb=3)
"""


def built(folder: Path, program: str, moves: dict[str, str] | None = None) -> Build:
    (folder / "infra.py").write_text(program)
    return build(find_program(folder), "local", moves=moves)


def renamed(program: str) -> str:
    return program.replace('Postgres("orders_db")', 'Postgres("order_db", was="orders_db")').replace(
        'Secret("stripe")', 'Secret("payments", was="stripe")'
    )


def test_only_what_the_code_asks_for_changes(tmp_path: Path) -> None:
    before, after = built(tmp_path, BEFORE), built(tmp_path, renamed(BEFORE))
    differing = [name for name, body in before.templates.items() if after.templates[name] != body]
    assert set(before.templates) == set(after.templates)
    # The descriptions of outputs are for people.
    told = [
        after.templates[name].replace(b"order_db", b"orders_db").replace(b"ORDER_DB", b"ORDERS_DB")
        for name in differing
    ]
    told = [body.replace(b"payments", b"stripe").replace(b"PAYMENTS", b"STRIPE") for body in told]
    assert told == [before.templates[name] for name in differing]
    web = after.templates["web-container.template.json"].decode()
    assert "KLOTHO_DATASTORE_ORDER_DB" in web and "KLOTHO_DATASTORE_ORDERS_DB" not in web
    assert '"database":"orders_db"' in web.replace(chr(92), "")
    assert {item.name for item in after.manifest.outputs} >= {"order_db.endpoint", "payments.arn"}


def test_the_command_may_say_it_for_one_run(tmp_path: Path) -> None:
    said = renamed(BEFORE).replace(', was="orders_db"', "").replace(', was="stripe"', "")
    moves = {"orders_db": "order_db", "stripe": "payments"}
    assert built(tmp_path, said, moves).templates == built(tmp_path, renamed(BEFORE)).templates


def test_the_model_round_trips(tmp_path: Path) -> None:
    application = built(tmp_path, renamed(BEFORE)).application
    assert from_json(to_json(application)) == application
    assert next((item.name, item.label) for item in application.constructs) == ("orders_db", "order_db")


@pytest.mark.parametrize(
    ("program", "moves", "code"),
    [
        (renamed(BEFORE) + 'Databases.Postgres("orders_db")\n', {}, "former-name-taken"),
        (renamed(BEFORE) + 'Databases.Postgres("third", was="orders_db")\n', {}, "former-name-taken"),
        (BEFORE, {"old": "nothing_like_it"}, "move-unknown"),
        (BEFORE, {"old": "web"}, "move-unknown"),
        (BEFORE.replace('"orders_db"', '"orders_db", was="no good"'), {}, "bad-name"),
    ],
)
def test_a_former_name_that_can_not_be_is_a_diagnostic(
    tmp_path: Path, program: str, moves: dict[str, str], code: str
) -> None:
    with pytest.raises(ProgramError) as refused:
        built(tmp_path, program, moves)
    assert code in [item.code for item in refused.value.diagnostics]
