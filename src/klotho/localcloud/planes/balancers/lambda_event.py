"""A function as a load balancer's target: its event, and the response its answer means.

Input: a request and its body; a function's answer. Output: the event's JSON; status, headers and body. Refuses, as
`MalformedResponseError`, what Elastic Load Balancing answers 502 for. Source: Elastic Load Balancing, "Use Lambda
functions as targets": query parameters are passed on as they were sent, one value a name.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from klotho.localcloud.planes.gateway.proxy_event import MalformedResponseError
from klotho.localcloud.planes.gateway.request import GatewayRequest, Headers

BODY_LIMIT = 1024 * 1024
"""Bytes of a request's body, and of a response's JSON."""
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_DROPPED = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive", "upgrade"})


def event(request: GatewayRequest, body: bytes, target_group: str, headers: dict[str, str]) -> bytes:
    query = dict(pair.partition("=")[::2] for pair in request.query.split("&") if pair)
    encoded = "content-encoding" in headers or (bool(body) and not _is_text(headers.get("content-type", ""), body))
    document = {
        "requestContext": {"elb": {"targetGroupArn": target_group}},
        "httpMethod": request.method,
        "path": request.raw_path,
        "queryStringParameters": query,
        "headers": headers,
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }
    return orjson.dumps(document)


def response(payload: bytes) -> tuple[int, Headers, bytes]:
    """Status, headers and body; `MalformedResponseError` for an answer that is none."""
    if len(payload) > BODY_LIMIT:
        raise MalformedResponseError(f"the answer has {len(payload)} bytes, over 1 MB")
    try:
        answer: Any = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedResponseError(f"the answer is no JSON: {error}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        raise MalformedResponseError("the answer has no statusCode that is a number")
    if not 200 <= answer["statusCode"] <= 599:
        raise MalformedResponseError(f"statusCode is {answer['statusCode']}, not between 200 and 599")
    headers: Headers = [
        (str(name).lower().encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
        for name, value in (answer.get("headers") or {}).items()
        if str(name).lower() not in _DROPPED
    ]
    if any(b"\r" in part or b"\n" in part for pair in headers for part in pair):
        raise MalformedResponseError("a header has a line break in it")
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise MalformedResponseError(f"body is {type(body).__name__}, not text")
    try:
        content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    except binascii.Error as error:
        raise MalformedResponseError(f"isBase64Encoded is set, but body is no base64: {error}") from error
    return answer["statusCode"], headers, content


def _is_text(content_type: str, body: bytes) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if kind and not kind.startswith(_TEXT):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
