"""Values of a template for people's eyes: short, on one line, and never a secret.

Input: a property's place and its value. Output: text. Refuses nothing. No secret belongs in a template, but a program
may say `environment={"API_TOKEN": "…"}`, and a preview is pasted into pull requests: what looks like one is not shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from klotho.deploy.comparison import REPLACED, UNKNOWN

HIDDEN = "(not shown)"
WIDTH = 60
"""Longest value shown, in characters."""
_CONTEXT = 16
"""How much is shown before the first difference of two long texts."""

# Texts, which `re` compiles when the first value is shown: most previews show none.
_SECRET_NAME = (
    r"(?:[\w-]*(?:passw(?:or)?d|passphrase|secret|token|credential|private[_-]?key|api[_-]?key|access[_-]?key|auth)"
    r"[\w-]*|pwd)"
)
_REFERENCE = r"\$\{[\w:.]+\}|arn:\S+|\{\{resolve:[^{}]+\}\}|\((?:known after deploy|of the replacement)\)"
_INSIDE = (
    r"(?i)(\b(?:bearer|basic)\s+)([\w.~+/=-]{8,})",
    # The name of a secret in an ARN is none: it follows a partition or an account.
    rf"(?i)(?<!aws:)(?<!\d{{12}}:)(\b{_SECRET_NAME}\b[\"']?\s*[:=]\s*[\"']?)"
    r"((?!\$\{|arn:|\{\{resolve:)[^\s\"',;&}]+)",
    r"(?i)([a-z][\w+.-]*://[^\s/:@]*:)([^\s/@]+)(?=@)",
)
_SECRET_VALUE = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bsk[_-](?:live|test|ant|proj)?[_-]?[\w-]{16,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
)
_HARMLESS = {
    "authorizationtype",
    "authtype",
    "authorizerid",
    "authorizertype",
    "identitysource",
    "secretarn",
    "secretid",
}
"""Names of AWS's properties that hold no secret although they sound like it."""
_ACTIONS = {"Action", "NotAction"}
_ACTION = r"[a-z0-9-]+:[A-Za-z*]+"
"""What a policy allows, `secretsmanager:GetSecretValue`: no secret after its name."""


def shown(place: Iterable[str | int], value: Any) -> str:
    """One line; `(known after deploy)` where the value is not known."""
    return _cut(_text(safe(tuple(place), value)))


def shown_pair(place: Iterable[str | int], before: Any, after: Any) -> tuple[str, str]:
    """Two values beside each other: of long texts what is about their first difference."""
    at = tuple(place)
    left, right = _text(safe(at, before)), _text(safe(at, after))
    if min(len(left), len(right)) > WIDTH:
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
        if same > _CONTEXT:
            left, right = (f"…{text[same - _CONTEXT :]}" for text in (left, right))
    return _cut(left), _cut(right)


def _text(safe: Any) -> str:
    if isinstance(safe, str):
        if safe in (UNKNOWN, REPLACED):
            return UNKNOWN
        if safe == HIDDEN:
            return HIDDEN
        text = json.dumps(safe, ensure_ascii=False).replace('\\"', '"')
    else:
        text = json.dumps(safe, ensure_ascii=False, sort_keys=True, default=str)
    return text.replace(REPLACED, UNKNOWN)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def masked(text: str) -> str:
    """A text without what looks like a secret in it."""
    if re.search(_SECRET_VALUE, text):
        return HIDDEN
    for pattern in _INSIDE:
        text = re.sub(pattern, rf"\g<1>{HIDDEN}", text)
    return text


def safe(place: tuple[str | int, ...], value: Any) -> Any:
    """The value without what looks like a secret in it or by its place."""
    if isinstance(value, Mapping):
        named = str(value.get("Name", value.get("Key", "")))  # `{"Name": "TOKEN", "Value": "…"}`
        return {
            key: safe((*place, named if key in ("Value", "value") and named else key), item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [safe(place, item) for item in value]
    if isinstance(value, str):
        if _last_name(place) in _ACTIONS and re.fullmatch(_ACTION, value):
            return value
        return HIDDEN if _names_secret(place) and not re.fullmatch(_REFERENCE, value) else masked(value)
    return value


def _names_secret(place: tuple[str | int, ...]) -> bool:
    name = _last_name(place)
    return name.lower() not in _HARMLESS and re.search(_SECRET_NAME, name, re.IGNORECASE) is not None


def _last_name(place: tuple[str | int, ...]) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "")
