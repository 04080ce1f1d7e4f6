"""How AWS's protocols spell answers and errors on the wire.

Input: an `ApiError` or a plain value, and the protocol. Output: an `ApiResponse` that any AWS SDK can read. Refuses
nothing; `not_carried` makes the one refusal every service uses for an action it does not carry.

Source: "AWS JSON 1.0/1.1", "AWS query" and "AWS restXml/restJson1" protocols of the Smithy 2.0 specification.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal
from xml.sax.saxutils import escape

import orjson

from klotho.localcloud.service import ApiError, ApiResponse

Protocol = Literal["json", "query", "rest-json", "s3"]


def protocol_of(service: str | None, headers: Mapping[str, str]) -> Protocol:
    """The protocol a request speaks, as far as its headers tell."""
    if "x-amz-target" in headers or headers.get("content-type", "").startswith("application/x-amz-json"):
        return "json"
    if service == "s3":
        return "s3"
    if service in ("cloudfront", "route53"):  # restXml, whose errors look as those of the query protocol
        return "query"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest-json"


def not_carried(service: str, action: str) -> ApiError:
    """The refusal, by name, of an API call the local cloud does not serve (501, which SDKs do not retry)."""
    return ApiError("NotImplemented", f"klotho's local cloud does not carry {service}:{action} yet", 501)


def parameters(body: bytes) -> dict[str, Any]:
    """The parameters of a JSON request; ApiError `SerializationException` when they are no JSON object."""
    try:
        value = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise ApiError("SerializationException", f"the request body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "the request body must be a JSON object")
    return value


def json_response(value: Mapping[str, Any], version: str = "1.1") -> ApiResponse:
    """A JSON answer; `version` is the AWS JSON protocol's, 1.0 or 1.1."""
    return ApiResponse(200, orjson.dumps(value), {"content-type": f"application/x-amz-json-{version}"})


def error_response(error: ApiError, protocol: Protocol, request_id: str, resource: str = "") -> ApiResponse:
    """The error in the protocol's format; `resource` is the path, which S3 repeats."""
    if protocol in ("json", "rest-json"):
        document = {"__type": error.code, "message": error.message, "Message": error.message}
        headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code, **error.headers}
        return ApiResponse(error.status, orjson.dumps(document), headers)
    code, message = _xml(error.code), _xml(error.message)
    if protocol == "s3":
        inner = f"<Code>{code}</Code><Message>{message}</Message><Resource>{_xml(resource)}</Resource>"
        text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    else:
        fault = "Sender" if error.status < 500 else "Receiver"
        inner = f"<Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>"
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    headers = {"content-type": "application/xml" if protocol == "s3" else "text/xml", **error.headers}
    return ApiResponse(error.status, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode(), headers)


def request_id() -> str:
    """A fresh id for one answer."""
    return str(uuid.uuid4())


def _xml(text: str) -> str:
    """Escaped, without the control characters XML 1.0 cannot carry."""
    plain = "".join(c if c in "\t\n\r" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF) else "?" for c in text)
    return escape(plain)
