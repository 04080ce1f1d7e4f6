"""HTTP messages of an API Gateway HTTP API (payload format 2.0) as JSON."""

from __future__ import annotations

import base64
import json
from typing import Any


class Problem(Exception):
    """What to tell the caller instead of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def body_of(event: dict[str, Any]) -> dict[str, Any]:
    """The request's JSON object; Problem 400 for anything else."""
    try:
        text: str | bytes = event.get("body") or ""
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text)
        body = json.loads(text)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is JSON, but no text that can be kept
    except (ValueError, RecursionError) as error:
        raise Problem(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Problem(400, "the body is not a JSON object")
    return body


def answer(status: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    if body is None:
        return {"statusCode": status}
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body, ensure_ascii=False)}
