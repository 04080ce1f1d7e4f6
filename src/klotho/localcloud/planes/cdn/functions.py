"""CloudFront functions, run for real by Node.js.

Input: a function's code and an event of CloudFront's shape. Output: the request or response its handler gives. Refuses,
as `FunctionError`, code that does not parse or has no handler, a handler that raises or does not end, and a machine
without Node.js. One process runs the functions of all distributions; it starts with the first one and again when it
ended.

What differs from AWS: a function may take 500 ms (there a fraction of a millisecond), and `import` is refused.
Source: Amazon CloudFront Developer Guide, "Write function code" and "CloudFront Functions event structure".
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud.planes.functions.runtimes import RuntimeUnavailableError, node_executable
from klotho.localcloud.planes.processes import Child, ProcessError

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

PATIENCE_S = 10.0
"""Also of a machine that is very busy."""
_LOG_GROUP = "/aws/cloudfront/function"
_LINE_LIMIT = 4 * 1024 * 1024


def log_group(function: str) -> str:
    """Where a function's lines go, as on AWS."""
    return f"{_LOG_GROUP}/{function}"


class FunctionError(Exception):
    """The function gave no result; the text says why."""


class Functions:
    """The process, and what is asked of it. Used from the supervisor's event loop only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._child: Child | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self._starting = asyncio.Lock()

    async def check(self, name: str, code: str) -> None:
        """FunctionError for code that can't be run."""
        await self._ask({"name": name, "code": code})

    async def run(self, name: str, code: str, event: dict[str, Any]) -> dict[str, Any]:
        """What the handler returns."""
        answer = await self._ask({"name": name, "code": code, "event": event})
        result = answer.get("result")
        if not isinstance(result, dict):
            raise FunctionError("the handler returned neither a request nor a response")
        return result

    async def stop(self) -> None:
        child, self._child = self._child, None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if child is not None:
            await child.stop()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        async with self._starting:
            writer = await self._running()
        self._count += 1
        number = self._count
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            writer.write(orjson.dumps({"id": number, **question}) + b"\n")
            answer: dict[str, Any] = await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError:
            await self.stop()  # it hangs: the next request gets a fresh one
            raise FunctionError(f"the function did not answer in {PATIENCE_S:g} s") from None
        finally:
            self._asked.pop(number, None)
        for line in answer.get("logs") or ():
            self._cloud.logs.write(log_group(question["name"]), "local", str(line))
        if answer.get("error") is not None:
            raise FunctionError(str(answer["error"]))
        return answer

    async def _running(self) -> asyncio.StreamWriter:
        if self._child is not None and self._child.returncode is None and self._writer is not None:
            return self._writer
        await self.stop()
        ours, theirs = socket.socketpair()
        try:
            node = node_executable()
            script = str(Path(__file__).with_name("viewer.mjs"))
            self._child = await Child.start(
                self._cloud,
                [node, script, str(theirs.fileno())],
                env={"PATH": str(Path(node).parent)},
                log_group=_LOG_GROUP,
                log_stream="runner",
                pass_fds=[theirs.fileno()],
            )
        except (RuntimeUnavailableError, ProcessError) as error:
            ours.close()
            raise FunctionError(str(error)) from error
        finally:
            theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
        self._reading = asyncio.create_task(self._read(reader))
        return self._writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                answer = orjson.loads(line)
                future = self._asked.get(answer["id"])
                if future is not None and not future.done():
                    future.set_result(answer)
        for future in self._asked.values():
            if not future.done():
                future.set_exception(FunctionError("the process that runs functions ended"))
