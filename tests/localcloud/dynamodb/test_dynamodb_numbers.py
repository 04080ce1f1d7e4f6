"""Numbers keep 38 digits, and keys sort as bytes exactly as DynamoDB sorts them."""

from __future__ import annotations

import base64
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.localcloud.services.dynamodb import keys, number
from klotho.localcloud.services.dynamodb.errors import DynamoDbError
from klotho.localcloud.services.dynamodb.values import item_size

_DIGITS = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
_NUMBERS = st.builds(lambda digits, shift: f"{digits}E{shift}", _DIGITS, st.integers(-130, 80))


@given(_NUMBERS)
def test_a_number_is_kept_exactly_whatever_its_spelling(text: str) -> None:
    shown = number.canonical(text)
    assert Decimal(shown) == Decimal(text)
    assert "E" not in shown
    assert number.canonical(shown) == shown


@given(_NUMBERS, _NUMBERS)
def test_encoded_numbers_sort_as_the_numbers_do(one: str, two: str) -> None:
    left, right = number.canonical(one), number.canonical(two)
    assert (number.encode(left) < number.encode(right)) == (Decimal(left) < Decimal(right))
    assert (number.encode(left) == number.encode(right)) == (Decimal(left) == Decimal(right))


@given(st.text(min_size=1), st.text(min_size=1))
def test_encoded_text_sorts_by_utf8(one: str, two: str) -> None:
    left, right = (keys.sort_column({"S": text.encode("utf-8", "replace").decode()}) for text in (one, two))
    assert (left < right) == (one.encode("utf-8", "replace") < two.encode("utf-8", "replace"))


@given(st.binary(min_size=1, max_size=20), st.binary(max_size=20))
def test_everything_with_a_prefix_lies_below_the_bound_after_it(prefix: bytes, rest: bytes) -> None:
    bound = keys.after_prefix(prefix)
    assert bound is None or prefix + rest < bound
    if bound is None:
        assert set(prefix) == {255}


@given(st.integers(1, 50))
def test_scan_segments_cover_every_partition_once(total: int) -> None:
    bounds = [keys.segment_bounds(segment, total) for segment in range(total)]
    assert bounds[0][0] == b"\0\0\0\0"
    assert bounds[-1][1] is None
    assert all(high == low for (_, high), (low, _) in pairwise(bounds))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1E5", "100000"),
        ("-0", "0"),
        ("0.00", "0"),
        ("1.50", "1.5"),
        ("007", "7"),
        (".5", "0.5"),
        ("0E999999999999999999999", "0"),
    ],
)
def test_numbers_come_back_in_plain_notation(text: str, shown: str) -> None:
    assert number.canonical(text) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("12a", "The parameter cannot be converted to a numeric value: 12a"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1E99999999999999999999", "Number overflow. Attempting to store a number with magnitude larger than"),
        ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
    ],
)
def test_numbers_dynamodb_would_not_store_are_refused_in_its_words(text: str, message: str) -> None:
    with pytest.raises(DynamoDbError) as refused:
        number.canonical(text)
    assert refused.value.message.startswith(message)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_arithmetic_is_exact(one: int, two: int) -> None:
    assert number.add(str(one), str(two)) == str(one + two)
    assert number.subtract(str(one), str(two)) == str(one - two)


def test_a_sum_with_more_than_38_digits_is_refused() -> None:
    with pytest.raises(DynamoDbError, match="38 significant digits"):
        number.add("1E60", "1")


def test_item_size_counts_names_and_values_as_documented() -> None:
    binary = base64.b64encode(b"12345").decode()
    assert item_size({"a": {"S": "é"}}) == 1 + 2
    assert item_size({"a": {"N": "1234"}}) == 1 + 3
    assert item_size({"a": {"B": binary}}) == 1 + 5
    assert item_size({"a": {"L": [{"BOOL": True}]}, "m": {"M": {"k": {"NULL": True}}}}) == (1 + 5) + (1 + 6)
