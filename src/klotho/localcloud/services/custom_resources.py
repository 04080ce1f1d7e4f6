"""What goes between CloudFormation and the functions behind custom resources.

Input: a request for a function. Output: its answer, which it PUTs to the request's `ResponseURL` on the endpoint: a
URL that nobody can guess, good for this one request and needing no other credentials, as AWS's presigned URL. Refuses,
as `HandlerError`, a function that is not there; as `UnansweredError`, in AWS's words, no answer in time and answers of
a wrong shape; and, as HTTP errors, URLs that were never given out.

Durable: request, URL and answer lie in the state database, and the event for the function in its queue in the same
transaction. A request asked again after a crash is not sent twice, and an answer that came in meanwhile is found.

Source: AWS CloudFormation User Guide, "Custom resource request objects" and "Custom resource response objects".
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klotho.localcloud.handler import HandlerError
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.service import ApiError, ApiResponse

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

PREFIX = "/_klotho-custom-resources/"
"""Of every `ResponseURL`; no bucket's name begins with an underscore."""
MAX_ANSWER_BYTES = 4096
"""AWS: "The total size of the response body can't exceed 4096 bytes"."""
MAX_IDENTIFIER_BYTES = 1024
"""AWS: PhysicalResourceId is "a non-empty string … up to 1 KB"."""
_TABLE = """
create table if not exists custom_resource_requests (
    stack_id text not null, logical_id text not null, request_id text not null, path text not null unique,
    due real not null, answer blob, primary key (stack_id, logical_id)
)
"""


class UnansweredError(HandlerError):
    """The function was asked, and gave no answer or none that counts."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the function said."""

    succeeded: bool
    reason: str
    identifier: str | None
    data: dict[str, Any] = field(default_factory=dict)
    no_echo: bool = False


class CustomResources:
    """Requests under way. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._answered: dict[str, asyncio.Event] = {}
        cloud.database.connection.execute(_TABLE)

    async def start(self) -> None:
        """Nothing runs by itself: what was under way is asked again by the engine."""

    async def stop(self) -> None:
        """Nothing to stop: a late answer is kept for the next start."""

    async def ask(self, function: str, event: dict[str, Any], timeout_s: float) -> Answer:
        """Send `event` to the function (a name or ARN) and wait for the answer, `timeout_s` seconds from the first
        time it is asked. The same `RequestId` is sent once however often it is asked."""
        due, answered = self._sent(name_of(function), event, timeout_s)
        while (answer := self._answer(event)) is None:
            answered.clear()
            try:
                async with asyncio.timeout(max(0.0, due - time.time())):
                    await answered.wait()
            except TimeoutError:
                if (answer := self._answer(event)) is None:
                    raise UnansweredError(_no_answer(event)) from None
                break
        return _parsed(answer, event)

    async def respond(self, method: str, path: str, body: bytes) -> ApiResponse:
        """A function's PUT. The first answer counts; the same URL takes later ones without effect."""
        row = self._cloud.database.connection.execute(
            "select request_id, answer from custom_resource_requests where path=?", (path.removeprefix(PREFIX),)
        ).fetchone()
        if row is None:
            raise ApiError("AccessDenied", "no such ResponseURL, or one of an earlier request", 403)
        if method != "PUT":
            raise ApiError("MethodNotAllowed", "a ResponseURL takes PUT only", 405)
        if row["answer"] is None:
            with self._cloud.database.transaction() as connection:
                # One byte more than allowed tells that it was too long.
                connection.execute(
                    "update custom_resource_requests set answer=? where path=?",
                    (body[: MAX_ANSWER_BYTES + 1], path.removeprefix(PREFIX)),
                )
            if row["request_id"] in self._answered:
                self._answered[row["request_id"]].set()
        return ApiResponse(200, b"", {})

    def _sent(self, function: str, event: dict[str, Any], timeout_s: float) -> tuple[float, asyncio.Event]:
        """When the answer is due, and what says that it is there; sends the event unless that was done."""
        request_id = str(event["RequestId"])
        answered = self._answered.setdefault(request_id, asyncio.Event())
        row = self._row(event)
        if row is not None:
            return float(row["due"]), answered
        if self._cloud.world.get("AWS::Lambda::Function", function) is None:
            raise HandlerError(f"Function not found: {event['ResourceProperties'].get('ServiceToken')}", "NotFound")
        path, due = secrets.token_urlsafe(32), time.time() + timeout_s
        sent = {**event, "ResponseURL": f"{self._cloud.endpoint_url}{PREFIX}{path}"}
        with self._cloud.database.transaction() as connection:
            connection.execute(
                "insert or replace into custom_resource_requests values (?,?,?,?,?,null)",
                (event["StackId"], event["LogicalResourceId"], request_id, path, due),
            )
            try:
                self._cloud.functions.enqueue(function, json.dumps(sent).encode())
            except ApiError as error:
                raise HandlerError(error.message, error.code) from error
        return due, answered

    def _answer(self, event: dict[str, Any]) -> bytes | None:
        row = self._row(event)
        return None if row is None or row["answer"] is None else bytes(row["answer"])

    def _row(self, event: dict[str, Any]) -> Any:
        return self._cloud.database.connection.execute(
            "select due, answer from custom_resource_requests where stack_id=? and logical_id=? and request_id=?",
            (event["StackId"], event["LogicalResourceId"], event["RequestId"]),
        ).fetchone()


def _no_answer(event: dict[str, Any]) -> str:
    """AWS's words."""
    return (
        f"CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{event['RequestId']}]. If you are using the Python cfn-response module, you may need to update your Lambda "
        f"function code so that CloudFormation can attach the updated version."
    )


def _parsed(body: bytes, event: dict[str, Any]) -> Answer:
    """The answer; HandlerError for one AWS would not take."""
    if len(body) > MAX_ANSWER_BYTES:
        raise UnansweredError("Response object is too long.", "InvalidRequest")
    try:
        document = json.loads(body)
    except ValueError:
        raise UnansweredError("Response is not valid JSON", "InvalidRequest") from None
    if not isinstance(document, dict):
        raise UnansweredError("Invalid Response object: Value of property must be an object", "InvalidRequest")
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if document.get(name) != event[name]:
            raise UnansweredError(f"Invalid Response object: {name} is not the request's", "InvalidRequest")
    status, data = document.get("Status"), document.get("Data") or {}
    if status not in ("SUCCESS", "FAILED") or not isinstance(data, dict):
        raise UnansweredError("Invalid Response object: Status is SUCCESS or FAILED, Data an object", "InvalidRequest")
    identifier = document.get("PhysicalResourceId")
    if status == "SUCCESS" and not _is_identifier(identifier):
        raise UnansweredError("Invalid PhysicalResourceId", "InvalidRequest")
    return Answer(
        succeeded=status == "SUCCESS",
        reason=str(document.get("Reason", "")),
        identifier=identifier if _is_identifier(identifier) else None,
        data={name: value for name, value in data.items() if value is not None},
        no_echo=document.get("NoEcho") in (True, "true", "True"),
    )


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= MAX_IDENTIFIER_BYTES
