"""Reads the fields of a request, and pages of an answer, as the CloudFormation API has them.

Input: the parsed Query form. Output: text, lists, structures. Refuses, in AWS's words, what is missing or misshapen,
and by name every option the local cloud does not carry.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.cloudformation.errors import not_carried, validation_error
from klotho.localcloud.service import ApiError

Fields = Mapping[str, Any]
NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
PAGE = 100
"""Items per page; AWS gives up to 100 events, and 1 MB of anything else."""
_IGNORABLE = {"Action", "Version"}


def check_fields(action: str, fields: Fields, allowed: set[str], defaults: Mapping[str, tuple[str, ...]]) -> None:
    for name, value in fields.items():
        if name in allowed | _IGNORABLE or value in defaults.get(name, ()):
            continue
        # An SDK sends an empty list as an empty field.
        if value == "":
            continue
        shown = f"{name}={value}" if name in defaults else name
        raise not_carried(f"Option {shown} of {action}")


def required(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise validation_error(
            f"1 validation error detected: Value null at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: "
            f"Member must not be null"
        )
    return value


def new_name(fields: Fields) -> str:
    name = required(fields, "StackName")
    if NAME.fullmatch(name) is None:
        raise bad_name("stackName", name)
    return name


def bad_name(what: str, name: str) -> ApiError:
    return validation_error(
        f"1 validation error detected: Value '{name}' at '{what}' failed to satisfy constraint: Member must satisfy "
        f"regular expression pattern: {NAME.pattern}"
    )


def listed(fields: Fields, name: str) -> list[Any]:
    value = fields.get(name, [])
    if value == "":
        return []
    if not isinstance(value, list):
        raise ApiError("MalformedQueryString", f"{name} must be a list")
    return value


def objects(fields: Fields, name: str) -> list[Fields]:
    items = listed(fields, name)
    if not all(isinstance(item, dict) for item in items):
        raise ApiError("MalformedQueryString", f"{name} must be a list of structures")
    return items


def page(name: str, items: list[Any], fields: Fields) -> dict[str, Any]:
    start = token_of(fields) or 0
    result: dict[str, Any] = {name: items[start : start + PAGE]}
    if start + PAGE < len(items):
        result["NextToken"] = next_token(start + PAGE)
    return result


def next_token(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def token_of(fields: Fields) -> int | None:
    token = fields.get("NextToken")
    if not token:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(str(token)))
    except (ValueError, binascii.Error):
        position = None
    if not isinstance(position, int) or position < 0:
        raise validation_error(f"NextToken {token} is not valid")
    return position
