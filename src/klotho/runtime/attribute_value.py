"""Plain Python values to DynamoDB's JSON and back.

Rules: str S, bool BOOL, None NULL, bytes B, int, float and Decimal N, list and tuple L, dict with str keys M,
non-empty sets of str, numbers or bytes SS, NS, BS. Back: a whole number is an int; another number is a float
when a float holds exactly its decimal digits, else (or when asked) a Decimal. Refuses, with the path to the
value: NaN and infinities, more than 38 digits, magnitudes outside 1E-130 to 9.99E+125, empty or mixed sets,
other types
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
"""

from __future__ import annotations

import base64
from decimal import (
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_NUMBERS = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact, InvalidOperation, Overflow, Subnormal, Underflow])


def encode_item(item: Mapping[str, object]) -> dict[str, Any]:
    """An item (or key) to DynamoDB's JSON. Raises TypeError or ValueError naming the attribute."""
    return {name: encode(value, name) for name, value in item.items()}


def decode_item(item: Mapping[str, Any], decimals: bool = False) -> dict[str, Any]:
    """DynamoDB's JSON to plain values; `decimals=True` gives a Decimal for every number that is not whole."""
    return {name: decode(value, decimals) for name, value in item.items()}


def encode(value: object, path: str = "value") -> dict[str, Any]:
    """One value to DynamoDB's JSON; `path` is for messages."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (int, float, Decimal)):
        return {"N": _number(value, path)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"B": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return {"L": [encode(part, f"{path}[{index}]") for index, part in enumerate(value)]}
    if isinstance(value, dict):
        return {"M": _map(value, path)}
    if isinstance(value, (set, frozenset)):
        return _set(value, path)
    raise TypeError(f"{path}: DynamoDB cannot hold a {type(value).__name__}")


def decode(value: Mapping[str, Any], decimals: bool = False) -> Any:
    """One value of DynamoDB's JSON to a plain one."""
    ((kind, inner),) = value.items()
    if kind == "M":
        return decode_item(inner, decimals)
    if kind == "L":
        return [decode(part, decimals) for part in inner]
    if kind in ("SS", "NS", "BS"):
        return {_scalar(kind[0], part, decimals) for part in inner}
    return _scalar(kind, inner, decimals)


def _scalar(kind: str, inner: Any, decimals: bool) -> Any:
    if kind in ("S", "BOOL"):
        return inner
    if kind == "N":
        return _plain_number(inner, decimals)
    if kind == "NULL":
        return None
    if kind == "B":
        return base64.b64decode(inner)
    raise ValueError(f"DynamoDB sent a value of type {kind!r}, which this runtime does not know")


def _map(value: dict[Any, Any], path: str) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{path}: the keys of a map must be str, not {type(key).__name__}")
    return {key: encode(part, f"{path}.{key}") for key, part in value.items()}


def _set(value: set[Any] | frozenset[Any], path: str) -> dict[str, Any]:
    encoded = [encode(part, path) for part in value]
    kinds = {kind for part in encoded for kind in part}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise TypeError(f"{path}: a set must be all str, all numbers or all bytes, and not empty")
    kind = kinds.pop()
    return {f"{kind}S": sorted(part[kind] for part in encoded)}


def _number(value: int | float | Decimal, path: str) -> str:
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e38):
        # A float's repr is the shortest text that reads back as the same float: 0.1 is stored as 0.1.
        exact = Decimal(repr(float(value)))
    else:
        exact = Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"{path}: DynamoDB cannot hold {value}")
    try:
        number = _NUMBERS.create_decimal(exact)
    except DecimalException:
        problem = f"{path}: DynamoDB holds 38 digits between 1E-130 and 9.99E+125, this number has more"
    else:
        return "0" if number.is_zero() else str(number)
    raise ValueError(problem)


def _plain_number(text: str, decimals: bool) -> int | float | Decimal:
    exact = Decimal(text)
    numerator, denominator = exact.as_integer_ratio()
    if denominator == 1:
        return numerator
    near = float(text)
    return near if not decimals and Decimal(repr(near)) == exact else exact
