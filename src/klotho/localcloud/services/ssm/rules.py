"""What a parameter's name and value may be.

Input: names and values as requests and templates give them. Output: nothing, or the parts of a name with a version.
Refuses, as `ApiError` with AWS's codes, what Parameter Store would not take.

Source: PutParameter in the AWS Systems Manager API Reference; "Parameter name requirements", User Guide.
"""

from __future__ import annotations

import re

from klotho.localcloud.service import ApiError

TYPES = ("String", "StringList", "SecureString")
SECURE = "SecureString"
TIERS = ("Standard", "Advanced", "Intelligent-Tiering")
MAX_BYTES = {"Standard": 4096, "Advanced": 8192}
"""Of a value, by tier (quotas of Parameter Store)."""
MAX_NAME = 1011
"""Characters of a name, "including the full length of the parameter ARN" 2048."""
MAX_LEVELS = 15
_NAME = re.compile(r"[A-Za-z0-9_.\-/]+")
_RESERVED = re.compile(r"/?(aws|ssm)", re.IGNORECASE)


def check_name(name: str) -> None:
    """The name of a parameter about to be made."""
    if _RESERVED.match(name):
        prefix = "aws" if name.lstrip("/").lower().startswith("aws") else "ssm"
        raise invalid(f'Parameter name: can\'t be prefixed with "{prefix}" (case-insensitive).')
    if not _NAME.fullmatch(name) or name.endswith("/") or "//" in name:
        raise invalid(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise invalid("Parameter name must be a fully qualified name.")
    if len(name) > MAX_NAME:
        raise invalid(f"Parameter name has {len(name)} characters, at most {MAX_NAME} are allowed")
    if name.count("/") > MAX_LEVELS:
        raise ApiError(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {MAX_LEVELS} levels.",
        )


def check_value(value: str, kind: str, tier: str, allowed_pattern: str | None) -> None:
    """A value for a parameter of this type and tier."""
    if not value:
        raise invalid("Value must not be empty")
    most, size = MAX_BYTES[tier], len(value.encode("utf-8", "replace"))
    if size > most:
        more = "" if tier == "Advanced" else " To create a larger parameter value, use the advanced-parameter tier."
        raise invalid(f"{tier} tier parameters support a maximum parameter value of {most} characters.{more}")
    if kind == "StringList" and not all(value.split(",")):
        raise invalid("Parameter value: an item of a StringList must not be empty")
    if allowed_pattern is None:
        return
    try:
        fits = re.search(allowed_pattern, value) is not None
    except re.error:
        raise ApiError(
            "InvalidAllowedPatternException", f"The pattern {allowed_pattern} is no regular expression."
        ) from None
    if not fits:
        raise ApiError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {allowed_pattern}",
        )


def tier_of(value: str, tier: str) -> str:
    """Intelligent tiering takes the standard tier as long as the value fits."""
    if tier != "Intelligent-Tiering":
        return tier
    return "Standard" if len(value.encode("utf-8", "replace")) <= MAX_BYTES["Standard"] else "Advanced"


def selected(text: str) -> tuple[str, int | None, str]:
    """Name, version and selector (`:3`) of `name`, `name:3`, or their ARN. Labels are refused by name."""
    name = text
    if text.startswith("arn:"):
        rest = text.partition(":parameter")[2]
        # `parameter/a` is the ARN of `a`; of `/a/b` it is `parameter/a/b`.
        name = rest if "/" in rest[1:] else rest[1:]
    name, _, selector = name.partition(":")
    if not selector:
        return name, None, ""
    if not selector.isdigit() or len(selector) > 9:
        raise invalid(f"klotho's local cloud does not carry labels of parameters: {text}")
    return name, int(selector), f":{selector}"


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)
