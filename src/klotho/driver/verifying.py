"""`klotho verify`: whether the compiled application answers as the original does.

Input: annotated code that is up in an environment, and requests. The original runs on this machine as it is, in
a copy of its folder, with `PORT` set. Each request is sent to both, in order; differences are those of status, body and
the headers that matter. Refuses an original that does not start or listen, and a file that holds no requests.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from klotho.annotations.findings import Original
from klotho.deploy.functions.run import uv
from klotho.diagnostics import Failure

HEADERS = ("content-type", "location", "etag", "cache-control", "set-cookie", "x-powered-by", "vary", "allow")
"""Those that are compared; others are the gateway's own or differ between two runs of one program."""
SECONDS_TO_LISTEN = 20
_SECONDS_TO_ANSWER = 30
_NODE = "install Node.js 20 or newer, which has `npm`"
_INSTALL: Mapping[str, str] = {
    "dotnet": "install the .NET SDK (dotnet.microsoft.com/download), so that `dotnet` is on PATH",
    "go": "install Go (https://go.dev/dl), so that `go` is on PATH",
    "node": _NODE,
    "npm": _NODE,
}
"""What to do where a program that an original needs is not there."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """Every `set-cookie`, of which a mapping holds one."""


@dataclass(frozen=True, slots=True)
class Difference:
    request: Request
    what: str
    """`status`, `body`, or a header's name."""
    original: str
    compiled: str


def read_requests(path: Path) -> list[Request]:
    """A JSON list of `{"method", "path", "headers", "body"}`. A body that is no text is sent as JSON; `base64` says one
    of any bytes."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [_request(item) for item in data]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Failure(
            "requests-unreadable",
            f"`{path.name}` holds no requests: {error}",
            helps=('write a list such as [{"method": "GET", "path": "/"}], and name it with --requests FILE',),
        ) from error


def _request(item: Mapping[str, Any]) -> Request:
    headers = {str(name).lower(): str(value) for name, value in item.get("headers", {}).items()}
    body = item.get("body", "")
    if not isinstance(body, str):
        body = json.dumps(body)
        headers.setdefault("content-type", "application/json")
    content = base64.b64decode(item["base64"], validate=True) if "base64" in item else body.encode()
    return Request(str(item.get("method", "GET")).upper(), str(item["path"]), headers, content)


def differences(
    requests: Sequence[Request], original: str, compiled: str, random: Sequence[str] = ()
) -> list[Difference]:
    """Send each request to both addresses, one after the other, with the cookies that each has given. `random`:
    patterns of what is another in each answer."""
    found: list[Difference] = []
    jars: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for request in requests:
        one, other = _asked(original, request, jars[0]), _asked(compiled, request, jars[1])
        if one.status != other.status:
            found.append(Difference(request, "status", str(one.status), str(other.status)))
        mine, theirs = _relative(_shown(one.body), original), _relative(_shown(other.body), compiled)
        if _without(random, mine) != _without(random, theirs):
            found.append(Difference(request, "body", _shown(one.body), _shown(other.body)))
        for name in HEADERS:
            if name == "content-type" and not one.body and name not in one.headers:
                continue  # API Gateway gives one to every answer, also to those without a body
            given = one.headers.get(name), other.headers.get(name)
            if _header(name, given[0], original, random) != _header(name, given[1], compiled, random):
                found.append(Difference(request, name, str(given[0]), str(given[1])))
    return found


_LISTS = ("allow", "vary")
"""Headers that are lists without an order; some frameworks give theirs another one in each process."""


def _header(name: str, value: str | None, address: str, random: Sequence[str]) -> object:
    if value is None:
        return None
    if name in _LISTS:
        return sorted(item.strip() for item in value.split(","))
    return _without(random, _relative(value, address))


def _without(random: Sequence[str], text: str) -> str:
    for pattern in random:
        text = re.sub(pattern, "", text)
    return text


def _relative(text: str, address: str) -> str:
    """Without the address itself, which is another one by nature."""
    return re.sub(rf"https?://{re.escape(urlsplit(address).netloc)}", "", text)


def _shown(body: bytes) -> str:
    """Other bytes stay different from each other."""
    return body.decode("utf-8", "backslashreplace")


def _asked(address: str, request: Request, jar: dict[str, str]) -> Answer:
    """The answer; its cookies are kept for the next request, a request's own ones go with them."""
    given = f"{request.headers['cookie']}; " if "cookie" in request.headers else ""
    kept = "; ".join(f"{name}={value}" for name, value in jar.items())
    headers = {**request.headers, "cookie": given + kept} if kept else request.headers
    answer = send(address, replace(request, headers=headers))
    for cookie in answer.cookies:
        pair, *attributes = (part.strip() for part in cookie.split(";"))
        name, _, value = pair.partition("=")
        if any(item.lower() in ("max-age=0", "expires=thu, 01 jan 1970 00:00:00 gmt") for item in attributes):
            jar.pop(name, None)
        else:
            jar[name] = value
    return answer


def send(address: str, request: Request) -> Answer:
    """Failure where nobody answers."""
    where = urlsplit(address)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    assert where.hostname is not None
    connection = kind(where.hostname, where.port, timeout=_SECONDS_TO_ANSWER)
    try:
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read(), tuple(answer.msg.get_all("set-cookie") or ()))
    except (OSError, http.client.HTTPException) as error:
        message = f"{request.method} {request.path} was not answered at {address}: {error}"
        raise Failure("verify-unanswered", message) from error
    finally:
        connection.close()


@contextlib.contextmanager
def original_running(folder: Path, original: Original) -> Iterator[str]:
    """The address of the original, run as it is in a copy of its folder."""
    with tempfile.TemporaryDirectory(prefix="klotho-verify-") as place, tempfile.TemporaryFile() as said:
        copy = Path(place) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("compiled", ".git", ".venv", "__pycache__"))
        _install(copy, original)
        port = _free_port()
        own = {name: value.replace("{port}", str(port)) for name, value in original.environment.items()}
        environment = {**os.environ, "PORT": str(port), **_paths(copy, original), **own}
        command = [part.replace("{port}", str(port)) for part in original.start]
        home = copy / original.folder
        try:
            process = subprocess.Popen(command, cwd=home, env=environment, stdout=said, stderr=subprocess.STDOUT)
        except FileNotFoundError as error:
            raise _missing(command[0], "run") from error
        try:
            _wait(process, port, said, original)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _install(folder: Path, original: Original) -> None:
    is_installed = original.installed != "" and (folder / original.installed).exists()
    for command in (*(() if is_installed else original.install), *original.build):
        try:
            asked = [uv(), *command[1:]] if command[0] == "uv" else [*command]
            done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            does = "built" if command in original.build else "installed"
            raise _missing(command[0], does) from error
        if done.returncode != 0:
            message = f"`{' '.join(command[:3] if command in original.build else command[:2])}` failed for the original"
            raise Failure("verify-original", message, notes=((done.stderr.strip() or done.stdout.strip())[-600:],))


def _missing(program: str, does: str) -> Failure:
    """`does`: what the program is needed for, `built`."""
    message = f"`{program}` is not on this machine, and the original is {does} with it"
    return Failure("verify-original", message, helps=(_INSTALL.get(program, "install it, so that it is on PATH"),))


def _paths(folder: Path, original: Original) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(str(folder / path) for path in original.paths)} if original.paths else {}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, said: Any, original: Original) -> None:
    deadline = time.monotonic() + SECONDS_TO_LISTEN
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    said.seek(0)
    printed = said.read().decode("utf-8", "replace")[-600:].strip()
    raise Failure(
        "verify-original",
        "the original does not start" if process.poll() is not None else "the original does not listen on $PORT",
        notes=(printed,) if printed else (),
        helps=(original.listens,),
    )
