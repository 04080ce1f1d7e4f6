"""Plain values survive the way into DynamoDB's JSON and back."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from klotho.runtime.attribute_value import decode, decode_item, encode, encode_item

DECIMALS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**28) + 1, 10**28 - 1),
    st.integers(-80, 80),
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or 1e-120 < abs(x) < 1e120)
WHOLE = st.integers(-(10**38) + 1, 10**38 - 1)
SCALARS = st.none() | st.booleans() | st.text() | st.binary() | WHOLE | FLOATS.filter(lambda x: abs(x) < 1e38)
SETS = st.sets(st.text(), min_size=1) | st.sets(WHOLE, min_size=1) | st.sets(st.binary(), min_size=1)
VALUES = st.recursive(
    SCALARS | SETS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_every_item_comes_back_as_it_went_in(item: dict[str, object]) -> None:
    wire = json.loads(json.dumps(encode_item(item)))
    assert decode_item(wire) == item


@given(WHOLE | FLOATS | DECIMALS)
def test_a_number_means_on_the_wire_what_boto3_reads_there(number: int | float | Decimal) -> None:
    read = TypeDeserializer().deserialize(encode(number))
    assert (float(read) if isinstance(number, float) else read) == number


@given(DECIMALS)
def test_a_decimal_keeps_all_its_digits(number: Decimal) -> None:
    back = decode(encode(number), decimals=True)
    assert back == number
    assert isinstance(back, (int, Decimal))


def test_numbers_come_back_as_int_float_or_decimal_by_what_they_are() -> None:
    assert [type(decode({"N": text})) for text in ("3", "3.0", "1E+2", "0.1", "0.12345678901234567890")] == [
        int, int, int, float, Decimal,
    ]  # fmt: skip
    assert decode({"N": "19.99"}, decimals=True) == Decimal("19.99")


def test_true_is_a_boolean_and_not_the_number_one() -> None:
    assert encode(True) == {"BOOL": True}
    assert encode(1) == {"N": "1"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, r"price: DynamoDB cannot hold nan"),
        (math.inf, r"price: DynamoDB cannot hold inf"),
        (10**39 + 1, r"price: DynamoDB holds 38 digits"),
        (Decimal("1E+126"), r"price: DynamoDB holds 38 digits"),
        (Decimal("1E-131"), r"price: DynamoDB holds 38 digits"),
        (1e300, r"price: DynamoDB holds 38 digits"),
        (object(), r"price: DynamoDB cannot hold a object"),
        (set(), r"price: a set must be"),
        ({1, "a"}, r"price: a set must be"),
        ({True}, r"price: a set must be"),
        ({1: "a"}, r"price: the keys of a map must be str"),
        ([{"a": [object()]}], r"price\[0\]\.a\[0\]: DynamoDB cannot hold"),
    ],
)
def test_what_dynamodb_cannot_hold_is_refused_with_the_path_to_it(value: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        encode_item({"price": value})


def test_a_type_of_the_future_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'ZZ'"):
        decode({"ZZ": "x"})
