"""The SQS API of the local cloud.

Input: authenticated `ApiCall`s in JSON 1.0 (`AmazonSQS.*`), and in-process calls of the resource handler and of event
sources through `catalog`. Output: AWS's answers. Durable in `state/sqs.db`.
Refuses by name every operation that is not carried: queues are made, changed and deleted by CloudFormation stacks here
(CreateQueue, SetQueueAttributes, DeleteQueue, AddPermission …), and message move tasks. Not as on AWS: numbers of
messages are exact, and messages in flight are not limited (AWS: 120,000).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiResponse
from klotho.localcloud.services.sqs.catalog import Catalog
from klotho.localcloud.services.sqs.errors import SqsError
from klotho.localcloud.services.sqs.operations import (
    MAX_VISIBILITY_S,
    OPERATIONS,
    admit,
    queue_of,
    shown_message,
    whole,
)

_CONTENT_TYPE = "application/x-amz-json-1.0"
_RECEIVE = (
    "QueueUrl", "AttributeNames", "MessageSystemAttributeNames", "MessageAttributeNames", "MaxNumberOfMessages",
    "VisibilityTimeout", "WaitTimeSeconds",
)  # fmt: skip
_UPKEEP_S = 30.0
_LOOK_S = 20.0
"""The longest a ReceiveMessage waits. AWS: "WaitTimeSeconds … 0 to 20"."""


class Sqs:
    """The service: `call` for requests, `catalog` for the resource handler and event sources."""

    name = "sqs"

    def __init__(
        self, state: Path, region: str, account: str, endpoint_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        """`state`: the local cloud's folder. `clock`: seconds since 1970, for tests of what takes days."""
        self.catalog = Catalog(state / "sqs.db", region, account, endpoint_url, clock)
        self._upkeep: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin the upkeep: messages whose retention is over."""
        self._upkeep = asyncio.get_running_loop().create_task(self._expire(), name="sqs upkeep")

    async def stop(self) -> None:
        """End the upkeep and close the file; what was acknowledged is stored already."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._upkeep
        self.catalog.close()

    async def call(self, call: ApiCall) -> ApiResponse:
        try:
            answer = await self._answer(call.action, wire.parameters(call.body), call.caller.access_key)
        except SqsError as error:
            return _refusal(error)
        return ApiResponse(200, orjson.dumps(answer), {"content-type": _CONTENT_TYPE})

    async def _answer(self, action: str, request: dict[str, Any], sender: str) -> dict[str, Any]:
        present = {name: value for name, value in request.items() if value is not None}
        if action == "ReceiveMessage":
            return await self._receive(present)
        operation = OPERATIONS.get(action)
        if operation is None:
            raise wire.not_carried("sqs", action or "(none)")
        return operation(self.catalog, present, sender)

    async def _receive(self, request: dict[str, Any]) -> dict[str, Any]:
        admit(request, *_RECEIVE)
        queue = queue_of(self.catalog, request)
        limit = whole(request, "MaxNumberOfMessages", 1, 10) or 1
        visibility = whole(request, "VisibilityTimeout", 0, MAX_VISIBILITY_S)
        wait = whole(request, "WaitTimeSeconds", 0, int(_LOOK_S))
        deadline = time.monotonic() + (queue.definition.wait if wait is None else wait)
        names = [str(name) for name in request.get("MessageAttributeNames") or ()]
        system = frozenset(
            str(name) for key in ("AttributeNames", "MessageSystemAttributeNames") for name in request.get(key) or ()
        )
        while True:
            found = self.catalog.receive(queue, limit, visibility)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return {"Messages": [shown_message(item, system, names) for item in found]} if found else {}
            await self.catalog.wait(queue, left)
            self.catalog.queue(queue.name)  # deleted meanwhile: QueueDoesNotExist

    async def _expire(self) -> None:
        while True:
            self.catalog.expire()
            await asyncio.sleep(_UPKEEP_S)


def _refusal(error: SqsError) -> ApiResponse:
    body = orjson.dumps({"__type": f"com.amazonaws.sqs#{error.code}", "message": error.message})
    fault = "Sender" if error.status < 500 else "Receiver"
    headers = {"content-type": _CONTENT_TYPE, "x-amzn-query-error": f"{error.query_code};{fault}"}
    return ApiResponse(error.status, body, headers)
