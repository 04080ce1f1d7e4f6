"""DynamoDB's number type: exact decimals of up to 38 digits.

Input: the text of a number. Output: its canonical text, a `Decimal`, or bytes that sort as the numbers do.
Refuses text that is no number, more than 38 significant digits, and magnitudes outside 1E-130 .. 9.9…E+125
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache

from klotho.localcloud.services.dynamodb.errors import validation

MAX_DIGITS = 38
_MAX_EXPONENT, _MIN_EXPONENT = 125, -130
_CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,37}")
_SYNTAX = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
# Two canonical numbers differ by at most 256 decimal places, so a sum or difference is exact in this context.
_EXACT = Context(prec=300)
_COMPLEMENT = bytes.maketrans(b"0123456789", b"9876543210")


def canonical(text: str) -> str:
    """The number as DynamoDB gives it back: no exponent, no leading or trailing zeros, no minus zero."""
    if _CANONICAL_INTEGER.fullmatch(text):
        return text
    return plain(parse(text))


def parse(text: str) -> Decimal:
    """The exact value without trailing zeros; ValidationException if DynamoDB would not store it."""
    match = _SYNTAX.fullmatch(text)
    if match is None:
        detail = f": {text}" if text else ""
        raise validation(f"The parameter cannot be converted to a numeric value{detail}")
    exponent = match.group(1)
    if exponent is not None and len(exponent) > 12:  # beyond what Decimal itself can hold
        mantissa = Decimal(text[: match.start(1) - 1])
        return _checked(Decimal((0, (1,), -(10**6) if exponent[0] == "-" else 10**6)) if mantissa else mantissa)
    return _checked(Decimal(text))


def _checked(value: Decimal) -> Decimal:
    if not value:
        return Decimal(0)
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    adjusted = exponent + len(digits) - 1
    if adjusted > _MAX_EXPONENT:
        raise validation("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if adjusted < _MIN_EXPONENT:
        raise validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    significant = len(digits)
    while digits[significant - 1] == 0:
        significant -= 1
    if significant > MAX_DIGITS:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    return Decimal((sign, digits[:significant], exponent + len(digits) - significant))


def plain(value: Decimal) -> str:
    return format(value, "f") if value else "0"


def add(left: str, right: str) -> str:
    return plain(_checked(_EXACT.add(Decimal(left), Decimal(right))))


def subtract(left: str, right: str) -> str:
    return plain(_checked(_EXACT.subtract(Decimal(left), Decimal(right))))


@lru_cache(maxsize=4096)
def encode(text: str) -> bytes:
    """Bytes that compare, byte by byte, as the canonical numbers they stand for."""
    value = Decimal(text)
    if not value:
        return b"\x01"
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    magnitude = exponent + len(digits) - 1 - _MIN_EXPONENT + 1
    figures = "".join(map(str, digits)).rstrip("0").encode()
    if sign == 0:
        return b"\x02" + magnitude.to_bytes(2, "big") + figures
    # The closing 0xff makes a shorter negative number (-0.1) sort after a longer one (-0.11).
    return b"\x00" + (0xFFFF - magnitude).to_bytes(2, "big") + figures.translate(_COMPLEMENT) + b"\xff"


def size(text: str) -> int:
    """Bytes the number counts towards the item size: one per two significant digits, one more, one for a minus."""
    digits = text.lstrip("-0.").replace(".", "")
    if "." not in text:
        digits = digits.rstrip("0")
    return (len(digits) + 1) // 2 + 1 + (1 if text.startswith("-") else 0)
