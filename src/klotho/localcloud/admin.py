"""What the driver asks the supervisor itself: health, status, applications, stop. Lives under `/_klotho/`.

Input: a request whose Host and Origin the endpoint has checked, with `Authorization: Bearer <token>`. Output: JSON.
Refuses a missing or wrong token (401), a wrong method (405) and any other path (404).

`GET health`, `GET status`, `GET applications`, `POST stop`, `POST applications/<name>/pause` and `…/resume`, which
answer when it is done. `POST <ask>` with a JSON object gives the answer of `RunningCode` to it.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from klotho.localcloud.service import ApiResponse

PREFIX = "/_klotho/"
_APPLICATIONS = "applications"
Act = Callable[[str], Awaitable[None]]
Ask = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Admin:
    """Answers the administrative paths of one running supervisor."""

    def __init__(
        self,
        token: str,
        health: Callable[[], Mapping[str, Any]],
        status: Callable[[], Mapping[str, Any]],
        stop: Callable[[], None],
        applications: Callable[[], Mapping[str, str]] = dict,
        acts: Mapping[str, Act] | None = None,
        asks: Mapping[str, Ask] | None = None,
    ) -> None:
        """`acts`: what can be done to an application, by the last word of the path; `asks`: what takes a JSON object
        and answers with one, by its path."""
        self._expected = f"Bearer {token}".encode()
        self._reads = {"health": health, "status": status, _APPLICATIONS: applications}
        self._stop = stop
        self._acts = acts or {}
        self._asks = asks or {}

    async def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> ApiResponse:
        given = headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._expected):
            return _answer(401, {"message": "the bearer token is in supervisor.json of the state folder"})
        name = path.removeprefix(PREFIX)
        if name in self._reads:
            return _answer(200, self._reads[name]()) if method == "GET" else _wrong_method("GET")
        if name == "stop":
            if method != "POST":
                return _wrong_method("POST")
            self._stop()
            return _answer(202, {"stopping": True})
        if name in self._asks:
            return await self._asked(name, method, body)
        application, _, act = name.removeprefix(f"{_APPLICATIONS}/").rpartition("/")
        if name.startswith(f"{_APPLICATIONS}/") and application and act in self._acts:
            if method != "POST":
                return _wrong_method("POST")
            await self._acts[act](application)
            return _answer(200, self._reads[_APPLICATIONS]())
        return _answer(404, {"message": f"no {path} here; there are {', '.join(sorted(self._reads))} and stop"})

    async def _asked(self, name: str, method: str, body: bytes) -> ApiResponse:
        if method != "POST":
            return _wrong_method("POST")
        try:
            document = orjson.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return _answer(400, {"message": f"{name} takes a JSON object"})
        return _answer(200, await self._asks[name](document))


def _wrong_method(wanted: str) -> ApiResponse:
    return ApiResponse(405, b"", {"allow": wanted})


def _answer(status: int, document: Mapping[str, Any]) -> ApiResponse:
    return ApiResponse(status, orjson.dumps(document), {"content-type": "application/json"})
