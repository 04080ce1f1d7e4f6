"""What a chicken and a subscription must look like."""

from __future__ import annotations

import datetime
import re
from typing import Any

from chickens.messages import Problem

COLORS = ("buff", "black", "brown", "yellow", "lavender", "white")
SEXES = ("male", "female")
LONGEST_BREED = 200  # characters; it is part of an index key, which DynamoDB limits to 1024 bytes
LONGEST_EMAIL = 254  # characters, RFC 5321


def checked_chicken(body: dict[str, Any]) -> dict[str, str]:
    """The chicken that a body describes; Problem 400 with everything that is wrong with it."""
    wrong = []
    breed = body.get("breed")
    if not isinstance(breed, str) or not 1 <= len(breed.strip()) <= LONGEST_BREED:
        wrong.append(f"breed must be a text of 1 to {LONGEST_BREED} characters")
    if body.get("color") not in COLORS:
        wrong.append(f"color must be one of {', '.join(COLORS)}")
    if body.get("sex") not in SEXES:
        wrong.append(f"sex must be one of {', '.join(SEXES)}")
    if "hatchDate" in body and not is_date(body["hatchDate"]):
        wrong.append("hatchDate must be a date, YYYY-MM-DD")
    wrong += [f"{name} is not allowed" for name in body if name not in ("breed", "color", "sex", "hatchDate")]
    if wrong:
        raise Problem(400, "; ".join(wrong))
    return {**body, "breed": body["breed"].strip()}


def checked_email(body: dict[str, Any]) -> str:
    email = body.get("email")
    if not isinstance(email, str) or not 5 <= len(email.strip()) <= LONGEST_EMAIL:
        raise Problem(400, f"email must be a text of 5 to {LONGEST_EMAIL} characters")
    return email.strip()


def is_date(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True
