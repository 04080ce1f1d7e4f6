"""Errors of the S3 API, in AWS's codes, statuses and words.

Source: Amazon S3 API Reference, "Error responses", list of error codes.
"""

from __future__ import annotations

from klotho.localcloud.service import ApiError


def no_bucket(name: str) -> ApiError:
    return ApiError("NoSuchBucket", f"The specified bucket does not exist: {name}", 404)


def no_key(key: str) -> ApiError:
    return ApiError("NoSuchKey", f"The specified key does not exist: {key}", 404)


def no_version() -> ApiError:
    return ApiError("NoSuchVersion", "The specified version does not exist.", 404)


def failed_condition(header: str) -> ApiError:
    text = f"At least one of the pre-conditions you specified did not hold ({header})"
    return ApiError("PreconditionFailed", text, 412)


def invalid(message: str) -> ApiError:
    return ApiError("InvalidArgument", message)


def bad_request(message: str) -> ApiError:
    return ApiError("InvalidRequest", message)


def malformed(reason: str) -> ApiError:
    text = f"The XML you provided was not well-formed or did not validate against our published schema: {reason}"
    return ApiError("MalformedXML", text)


def unsupported(what: str) -> ApiError:
    """The refusal, by name, of a header or parameter that is not carried."""
    return ApiError("NotImplemented", f"klotho's local cloud does not carry {what} yet", 501)
