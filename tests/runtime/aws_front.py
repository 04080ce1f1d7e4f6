"""A stand-in for AWS on 127.0.0.1: checks every signature with botocore's signer, then hands over to moto.

Lambda is answered here (moto needs Docker for it) and failures can be scheduled: `front.faults.append(...)`.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
)

Invocation = Callable[[str, bytes], tuple[dict[str, str], bytes]]


def shop_answer(event: dict[str, Any]) -> dict[str, object]:
    """What a container on Lambda answers, which repeats what it was asked."""
    keys = ("rawPath", "rawQueryString", "cookies", "body", "isBase64Encoded")
    said = {key: event.get(key) for key in keys} | {"method": event["requestContext"]["http"]["method"]}
    headers = {"content-type": "application/json", "x-shop": "open", "content-length": "7"}
    return {"statusCode": 201, "headers": headers, "cookies": ["a=1", "b=2"], "body": json.dumps(said)}


class Front(ThreadingHTTPServer):
    """`keys` maps access keys to (secret, session token); `calls` lists what was asked, in order."""

    daemon_threads = True

    def __init__(self, moto_port: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.moto_port = moto_port
        self.keys: dict[str, tuple[str, str | None]] = {}
        self.calls: list[str] = []
        self.connections = 0
        self.faults: list[tuple[int, str] | str] = []
        """Each is used once: (status, code), `drop` (close after reading) or `slow` (three seconds)."""
        self.credentials: list[dict[str, object]] = []
        self.invocations: list[tuple[str, str, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self):  # type: ignore[no-untyped-def]
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hanging up is what some tests are about; nothing to print."""


class Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY: header and body are two writes

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Bearer container":
            return self.answer(401, b"{}")
        answers = self.server.credentials
        self.server.calls.append("credentials")
        if not answers:
            return self.answer(500, b"{}")
        return self.answer(200, json.dumps(answers.pop(0) if len(answers) > 1 else answers[0]).encode())

    def do_PUT(self) -> None:
        """What tests in another process need: schedule faults, see the calls, start afresh."""
        value = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        if self.path == "/control/faults":
            self.server.faults[:] = [tuple(fault) if isinstance(fault, list) else fault for fault in value]
        elif self.path == "/control/reset":
            self.server.calls.clear()
            self.server.faults.clear()
        self.answer(200, json.dumps(self.server.calls).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        action = self.headers.get("X-Amz-Target", self.path).rpartition(".")[2]
        self.server.calls.append(action)
        problem = self.problem_with_signature(body)
        if problem:
            return self.error(403, "InvalidSignatureException", problem)
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "drop":
            self.close_connection = True
            return None
        if fault == "slow":
            time.sleep(1.0)
        elif isinstance(fault, tuple):
            return self.error(*fault, "scheduled by the test")
        if "/functions/" in self.path:
            return self.invoke(body)
        return self.forward(body)

    def problem_with_signature(self, body: bytes) -> str:
        match = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        if not match:
            return "no signature"
        access_key, _, region, service, signed, signature = match.groups()
        if access_key not in self.server.keys:
            return f"unknown key {access_key}"
        secret, token = self.server.keys[access_key]
        if self.headers.get("X-Amz-Security-Token") != token or (token and "x-amz-security-token" not in signed):
            return "wrong session token"
        headers = {name: self.headers[name] for name in signed.split(";")}
        request = AWSRequest(self.command, f"http://{self.headers['Host']}{self.path}", headers, body)
        signer = SigV4Auth(Credentials(access_key, secret), service, region)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        request.context["payload_hash"] = hashlib.sha256(body).hexdigest()
        expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        return "" if expected == signature else "the signature does not match"

    def invoke(self, body: bytes) -> None:
        name = unquote(self.path.split("/")[3]).rpartition(":")[2]
        kind = self.headers["X-Amz-Invocation-Type"]
        payload = json.loads(body)
        self.server.invocations.append((name, kind, payload))
        if kind == "Event":
            return self.answer(202, b"")
        if name == "missing":
            return self.error(404, "ResourceNotFoundException", "Function not found")
        if name == "broken":
            failure = {"errorMessage": "no such order", "errorType": "KeyError", "stackTrace": ["line 1", "line 2"]}
            return self.answer(200, json.dumps(failure).encode(), {"X-Amz-Function-Error": "Unhandled"})
        if name == "shop":
            return self.answer(200, json.dumps(shop_answer(payload)).encode())
        return self.answer(200, json.dumps({"got": payload}).encode())

    def forward(self, body: bytes) -> None:
        backend = http.client.HTTPConnection("127.0.0.1", self.server.moto_port, timeout=30)
        try:
            backend.request("POST", self.path, body, dict(self.headers))
            answer = backend.getresponse()
            self.answer(answer.status, answer.read())
        finally:
            backend.close()

    def error(self, status: int, code: str, message: str) -> None:
        self.answer(status, json.dumps({"__type": f"com.amazon.coral#{code}", "message": message}).encode())

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def serve(moto_port: int, tls: ssl.SSLContext | None = None) -> Front:
    """A front that is running; stop it with `shutdown` and `server_close`."""
    front = Front(moto_port)
    if tls is not None:
        # The handshake belongs to the connection's own thread: a client that refuses must not hold up the others.
        front.socket = tls.wrap_socket(front.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
    return front
