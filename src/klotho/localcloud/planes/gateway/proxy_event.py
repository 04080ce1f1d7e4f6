"""The event a function gets for a request, and the response its answer means: payload format 2.0.

Input: a request and its body; a function's answer. Output: the event's JSON; status, headers and body. Refuses, as
`MalformedResponseError`, an answer API Gateway would turn into 500.

Source: API Gateway docs, "Create AWS Lambda proxy integrations for HTTP APIs". Where the docs are silent, as reported
by others of AWS: `rawPath` is decoded and begins with the stage unless that is `$default`; `cookie` is not among the
headers; a response without a content type gets `text/plain;charset=UTF-8`.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

import orjson

from klotho.localcloud.planes.gateway.request import GatewayRequest, Headers

_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
_TEXT_SUFFIXES = ("+json", "+xml")
_DROPPED = frozenset(
    (b"connection", b"transfer-encoding", b"content-length", b"keep-alive", b"upgrade", b"te", b"trailer")
)
"""Response headers that belong to the connection and not to the function."""


class MalformedResponseError(Exception):
    """The function's answer is no HTTP response; the text says why."""


def event(
    request: GatewayRequest,
    body: bytes,
    parameters: Mapping[str, str],
    variables: Mapping[str, str],
    api_id: str,
    account: str,
    domain: str,
) -> bytes:
    """The event as JSON. Absent parts (cookies, query, parameters, variables, body) are left out, as on AWS."""
    document, headers = _document(request, parameters, variables, api_id, account, domain)
    document["isBase64Encoded"] = False
    if body:
        text = _text(body, headers.get("content-type", ""), "content-encoding" in headers)
        document["isBase64Encoded"] = text is None
        document["body"] = base64.b64encode(body).decode() if text is None else text
    return orjson.dumps(document)


def authorizer_event(
    request: GatewayRequest,
    identity: Sequence[str],
    route_arn: str,
    parameters: Mapping[str, str],
    variables: Mapping[str, str],
    api_id: str,
    account: str,
    domain: str,
) -> dict[str, Any]:
    """What a Lambda authorizer is asked: payload format 2.0, without the body."""
    document, _ = _document(request, parameters, variables, api_id, account, domain)
    del document["version"]
    asked = {"version": "2.0", "type": "REQUEST", "routeArn": route_arn, "identitySource": list(identity) or None}
    return {**asked, **document}


def _document(
    request: GatewayRequest,
    parameters: Mapping[str, str],
    variables: Mapping[str, str],
    api_id: str,
    account: str,
    domain: str,
) -> tuple[dict[str, Any], dict[str, str]]:
    """What both events say of a request, and its headers."""
    headers, cookies = _headers(request, domain)
    document: dict[str, Any] = {
        "version": "2.0",
        "routeKey": request.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    if cookies:
        document["cookies"] = cookies
    document["headers"] = headers
    if request.query:
        document["queryStringParameters"] = _query(request.query)
    document["requestContext"] = _context(request, headers, api_id, account, domain)
    if parameters:
        document["pathParameters"] = parameters
    if variables:
        document["stageVariables"] = variables
    return document, headers


def response(payload: bytes) -> tuple[int, Headers, bytes]:
    """Status, headers and body that a function's answer stands for."""
    try:
        answer = orjson.loads(payload)
    except ValueError as error:
        raise MalformedResponseError(f"the function's answer is no JSON: {error}") from error
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # AWS: "If your Lambda function returns valid JSON and doesn't return a statusCode": 200 and this body.
        return 200, [(b"content-type", b"application/json")], payload
    headers = _response_headers(answer.get("headers"), answer.get("cookies"))
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"text/plain;charset=UTF-8"))
    return _status(answer["statusCode"]), headers, _body(answer)


def _headers(request: GatewayRequest, domain: str) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key == "cookie":
            cookies += [part for part in (part.strip() for part in text.split(";")) if part]
        elif key in headers:
            headers[key] += "," + text
        else:
            headers[key] = text
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    headers["x-forwarded-proto"] = request.scheme
    headers["x-forwarded-port"] = domain.rpartition(":")[2]
    headers.setdefault("content-length", "0")
    return headers, cookies


def _query(text: str) -> dict[str, str]:
    """Decoded; several values of one name joined by commas."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            name, value = unquote_plus(name), unquote_plus(value)
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(
    request: GatewayRequest, headers: Mapping[str, str], api_id: str, account: str, domain: str
) -> dict[str, Any]:
    return {
        "accountId": account,
        "apiId": api_id,
        **({} if request.authorizer is None else {"authorizer": request.authorizer}),
        "domainName": domain,
        "domainPrefix": api_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request.id,
        "routeKey": request.route_key,
        "stage": request.stage,
        "time": clf_time(request.started),
        "timeEpoch": int(request.started * 1000),
    }


def clf_time(seconds: float) -> str:
    """`12/Mar/2020:19:03:58 +0000`, in English whatever the machine's language is."""
    moment = time.gmtime(seconds)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec"[moment.tm_mon * 3 - 3 : moment.tm_mon * 3]
    day = f"{moment.tm_mday:02d}/{month}/{moment.tm_year}"
    return f"{day}:{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d} +0000"


def _text(body: bytes, content_type: str, encoded: bool) -> str | None:
    """The body as text; None when it has to go as base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if encoded or (kind and not kind.startswith(_TEXT_TYPES) and not kind.endswith(_TEXT_SUFFIXES)):
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | float) or not str(value).isdigit():
        raise MalformedResponseError(f"statusCode is {value!r}, not a number")
    status = int(value)
    if not 100 <= status <= 599 or status < 200:
        raise MalformedResponseError(f"statusCode is {status}, not between 200 and 599")
    return status


def _response_headers(headers: object, cookies: object) -> Headers:
    if headers is not None and not isinstance(headers, dict):
        raise MalformedResponseError(f"headers are {headers!r}, not an object")
    if cookies is not None and not isinstance(cookies, list):
        raise MalformedResponseError(f"cookies are {cookies!r}, not a list")
    found: Headers = []
    for name, value in (headers or {}).items():
        key = _header_part(str(name).lower())
        if key not in _DROPPED:
            found.append((key, _header_part(_scalar(name, value))))
    for cookie in cookies or []:
        found.append((b"set-cookie", _header_part(_scalar("cookies", cookie))))
    return found


def _scalar(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise MalformedResponseError(f"the header {name} is {value!r}, not text")
    return str(value)


def _header_part(text: str) -> bytes:
    if any(character in text for character in "\r\n\0"):
        raise MalformedResponseError(f"a header has a line break in it: {text!r}")
    return text.encode("utf-8", "replace")


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResponseError(f"body is {type(body).__name__}, not text")
    if not answer.get("isBase64Encoded", False):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedResponseError(f"isBase64Encoded is set, but body is no base64: {error}") from error
