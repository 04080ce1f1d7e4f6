"""The errors of this service in AWS's codes and words.

Texts that deployment tools match on ("No updates are to be performed.", "... does not exist") are AWS's own, word for
word; what only the local cloud refuses says so and names the thing.
"""

from __future__ import annotations

from klotho.localcloud.service import ApiError


def validation_error(message: str) -> ApiError:
    """What CloudFormation answers to nearly every request it can't carry out (HTTP 400)."""
    return ApiError("ValidationError", message)


def format_error(message: str) -> ApiError:
    return validation_error(f"Template format error: {message}")


def not_carried(what: str) -> ApiError:
    """The local cloud refuses something AWS would take."""
    return validation_error(f"{what} is not supported by the local cloud yet")
