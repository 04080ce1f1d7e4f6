"""The small DynamoDB client against moto's tables."""

from __future__ import annotations

from decimal import Decimal

import pytest

from klotho.runtime import config
from klotho.runtime.errors import AwsError, ConditionFailedError
from klotho.runtime.key_value import KeyValue

from .aws_front import Front
from .conftest import REGION, moto_client

pytestmark = pytest.mark.usefixtures("granted", "front", "tables")


@pytest.fixture
def carts() -> KeyValue:
    return config.datastores.key_value("carts")


@pytest.fixture
def bids() -> KeyValue:
    table = config.datastores.key_value("bids")
    for number in range(1, 8):
        table.put({"auction": "a1", "number": number, "amount": number * 10, "name": f"bidder {number}"})
    return table


def test_an_item_is_put_read_and_deleted(carts: KeyValue) -> None:
    item = {"id": "c1", "items": [{"sku": "é", "count": 2}], "total": 19.99, "tags": {"new", "red"}, "note": None}
    carts.put(item)
    assert carts.get({"id": "c1"}, consistent=True) == item
    assert carts.delete({"id": "c1"}) == item
    assert carts.get({"id": "c1"}) is None
    assert carts.delete({"id": "c1"}) is None


def test_boto3_reads_what_we_write_and_we_read_what_boto3_writes(carts: KeyValue, moto_port: int) -> None:
    carts.put({"id": "c1", "price": 0.1})
    there = moto_client("dynamodb", moto_port)
    assert there.get_item(TableName=carts.table, Key={"id": {"S": "c1"}})["Item"]["price"] == {"N": "0.1"}
    there.put_item(TableName=carts.table, Item={"id": {"S": "c2"}, "price": {"N": "0.30"}})
    assert carts.get({"id": "c2"}) == {"id": "c2", "price": 0.3}
    assert carts.decimals().get({"id": "c2"}) == {"id": "c2", "price": Decimal("0.3")}


def test_if_absent_lets_only_the_first_one_in_whatever_else_the_items_hold(carts: KeyValue) -> None:
    carts.put({"id": "c1", "owner": "first"}, if_absent=True)
    with pytest.raises(ConditionFailedError):
        carts.put({"id": "c1", "other": 1}, if_absent=True)
    assert carts.get({"id": "c1"}) == {"id": "c1", "owner": "first"}
    carts.put({"id": "c2", "owner": "second"}, if_absent=True)


def test_if_absent_looks_at_the_whole_key(bids: KeyValue) -> None:
    bids.put({"auction": "a1", "number": 99}, if_absent=True)
    with pytest.raises(ConditionFailedError):
        bids.put({"auction": "a1", "number": 1}, if_absent=True)


def test_a_condition_guards_a_put(carts: KeyValue) -> None:
    carts.put({"id": "c1", "bid": 5})
    carts.put({"id": "c1", "bid": 7}, condition="bid < :new", values={"new": 7})
    with pytest.raises(ConditionFailedError) as caught:
        carts.put({"id": "c1", "bid": 6}, condition="#b < :new", values={":new": 6}, names={"b": "bid"})
    assert caught.value.code == "ConditionalCheckFailedException"
    assert carts.get({"id": "c1"}) == {"id": "c1", "bid": 7}


def test_update_sets_adds_and_removes_at_once_even_reserved_words(carts: KeyValue) -> None:
    carts.put({"id": "c1", "count": 1, "name": "x", "dotted.name": 1})
    after = carts.update({"id": "c1"}, set={"status": "sold", "dotted.name": 2}, add={"count": 2}, remove=["name"])
    assert after == {"id": "c1", "count": 3, "status": "sold", "dotted.name": 2}
    assert carts.update({"id": "fresh"}, add={"count": 1}) == {"id": "fresh", "count": 1}
    with pytest.raises(ConditionFailedError):
        carts.update({"id": "c1"}, set={"x": 1}, condition="attribute_exists(nothing)")
    with pytest.raises(ValueError, match="nothing to update"):
        carts.update({"id": "c1"})


def test_delete_can_be_conditional(carts: KeyValue) -> None:
    carts.put({"id": "c1", "n": 1})
    with pytest.raises(ConditionFailedError):
        carts.delete({"id": "c1"}, condition="n = :n", values={"n": 2})
    assert carts.get({"id": "c1"}) is not None


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        (None, [1, 2, 3, 4, 5, 6, 7]),
        (("number", "=", 3), [3]),
        (("number", "<", 3), [1, 2]),
        (("number", "<=", 3), [1, 2, 3]),
        (("number", ">", 5), [6, 7]),
        (("number", ">=", 5), [5, 6, 7]),
        (("number", "between", 2, 4), [2, 3, 4]),
    ],
)
def test_a_query_is_bounded_by_the_sort_key(
    bids: KeyValue, sort: tuple[object, ...] | None, numbers: list[int]
) -> None:
    assert [item["number"] for item in bids.query({"auction": "a1"}, sort=sort)] == numbers


def test_a_query_can_go_backwards_be_limited_and_filtered(bids: KeyValue) -> None:
    newest = [item["number"] for item in bids.query({"auction": "a1"}, descending=True, limit=2)]
    assert newest == [7, 6]
    dear = bids.query({"auction": "a1"}, filter="amount > :least", values={"least": 20}, limit=3, consistent=True)
    assert [item["number"] for item in dear] == [3, 4, 5]
    assert list(bids.query({"auction": "none"})) == []


def test_pages_are_followed_to_the_end(carts: KeyValue, front: Front) -> None:
    for number in range(5):
        carts.put({"id": f"c{number}", "text": "x" * 300_000})
    front.calls.clear()
    assert sorted(item["id"] for item in carts.scan()) == ["c0", "c1", "c2", "c3", "c4"]
    assert front.calls.count("Scan") > 1
    assert len(list(carts.scan(limit=4))) == 4


@pytest.mark.parametrize(
    "sort", [("number", "!=", 1), ("number", "between", 1), ("number",), (1, "=", 2), ("number", "=", 1, 2)]
)
def test_an_operator_that_is_none_is_refused(bids: KeyValue, sort: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="sort must be"):
        bids.query({"auction": "a1"}, sort=sort)


def test_misuse_is_refused_before_anything_is_sent(carts: KeyValue, front: Front) -> None:
    with pytest.raises(ValueError, match="limit must be 1 or more"):
        carts.scan(limit=0)
    with pytest.raises(ValueError, match="needs the partition key"):
        carts.query({})
    with pytest.raises(ValueError, match="at most one condition"):
        carts.query({"a": 1, "b": 2}, sort=("c", "=", 1))
    with pytest.raises(ValueError, match=":k0 is a placeholder Klotho uses itself"):
        carts.scan(filter="a = :k0", values={"k0": 1})
    assert front.calls == []


def test_a_write_whose_answer_is_lost_is_repeated_only_when_that_is_the_same(carts: KeyValue, front: Front) -> None:
    front.faults.append("drop")
    carts.put({"id": "c1"})
    assert front.calls == ["PutItem", "PutItem"]
    front.calls.clear()
    front.faults.append("drop")
    with pytest.raises(AwsError, match="ConnectionError"):
        carts.update({"id": "c1"}, add={"n": 1})
    front.faults.append("drop")
    with pytest.raises(AwsError, match="ConnectionError"):
        carts.put({"id": "c1"}, if_absent=True)
    assert front.calls == ["UpdateItem", "PutItem"]


def test_a_denied_call_names_the_verb_that_allows_it(front: Front) -> None:
    front.faults.append((400, "AccessDeniedException"))
    with pytest.raises(AwsError, match=r"'bids' was granted .* as 'read'; for PutItem write api\.writes_to\(bids\)"):
        config.datastores.key_value("bids").put({"auction": "x", "number": 1})


def test_the_table_is_there_for_an_aws_sdk_too(carts: KeyValue, front: Front) -> None:
    assert (carts.table, carts.region, carts.endpoint_url) == ("carts-1234", REGION, front.url)
    assert repr(carts) == "<KeyValue 'carts' carts-1234>"
