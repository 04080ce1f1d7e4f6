"""A port of this machine that leads to another address, until it is stopped.

Input: a port (0: one that is free), an address. Output: the port, while the block runs. Failure (`local-port-taken`)
when somebody else listens there. Bound to loopback only.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from klotho.diagnostics import Failure

_CHUNK = 65536


@contextlib.contextmanager
def forwarded(port: int, host: str, to: int) -> Iterator[int]:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise Failure(
            "local-port-taken",
            f"port {port} can't be listened on: {(error.strerror or str(error)).lower()}",
            helps=("choose another one: `--port N`",),
        ) from error
    listener.listen()
    threading.Thread(target=_accept, args=(listener, host, to), daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Closing alone would not wake the thread that waits in accept.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(listener: socket.socket, host: str, to: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:  # closed
            return
        try:
            far = socket.create_connection((host, to), timeout=10)
            far.settimeout(None)
        except OSError:  # whoever connected sees a connection that ends
            near.close()
            continue
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
