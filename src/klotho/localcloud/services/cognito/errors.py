"""Errors of the Cognito API in AWS's codes and wording. Source: user pools API reference, errors of each action."""

from __future__ import annotations

from klotho.localcloud.service import ApiError


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def not_authorized(message: str = "Incorrect username or password.") -> ApiError:
    return ApiError("NotAuthorizedException", message)


def no_user() -> ApiError:
    return ApiError("UserNotFoundException", "User does not exist.")


def no_pool(pool_id: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"User pool {pool_id} does not exist.")


def wrong_code() -> ApiError:
    return ApiError("CodeMismatchException", "Invalid verification code provided, please try again.")


def expired_code() -> ApiError:
    return ApiError("ExpiredCodeException", "Invalid code provided, please request a code again.")


def unsupported(what: str) -> ApiError:
    """Something Cognito has and the local cloud does not: refused by name, never ignored."""
    return invalid(f"klotho's local cloud does not carry {what} yet")
