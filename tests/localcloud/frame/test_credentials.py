"""Access keys: stable, private, forgotten by nobody."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database

ROLE = "arn:aws:iam::000000000000:role/shop-orders"


def test_keys_stay_the_same_for_a_name_and_role_and_across_a_restart(tmp_path: Path) -> None:
    database = Database(tmp_path / "s" / "state.sqlite3")
    first = Credentials(database)
    orders, deployer = first.issue("orders", ROLE), first.deployer()
    assert first.issue("orders", ROLE) == orders
    assert len({orders.id, deployer.id, first.issue("pdf", ROLE).id, first.issue("orders", ROLE + "2").id}) == 4
    database.close()
    again = Credentials(Database(tmp_path / "s" / "state.sqlite3"))
    assert (again.issue("orders", ROLE), again.deployer()) == (orders, deployer)
    found = again.caller_of(orders.id)
    assert found is not None
    assert (found[0], found[1].name, found[1].role_arn) == (orders.secret, "orders", ROLE)
    assert again.caller_of("AKIANOBODY") is None


def test_only_this_user_can_read_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    Credentials(Database(folder / "state.sqlite3")).deployer()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "state.sqlite3").stat().st_mode) == 0o600


def test_a_secret_is_never_part_of_what_is_printed_of_a_key(tmp_path: Path) -> None:
    key = Credentials(Database(tmp_path / "state.sqlite3")).deployer()
    assert key.secret not in repr(key)


def test_a_compute_unit_without_a_role_gets_no_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="orders"):
        Credentials(Database(tmp_path / "state.sqlite3")).issue("orders", "")
