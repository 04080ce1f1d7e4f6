"""The supervisor runs on uvloop, whose transports begin to read at once: a front must lose nothing of that."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from klotho.localcloud.planes.containers.front import Front

pytestmark = pytest.mark.localcloud


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.write(b"|end")
    writer.close()


async def through_a_front(payload: bytes) -> bytes:
    behind = await asyncio.start_server(echo, "127.0.0.1", 0)
    front = Front(0, lambda: behind.sockets[0].getsockname()[1])
    await front.open()
    assert front._server is not None
    port = front._server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(payload)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await front.close()
    behind.close()
    return answer


@pytest.mark.parametrize("size", [1, 1000, 3_000_000])
@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_is_sent_right_after_connecting_arrives(factory: object, size: int) -> None:
    payload = b"x" * size
    with asyncio.Runner(loop_factory=factory) as runner:  # type: ignore[arg-type]
        for _ in range(20 if size < 10_000 else 2):
            assert runner.run(through_a_front(payload)) == payload + b"|end"
