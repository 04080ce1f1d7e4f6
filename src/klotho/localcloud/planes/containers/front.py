"""A stable loopback port in front of a service's processes: what Service Connect and Cloud Map are on AWS.

Input: connections to the front's port. Output: the same bytes to and from one of the ready processes, in turn.
Refuses: a connection is closed at once while no process is ready. It forwards TCP, so that HTTP/1, HTTP/2 (gRPC) and
WebSockets pass alike.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from klotho.localcloud.planes.sockets import holder_of

HIGH_WATER = 256 * 1024
"""Bytes buffered for a slow reader before its peer is paused."""


class PortInUseError(Exception):
    """Someone else listens on a port that is ours by the project's state."""


class Front:
    """One listening port; `pick` names the process port for the next connection, None when there is none."""

    def __init__(self, port: int, pick: Callable[[], int | None]) -> None:
        self.port = port
        self.pick = pick
        self._server: asyncio.Server | None = None
        self._pipes: set[_Pipe] = set()

    async def open(self) -> None:
        """Listen; `PortInUseError` names who holds the port."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._accepted, "127.0.0.1", self.port)
        except OSError as error:
            holder = holder_of(self.port) or "another program"
            raise PortInUseError(f"port {self.port} is in use by {holder}") from error

    async def close(self) -> None:
        """Stop listening and end all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for pipe in list(self._pipes):
            pipe.close()
        if server is not None:
            await server.wait_closed()

    def connections_to(self, port: int) -> int:
        """Open connections that lead to this process."""
        return sum(1 for pipe in self._pipes if pipe.target == port)

    def _accepted(self) -> asyncio.Protocol:
        return _Pipe(self)


class _Pipe(asyncio.Protocol):
    """One direction of a connection: what it receives goes to `peer`."""

    def __init__(self, front: Front, peer: _Pipe | None = None) -> None:
        self._front = front
        self.peer = peer
        self.target: int | None = None
        self.transport: asyncio.Transport | None = None
        self.ended = False
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        if self.peer is not None:
            return
        self.target = self._front.pick()
        self._front._pipes.add(self)
        if self.target is None:
            transport.abort()
            return
        # Nothing is read until the way on is open, so that nothing has to be kept.
        transport.pause_reading()
        task = asyncio.ensure_future(self._connect(self.target))
        task.add_done_callback(lambda done: done.exception() if not done.cancelled() else None)

    async def _connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        assert self.transport is not None
        try:
            _, behind = await loop.create_connection(lambda: _Pipe(self._front, self), "127.0.0.1", port)
        except OSError:
            self.transport.abort()
            return
        self.peer = behind
        if self.transport.is_closing():
            behind.close()
            return
        for data in self._early:
            self.data_received(data)
        self._early.clear()
        if self.ended:
            self.eof_received()
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.peer is None and self.transport is not None:
            # uvloop begins to read after `connection_made`, whatever that asked for: keep what came, read no more.
            self._early.append(data)
            self.transport.pause_reading()
        elif self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def eof_received(self) -> bool:
        """One side is done sending: pass that on, and keep the other direction open until it is done, too."""
        self.ended = True
        if self.peer is not None and self.peer.ended:
            return False
        if self.peer is not None and self.peer.transport is not None and self.peer.transport.can_write_eof():
            with contextlib.suppress(OSError, RuntimeError):  # closed meanwhile
                self.peer.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None and not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._front._pipes.discard(self)
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.close()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.close()
