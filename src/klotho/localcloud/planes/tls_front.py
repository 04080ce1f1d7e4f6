"""TLS in front of a database server that was built without: connections are decrypted here and handed on.

Input: the port clients know, the server's own, a context with a certificate. Output: a listener on 127.0.0.1 that takes
no connection without TLS, as RDS and ElastiCache take none. Refuses, as `OSError`, a port somebody else holds.

The servers that Python packages bring (PostgreSQL, Redis) have no TLS; their own ports are told to nobody and want a
password. Negotiation of PostgreSQL: PostgreSQL documentation, "Message Flow", "SSL Session Encryption"; without TLS it
answers what RDS with `rds.force_ssl` answers. Direct TLS (`sslnegotiation=direct`) is not carried.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from typing import Any

HOST = "127.0.0.1"
_BLOCK = 256 * 1024
_HANDSHAKE_S = 10.0
_CANCEL, _TLS, _GSSAPI = 80877102, 80877103, 80877104
"""What a client of PostgreSQL may ask for before it says who it is."""
_LONGEST_STARTUP = 10_000

Opening = Callable[["asyncio.StreamReader", "asyncio.StreamWriter", ssl.SSLContext, int], Awaitable[bool]]
"""Gets a plain connection to where TLS is spoken on it; False when the connection ends there. The last one is the
server's own port."""


Ends = tuple["asyncio.StreamReader", "asyncio.StreamWriter"]
Introduction = Callable[[Ends, Ends], Awaitable[bool]]
"""Talks to the client and to the server before what they say is passed on; False when the connection ends there."""


class TlsFront:
    """One listener."""

    def __init__(
        self,
        port: int,
        inner: int,
        context: ssl.SSLContext,
        opening: Opening | None = None,
        introduction: Introduction | None = None,
    ) -> None:
        """`opening`: for protocols that begin without TLS; None where TLS comes first."""
        self._introduction = introduction
        self._port, self._inner = port, inner
        self._context, self._opening = context, opening
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await _elsewhere(self._start())

    async def stop(self) -> None:
        """Close the listener and what is open. Idempotent."""
        await _elsewhere(self._stop())

    async def _start(self) -> None:
        first = self._context if self._opening is None else None
        patience = _HANDSHAKE_S if first else None
        self._server = await asyncio.start_server(
            self._serve, HOST, self._port, ssl=first, ssl_handshake_timeout=patience, limit=_BLOCK
        )

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.TimeoutError):
                await self._join(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._opening is not None and not await self._opening(reader, writer, self._context, self._inner):
            return
        near_reader, near_writer = await asyncio.open_connection(HOST, self._inner, limit=_BLOCK)
        try:
            ends = ((reader, writer), (near_reader, near_writer))
            if self._introduction is not None and not await self._introduction(*ends):
                return
            ways = (_pass_on(reader, near_writer), _pass_on(near_reader, writer))
            await asyncio.gather(*ways)
        finally:
            near_writer.close()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A thread of its own: what the supervisor does meanwhile holds up no database, and the other way round."""
    try:
        import uvloop
    except ImportError:  # not on Windows
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    # A handshake that fails is the client's matter, and no line in our log.
    loop.set_exception_handler(lambda loop, context: None)
    threading.Thread(target=loop.run_forever, name="tls-fronts", daemon=True).start()
    return loop


async def _elsewhere(work: Coroutine[Any, Any, None]) -> None:
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything of one direction; its end ends the other one."""
    try:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def open_postgres(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, inner: int
) -> bool:
    """PostgreSQL's way to TLS: the client asks, and begins when it is told `S`."""
    while True:
        head = await asyncio.wait_for(reader.readexactly(8), _HANDSHAKE_S)
        length, code = struct.unpack("!ii", head)
        if code == _TLS:
            writer.write(b"S")
            await writer.start_tls(context, ssl_handshake_timeout=_HANDSHAKE_S)
            return True
        if code == _GSSAPI:
            writer.write(b"N")
            continue
        if not 8 <= length <= _LONGEST_STARTUP:
            return False
        rest = await asyncio.wait_for(reader.readexactly(length - 8), _HANDSHAKE_S)
        if code == _CANCEL:
            await _cancel(head + rest, inner)
        else:
            writer.write(_refusal(rest))
            await writer.drain()
        return False


async def _cancel(request: bytes, inner: int) -> None:
    """Clients before libpq 17 cancel on a plain connection; the request is a number only the session's owner knows."""
    reader, writer = await asyncio.open_connection(HOST, inner)
    writer.write(request)
    await reader.read()
    writer.close()


def _refusal(startup: bytes) -> bytes:
    """The server's error for who comes without TLS."""
    words = startup.split(b"\0")
    said = dict(zip(words[::2], words[1::2], strict=False))
    user = said.get(b"user", b"").decode(errors="replace")
    database = said.get(b"database", b"").decode(errors="replace") or user
    why = f'no pg_hba.conf entry for host "{HOST}", user "{user}", database "{database}", no encryption'
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", "28000"), ("M", why))
    body = b"".join(f"{name}{value}\0".encode() for name, value in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
