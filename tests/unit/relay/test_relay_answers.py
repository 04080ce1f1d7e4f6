"""The function that asks a container: what it says, and what it makes of each answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from klotho.relay import handler as relay
from klotho.runtime.errors import AwsError

EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "GET /orders/{id}",
    "rawPath": "/orders/é 7",
    "rawQueryString": "a=1",
    "cookies": ["a=1", "b=2"],
    "headers": {
        "Authorization": "Bearer t",
        "host": "api.example",
        "content-length": "3",
        "transfer-encoding": "chunked",
        "accept-encoding": "gzip",
        "if-none-match": "*",
        "x-forwarded-for": "10.0.0.1",
        "X-Forwarded-Uri": "/free",
        "X_Forwarded_Method": "OPTIONS",
        "x-klotho-caller": "jwt",
        "x-odd": "one\r\nx-forged: two",
    },
    "requestContext": {
        "domainName": "api.example",
        "requestId": "r1",
        "http": {"method": "GET", "sourceIp": "1.2.3.4"},
    },
}
Start = Callable[..., str]


class Found:
    """Cloud Map, with these instances in turn."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.forgotten = 0

    def one(self, namespace: str, service: str) -> str:
        if not self.addresses:
            raise AwsError("servicediscovery", "NoInstances", f"{service}.{namespace} has no healthy instance")
        return self.addresses.pop(0)

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def server() -> Iterator[Start]:
    """Answers one question with these bytes, piece by piece; where it listens. `heard` gets what was asked."""
    listeners = []

    def start(*pieces: bytes, pause: float = 0.0, heard: list[str] | None = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += connection.recv(65536)
                if heard is not None:
                    heard.extend(asked.decode("latin-1").split("\r\n"))
                for piece in pieces:
                    time.sleep(pause)
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return

        threading.Thread(target=answer, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def ask(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> dict[str, Any]:
    found = Found(*addresses)
    monkeypatch.setattr(relay, "instances", found)
    monkeypatch.setenv(relay.VARIABLE, json.dumps({"namespace": "n", "service": "gate", "path": "/authorize"}))
    return relay.handler(EVENT, None)


def response(status: str, body: bytes = b"", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response("200 OK", b'{"user": "ada"}'), {"isAuthorized": True, "context": {"user": "ada"}}),
        (response("200 OK", b"fine"), {"isAuthorized": True}),
        (response("200 OK", b'["ada"]'), {"isAuthorized": True}),
        (response("200 OK", b"[" * 60000), {"isAuthorized": True}),
        (response("204 No Content"), {"isAuthorized": True}),
        (b"HTTP/1.0 202 Accepted\r\n\r\n" + b'{"user": "ada"}', {"isAuthorized": True, "context": {"user": "ada"}}),
        (response("401 Unauthorized", b'{"user": "ada"}'), {"isAuthorized": False}),
        (response("403 Forbidden"), {"isAuthorized": False}),
    ],
)
def test_an_answer_is_handed_back(
    monkeypatch: pytest.MonkeyPatch, server: Start, answer: bytes, said: dict[str, Any]
) -> None:
    assert ask(monkeypatch, server(answer)) == said


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response("302 Found", more="location: /login\r\n"), "answered 302 at /authorize"),
        (response("304 Not Modified"), "answered 304"),
        (response("404 Not Found"), "answered 404"),
        (response("503 Slow Down"), "answered 503"),
        (response("200 OK", b"x" * 70000), "with more than 65536 bytes"),
        (b"hello\r\n\r\n", "did not answer"),
        (b"", "did not answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "did not answer"),
    ],
)
def test_what_is_no_answer_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, server: Start, answer: bytes, why: str
) -> None:
    with pytest.raises(relay.RelayError, match=why):
        ask(monkeypatch, server(answer))


def test_one_that_is_silent_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch, server: Start) -> None:
    monkeypatch.setattr(relay, "PATIENCE_S", 0.2)
    started = time.monotonic()
    with pytest.raises(relay.RelayError, match="did not answer /authorize: TimeoutError"):
        ask(monkeypatch, server(response("200 OK"), pause=1.0))
    assert time.monotonic() - started < 0.9


def test_another_task_is_asked_when_one_is_gone_and_nobody_else_after_it(
    monkeypatch: pytest.MonkeyPatch, server: Start
) -> None:
    assert ask(monkeypatch, "127.0.0.1:1", server(response("200 OK")))["isAuthorized"] is True
    with pytest.raises(relay.RelayError, match=r"can't be reached at 127\.0\.0\.1:1"):
        ask(monkeypatch, "127.0.0.1:1", "127.0.0.1:1", "never.asked.example:1")
    with pytest.raises(relay.RelayError, match="gate can't be found"):
        ask(monkeypatch)


def test_the_container_hears_of_the_request_what_the_api_says(monkeypatch: pytest.MonkeyPatch, server: Start) -> None:
    heard: list[str] = []
    ask(monkeypatch, server(response("200 OK"), heard=heard))
    assert heard[0] == "GET /authorize HTTP/1.1"
    told = dict(line.split(": ", 1) for line in heard[1:] if line)
    assert told["authorization"] == "Bearer t" and told["cookie"] == "a=1; b=2"
    assert told["x-forwarded-uri"].encode("latin-1").decode() == "/orders/é 7?a=1"
    assert (told["x-forwarded-method"], told["x-forwarded-host"]) == ("GET", "api.example")
    assert (told["x-forwarded-proto"], told["x-forwarded-for"]) == ("https", "1.2.3.4")
    assert (told["x-klotho-route"], told["x-klotho-request"]) == ("GET /orders/{id}", "r1")
    assert told["x-odd"] == "one  x-forged: two"
    assert (
        not {
            "content-length",
            "transfer-encoding",
            "if-none-match",
            "x-klotho-caller",
            "x-forged",
            "x_forwarded_method",
        }
        & told.keys()
    )
