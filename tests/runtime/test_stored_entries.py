"""A persisted Map and dict in one table: what they keep, in which order, and when it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import klotho.annotations.languages as languages

from .aws_front import Front
from .conftest import moto_client

SHIMS = Path(languages.__file__).parent
NOW = 1_800_000_000.5


@pytest.fixture
def codes(moto_port: int, monkeypatch: pytest.MonkeyPatch, front: Front) -> Iterator[Any]:
    """The table, from the other side."""
    dynamodb = moto_client("dynamodb", moto_port)
    dynamodb.create_table(
        TableName="codes-1",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    fields = {"name": "codes", "kind": "Databases.KeyValue", "table": "codes-1", "access": "read_write"}
    monkeypatch.setenv("KLOTHO_DATASTORE_CODES", json.dumps(fields))
    monkeypatch.setenv("KLOTHO_UNIT", "main")
    yield dynamodb
    dynamodb.delete_table(TableName="codes-1")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The shim of dicts."""
    monkeypatch.syspath_prepend(str(SHIMS / "python" / "shims"))
    import klotho_unit.store as found  # type: ignore[import-not-found]

    yield found
    for name in [name for name in sys.modules if name.startswith("klotho_unit")]:
        del sys.modules[name]


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
        self.now = NOW
        self._real = module.time
        monkeypatch.setattr(module, "time", self)

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return int(self.now * 1e9)


def items(codes: Any) -> dict[str, dict[str, Any]]:
    return {item["key"]["S"]: item for item in codes.scan(TableName="codes-1")["Items"]}


def test_entries_of_a_dict_end_so_long_after_they_were_set(
    codes: Any, store: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, kept = Clock(monkeypatch, store), store.persisted("codes", {"first": 0}, 60)
    kept["a"], kept["b"] = 1, 2
    # Whole seconds, and no second too few.
    ends = {key: item["until"]["N"] for key, item in items(codes).items() if key != "seeded"}
    assert ends == {'"first"': "1800000061", '"a"': "1800000061", '"b"': "1800000061"}
    clock.now += 30
    kept["a"] = 3
    assert dict(kept.items()) == {"first": 0, "a": 3, "b": 2}
    clock.now += 30.5  # it is the second at which the others end
    assert (list(kept), len(kept), kept.get("b"), "b" in kept, kept.pop("first", "none")) == (
        ["a"],
        1,
        None,
        False,
        "none",
    )
    with pytest.raises(KeyError):
        del kept["b"]
    assert kept.setdefault("c", 4) == 4
    kept["b"] = 5  # a new entry, at the end
    assert kept.copy() == {"a": 3, "c": 4, "b": 5}
    clock.now += 1000
    assert not kept
    assert '"a"' in items(codes)  # not yet removed by the table


def test_without_a_time_entries_stay_and_those_of_an_earlier_time_end(
    codes: Any, store: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, store)
    before, now = store.persisted("codes", {}, 60), store.persisted("codes", {})
    before["a"], before["b"] = 1, 2
    now["b"], now["c"] = 3, 4
    clock.now += 1000
    assert dict(now.items()) == {"b": 3, "c": 4}
    assert "until" not in items(codes)['"b"']


@pytest.mark.localcloud
def test_entries_of_a_map_end_and_a_dict_of_the_same_table_sees_it(
    codes: Any, store: ModuleType, front: Front, asset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = shutil.which("node")
    assert node, "Node 18 or later must be on the PATH"
    clock, kept = Clock(monkeypatch, store), store.persisted("codes", {}, 60)
    kept["python"] = "old"
    shutil.copytree(SHIMS / "javascript" / "shims", tmp_path / "klotho")
    shutil.copytree(asset / "node_modules", tmp_path / "node_modules")
    code = """
const assert = require("node:assert");
let now = 1800000000501;
Date.now = () => now;
const persisted = require("./klotho/map.cjs");
const codes = persisted("codes", new Map([["first", 0]]), 60);
(async () => {
  await codes.set("a", 1);
  await codes.set("b", 2);
  now += 30000;
  assert.deepEqual([...(await codes.entries())].map(String), ["python,old", "first,0", "a,1", "b,2"]);
  await codes.set("a", 3);
  now += 30500;
  assert.deepEqual([...(await codes.keys())], ["a"]);
  assert.equal(await codes.size, 1);
  assert.deepEqual([await codes.get("b"), await codes.has("b"), await codes.delete("b")], [undefined, false, false]);
  assert.deepEqual([await codes.get("a"), await codes.has("a")], [3, true]);
  await codes.set("first", 4);
  assert.deepEqual([...(await codes.keys())], ["a", "first"]);
  const staying = persisted("codes", new Map());
  await staying.set("first", 5);
  now += 1000000;
  assert.deepEqual([...(await codes.entries())].map(String), ["first,5"]);
  console.log("as expected");
})();
"""
    (tmp_path / "try.js").write_text(code)
    done = subprocess.run([node, "try.js"], capture_output=True, text=True, cwd=tmp_path, timeout=60, env=os.environ)
    assert done.stdout == "as expected\n", done.stderr
    clock.now += 91
    assert dict(kept.items()) == {"first": 5}
    assert items(codes)['"a"']["until"] == {"N": "1800000091"}
