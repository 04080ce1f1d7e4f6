"""AWS's Query protocol: a form in the body goes in, XML comes out.

Input: `Action=CreateStack&Parameters.member.1.ParameterKey=...`. Output: nested dicts and lists, and XML as any AWS SDK
reads it. Refuses keys that contradict each other as MalformedQueryString.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from klotho.localcloud.service import ApiError, ApiResponse

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def parse(body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """The request's parameters: `member` and `entry` lists as lists, dots as nesting."""
    try:
        pairs = [*query.items(), *parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body.strip()))]
    except ValueError as error:
        raise ApiError("MalformedQueryString", f"the request's body is no form: {error}") from None
    root: dict[str, Any] = {}
    for key, value in pairs:
        _put(root, key.split("."), value, key)
    return {name: _lists(item) for name, item in root.items()}


def _put(node: dict[str, Any], parts: list[str], value: str, key: str) -> None:
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ApiError("MalformedQueryString", f"the parameter {key} contradicts another one")
    if isinstance(node.get(parts[-1]), dict):
        raise ApiError("MalformedQueryString", f"the parameter {key} contradicts another one")
    node[parts[-1]] = value


def _lists(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    if set(item) == {"member"} and isinstance(item["member"], dict):
        members = item["member"]
        if not all(number.isdecimal() for number in members):
            raise ApiError("MalformedQueryString", "list members must be numbered")
        return [_lists(members[number]) for number in sorted(members, key=int)]
    return {name: _lists(value) for name, value in item.items()}


class Entries(dict[str, str]):
    """A map, which the protocol writes as a list of entries."""


def answer(action: str, result: Mapping[str, Any], request_id: str, namespace: str = NAMESPACE) -> ApiResponse:
    """The XML of a successful call."""
    body = (
        f'<{action}Response xmlns="{namespace}"><{action}Result>{_fields(result)}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
    return _response(200, body, request_id)


def fault(error: ApiError, request_id: str) -> ApiResponse:
    """The XML of an error."""
    kind = "Sender" if error.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{kind}</Type><Code>{_text(error.code)}</Code>'
        f"<Message>{_text(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return _response(error.status, body, request_id)


def _response(status: int, body: str, request_id: str) -> ApiResponse:
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return ApiResponse(status, f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode(), headers)


def _fields(result: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_value(item)}</{name}>" for name, item in result.items() if item is not None)


def _value(item: Any) -> str:
    if isinstance(item, Entries):
        pairs = [f"<key>{_text(key)}</key><value>{_text(value)}</value>" for key, value in item.items()]
        return "".join(f"<entry>{pair}</entry>" for pair in pairs)
    if isinstance(item, Mapping):
        return _fields(item)
    if isinstance(item, list | tuple):
        return "".join(f"<member>{_value(member)}</member>" for member in item)
    if isinstance(item, bool):
        return "true" if item else "false"
    return _text(str(item))


def _text(text: str) -> str:
    """Text for XML 1.0, which has no way to write most control characters (a log's escape codes, say)."""
    return escape("".join(char if _allowed(char) else "�" for char in text))


def _allowed(char: str) -> bool:
    code = ord(char)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
