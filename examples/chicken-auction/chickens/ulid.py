"""ULIDs (github.com/ulid/spec): 48 bits of time in milliseconds and 80 random bits, in Crockford's base 32."""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid() -> str:
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))


def is_ulid(text: str) -> bool:
    return re.fullmatch(f"[0-7][{ALPHABET}]{{25}}", text) is not None
