"""Requests are recorded as they can be sent again, and sent again they are the same."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.driver.recorded_requests import as_data, recorded
from klotho.driver.verifying import Request, differences, read_requests


class Counter(BaseHTTPRequestHandler):
    """Counts the visits of a session; says what it was sent."""

    def do_GET(self) -> None:
        visits = int((self.headers.get("cookie") or "visits=0").rpartition("visits=")[2]) + 1
        self._say(b"%d" % visits, ("set-cookie", f"visits={visits}; Path=/"))

    def do_POST(self) -> None:
        self._say(self.rfile.read(int(self.headers["content-length"])), ("x-kind", self.headers["content-type"]))

    def _say(self, body: bytes, header: tuple[str, str]) -> None:
        self.send_response(200)
        self.send_header(*header)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def original() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def asked(address: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_what_is_recorded_is_answered_and_can_be_sent_again(original: str, tmp_path: Path) -> None:
    told: list[str] = []
    file = tmp_path / "requests.json"
    with recorded(original, file, lambda request, status: told.append(f"{request.path} {status}")) as (address, _):
        assert asked(address, "GET", "/?page=1", user_agent="Browser", sec_fetch_mode="cors") == (200, b"1")
        assert asked(address, "POST", "/json", b'{"name": "Rex"}', content_type="application/json")[1] == (
            b'{"name": "Rex"}'
        )
        asked(address, "POST", "/image", b"\xff\x00", content_type="image/png")
    assert told == ["/?page=1 200", "/json 200", "/image 200"]
    assert json.loads(file.read_text()) == [
        {"method": "GET", "path": "/?page=1"},
        {
            "method": "POST",
            "path": "/json",
            "headers": {"content-type": "application/json"},
            "body": {"name": "Rex"},
        },
        {"method": "POST", "path": "/image", "headers": {"content-type": "image/png"}, "base64": "/wA="},
    ]
    assert file.stat().st_mode & 0o077 == 0
    assert differences(read_requests(file), original, original) == []


def test_cookies_that_each_side_gave_are_sent_back_to_it(original: str) -> None:
    visit = Request("GET", "/")
    with recorded(original, Path("/dev/null/nothing"), lambda *_: None):
        pass  # nothing was asked, so nothing is written
    assert differences([visit, visit, visit], original, original) == []


def test_who_names_another_host_or_wants_a_socket_is_refused(original: str, tmp_path: Path) -> None:
    with recorded(original, tmp_path / "r.json", lambda *_: None) as (address, recording):
        assert asked(address, "GET", "/", host="evil.example")[0] == 421
        assert asked(address, "GET", "/", upgrade="websocket", connection="upgrade")[0] == 501
        assert asked(address, "POST", "/", None, content_length="99999999999")[0] == 413
        assert recording.requests == []
    assert not (tmp_path / "r.json").exists()


def test_an_original_that_does_not_answer_is_told_to_the_caller(tmp_path: Path) -> None:
    with recorded("http://127.0.0.1:1", tmp_path / "r.json", lambda *_: None) as (address, _):
        status, said = asked(address, "GET", "/")
    assert status == 502
    assert b"was not answered" in said


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | st.from_type(int).map(lambda n: b"[%d]" % n),
    st.sampled_from([{}, {"content-type": "application/json"}, {"content-type": "text/plain", "x-tenant": "a"}]),
)
def test_every_request_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, method: str, body: bytes, headers: dict[str, str]
) -> None:
    request = Request(method, "/x", headers, body)
    file = tmp_path_factory.getbasetemp() / "requests.json"
    file.write_text(json.dumps([as_data(request)]))
    assert read_requests(file) == [request]


def test_json_too_deep_to_be_read_is_kept_as_text() -> None:
    deep = b"[" * 100_000
    assert as_data(Request("POST", "/", {"content-type": "application/json"}, deep))["body"] == deep.decode()
