"""What applications claim of their project's stack: kept, replaced, withdrawn, and refused when it can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.diagnostics import Failure
from klotho.registry import Claim, Claims, Registry
from klotho.stores.folder import FolderStore
from tests.unit.registry.applications import application, construct, news

TEMPLATE = {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}, "Parameters": {}, "Outputs": {}}
SHOP = Claim("shop", TEMPLATE, "/home/ann/shop", "/home/ann/shop/infra.py:7", "0.2.0")


def claims(folder: Path) -> Claims:
    return Claims(FolderStore(folder), "acme", "prod")


def file_of(folder: Path) -> Path:
    (found,) = folder.rglob("shop.json")
    return found


def test_a_claim_is_what_was_written_last_until_it_is_withdrawn(tmp_path: Path) -> None:
    found = claims(tmp_path)
    assert found.all() == {}
    found.write(Claim("shop", {**TEMPLATE, "Resources": {}}))
    found.write(SHOP)
    found.write(SHOP)
    assert found.all() == {"shop": SHOP}
    assert found.withdraw("shop")
    assert not found.withdraw("shop")
    assert found.all() == {}


def test_claims_lie_beside_the_entries_and_are_none(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    registry = Registry(store, "acme", "prod")
    registry.publish(news(application("shop", construct("Messaging.Queue", "jobs")), 0))
    Claims(store, "acme", "prod").write(SHOP)
    assert len(registry.snapshot().entries) == 1
    assert registry.snapshot().unreadable == ()


def test_a_claim_of_a_newer_klotho_is_refused_with_its_version(tmp_path: Path) -> None:
    claims(tmp_path).write(SHOP)
    file = file_of(tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema": 99, "klotho": "9.1"}))
    with pytest.raises(Failure) as refused:
        claims(tmp_path).all()
    assert refused.value.diagnostic.code == "registry-newer"
    assert "Klotho 9.1" in refused.value.diagnostic.helps[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.dictionaries(st.text(), st.none() | st.integers()).map(lambda data: json.dumps(data).encode()))
def test_whatever_is_there_instead_is_refused_by_where_it_lies(tmp_path: Path, body: bytes) -> None:
    claims(tmp_path).write(SHOP)
    file = file_of(tmp_path)
    file.write_bytes(body)
    with pytest.raises(Failure) as refused:
        claims(tmp_path).all()
    assert refused.value.diagnostic.code in ("registry-damaged", "registry-newer")
    assert any(str(file) in note for note in refused.value.diagnostic.notes)
    file.unlink()
