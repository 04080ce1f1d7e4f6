"""`klotho verify --record`: the requests that somebody makes of the original, for a file that can be sent again.

Input: the original's address. Output: an address of this machine that hands everything on to it, and after each answer
the file, whole. A browser's own headers and cookies are left out: sending again keeps the cookies it is given. Refuses
callers that name another host than this machine (DNS rebinding) and upgrades to other protocols (501).
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from klotho.diagnostics import Failure
from klotho.driver.verifying import Request, send

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding")
)
"""RFC 9110, section 7.6.1: about one connection only."""
_OF_THE_CALLER = frozenset(("host", "content-length", "user-agent", "accept-encoding", "accept-language", "cookie"))
_OF_BROWSERS = ("sec-", "priority", "dnt", "upgrade-insecure-requests", "cache-control", "pragma", "origin", "referer")
_LONGEST = 50 * 2**20
"""Of a body, in bytes: more than any API takes."""


class Recording:
    """What was recorded so far; the file is complete after each request."""

    def __init__(self, into: Path) -> None:
        self._into, self._lock = into, threading.Lock()
        self.requests: list[dict[str, Any]] = []

    def add(self, request: Request) -> None:
        with self._lock:
            self.requests.append(as_data(request))
            text = json.dumps(self.requests, indent=2, ensure_ascii=False) + "\n"
            # Credentials may be among the headers: nobody else on this machine may read it.
            draft = self._into.with_name(f".{self._into.name}.part")
            draft.touch(0o600)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._into)

    @property
    def credentials(self) -> bool:
        """Whether a header is among it that says who somebody is."""
        return any("authorization" in item.get("headers", {}) for item in self.requests)


def as_data(request: Request) -> dict[str, Any]:
    """As `read_requests` reads it: a body of JSON as such, text as text, others in Base64."""
    data: dict[str, Any] = {"method": request.method, "path": request.path}
    headers = {name: value for name, value in request.headers.items() if _kept(name)}
    body: object = None
    try:
        text = request.body.decode()
        body = text or None
        # Only what is sent again byte for byte the same is written as JSON.
        if headers.get("content-type") == "application/json" and json.dumps(json.loads(text)).encode() == request.body:
            body = json.loads(text)
            body = text if isinstance(body, str) else body
    except UnicodeDecodeError:
        data["base64"] = base64.b64encode(request.body).decode()
    except (ValueError, RecursionError):
        pass  # it calls itself JSON and is none, or none that can be read: that, too, is sent again as it is
    if headers:
        data["headers"] = headers
    return data if body is None else {**data, "body": body}


def _kept(name: str) -> bool:
    return name not in _HOP_BY_HOP | _OF_THE_CALLER and not name.startswith(_OF_BROWSERS)


@contextlib.contextmanager
def recorded(original: str, into: Path, told: Callable[[Request, int], None]) -> Iterator[tuple[str, Recording]]:
    """The address that records, until the block ends. `told`: called with each request and its status."""
    recording = Recording(into)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            refused = _refused(self.headers)
            if refused is not None:
                self._say(refused[0], {"content-type": "text/plain"}, refused[1].encode(), True)
                return
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length) if length else b""
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = {name: value for name, value in headers.items() if name not in {*_HOP_BY_HOP, "content-length"}}
            request = Request(self.command, self.path, sent, body)
            try:
                answer = send(original, request)
            except Failure as error:
                self._say(502, {"content-type": "text/plain"}, f"{error}\n".encode(), True)
                return
            self._say(answer.status, answer.headers, answer.body, False, answer.cookies)
            recording.add(request)
            told(request, answer.status)

        def _say(
            self, status: int, headers: Mapping[str, str], body: bytes, last: bool, cookies: tuple[str, ...] = ()
        ) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name not in {*_HOP_BY_HOP, "content-length", "set-cookie"}:
                    self.send_header(name, value)
            for cookie in cookies:
                self.send_header("set-cookie", cookie)
            self.send_header("content-length", str(len(body)))
            if last:
                self.send_header("connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            """Requests are told by `told`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", recording
    finally:
        server.shutdown()
        server.server_close()


def _refused(headers: Message) -> tuple[int, str] | None:
    """Status and words for what is not handed on."""
    if urlsplit(f"//{headers.get('host', '')}").hostname not in ("127.0.0.1", "localhost"):
        return 421, "this address records requests of this machine only\n"
    if "upgrade" in headers:
        return 501, "only plain HTTP requests are recorded, no WebSockets\n"
    if "transfer-encoding" in headers:
        return 411, "say content-length: bodies of unknown length are not recorded\n"
    length = headers.get("content-length") or "0"
    if not length.isdecimal() or int(length) > _LONGEST:
        return 413, f"bodies of up to {_LONGEST // 2**20} MB are recorded\n"
    return None
