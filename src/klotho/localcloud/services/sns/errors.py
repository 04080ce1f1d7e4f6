"""Errors of the SNS API, in AWS's codes and wording. Source: the Amazon SNS API reference, "Errors" of each action."""

from __future__ import annotations

from klotho.localcloud.service import ApiError


class SnsError(ApiError):
    """An answer other than success."""


def invalid(message: str) -> SnsError:
    return SnsError("InvalidParameter", f"Invalid parameter: {message}")


def no_topic() -> SnsError:
    return SnsError("NotFound", "Topic does not exist", 404)


def no_subscription() -> SnsError:
    return SnsError("NotFound", "Subscription does not exist", 404)


def unsupported(what: str) -> SnsError:
    """Something AWS has and this store does not: refused by name, never ignored."""
    return SnsError("NotImplemented", f"{what} is not supported by the local cloud", 501)
