"""What was acknowledged is there after a kill -9, and index entries agree with their items."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.dynamodb.dynamodb_harness import Refused, Store, index

WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from tests.localcloud.dynamodb.dynamodb_harness import Store
store = Store(Path(sys.argv[1]))
start = int(sys.argv[3])
for number in range(start, start + 1_000_000):
    item = {"pk": {"S": f"k{number % 7}"}, "sk": {"N": str(number)}, "owner": {"S": f"o{number % 3}"}}
    if number % 5 == 0:
        puts = [{"Put": {"TableName": "things", "Item": {**item, "sk": {"N": f"{number}.{part}"}}}} for part in (1, 2)]
        store.call("TransactWriteItems", TransactItems=puts)
    store.call("PutItem", TableName="things", Item=item)
    print(number, flush=True)
"""
INDEXES: dict[str, Any] = {
    "GlobalSecondaryIndexes": [index("owners", "owner", None, "KEYS_ONLY")],
    "attributes": {"owner": "S"},
}


def everything(store: Store, **request: Any) -> list[Any]:
    found, start = [], {}
    while True:
        page = store.call("Scan", TableName="things", **request, **start)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@pytest.mark.localcloud
def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.table(**INDEXES)
    store.service.catalog.close()
    last = -1
    for lines in (150, 400, 50):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(Path(__file__).parents[3]), str(last + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                last = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            # What was printed between the last line read and the kill was acknowledged too.
            rest = [line for line in writer.stdout if line.endswith("\n")]
            last = int(rest[-1]) if rest else last
        reopened = Store(tmp_path)
        numbers = [item["sk"]["N"] for item in everything(reopened)]
        whole = {int(text) for text in numbers if "." not in text}
        assert set(range(last + 1)) <= whole
        halves = sorted(text for text in numbers if "." in text)
        assert len([text for text in halves if text.endswith(".1")]) * 2 == len(halves)
        entries = [(item["pk"]["S"], item["sk"]["N"]) for item in everything(reopened, IndexName="owners")]
        assert sorted(entries) == sorted((item["pk"]["S"], item["sk"]["N"]) for item in everything(reopened))
        last = max(whole)
        reopened.service.catalog.close()


def test_tables_items_and_settings_are_there_after_reopening(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.table(**INDEXES)
    store.call("PutItem", TableName="things", Item={"pk": {"S": "a"}, "sk": {"N": "1"}, "owner": {"S": "ann"}})
    spec = {"Enabled": True, "AttributeName": "ends"}
    store.call("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=spec)
    before = store.call("DescribeTable", TableName="things")
    store.service.catalog.close()
    again = Store(tmp_path)
    assert again.call("DescribeTable", TableName="things") == before
    assert again.call("DescribeTimeToLive", TableName="things")["TimeToLiveDescription"]["AttributeName"] == "ends"
    assert len(everything(again, IndexName="owners")) == 1


def test_a_file_of_a_newer_klotho_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.service.catalog.connection.execute("pragma user_version=99")
    store.service.catalog.close()
    with pytest.raises(RuntimeError, match="has data format 99, this Klotho reads up to 1"):
        Store(tmp_path)


def test_a_failed_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.table(**INDEXES)
    good = {"Put": {"TableName": "things", "Item": {"pk": {"S": "a"}, "sk": {"N": "1"}, "owner": {"S": "ann"}}}}
    bad = {
        "Update": {
            "TableName": "things",
            "Key": {"pk": {"S": "b"}, "sk": {"N": "1"}},
            "UpdateExpression": "SET x = absent",
        }
    }
    with pytest.raises(Refused) as refused:
        store.call("TransactWriteItems", TransactItems=[good, bad])
    assert [reason["Code"] for reason in refused.value.body["CancellationReasons"]] == ["None", "ValidationError"]
    assert everything(store) == []
    assert everything(store, IndexName="owners") == []
