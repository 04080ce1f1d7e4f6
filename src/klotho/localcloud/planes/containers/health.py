"""The health check of a container definition, as a probe of a process.

Input: `HealthCheck` of a container definition. Output: a `HealthCheck` that `probe` carries out over loopback.
Refuses, as `HandlerError`: a command that is not a plain `curl`, `wget` or `nc -z` on the container's own port, because
the image's own programs do not exist on this machine. A Dockerfile's HEALTHCHECK is recorded only, as on ECS.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from klotho.localcloud.handler import HandlerError

_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})
_ELSE_FAIL = re.compile(r"\s*\|\|\s*exit\s+1\s*$")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Times in seconds; the defaults are ECS's (API reference, HealthCheck)."""

    port: int
    """The container's port."""
    path: str | None
    """None: it is enough that the port accepts a connection."""
    any_status: bool
    """`curl` without `-f` is content with an error page."""
    interval_s: float = 30.0
    timeout_s: float = 5.0
    retries: int = 3
    start_period_s: float = 0.0


def health_check(given: Mapping[str, Any], service: str) -> HealthCheck | None:
    """Translate; None for `["NONE"]`."""
    command = [str(word) for word in given.get("Command", ())]
    if command[:1] == ["NONE"] or not command:
        return None
    refusal = HandlerError(
        f"{service}: health check `{' '.join(command)}` is not carried: use curl, wget or `nc -z` on localhost "
        'and the container\'s port, such as ["CMD-SHELL", "curl -f http://localhost:8080/health || exit 1"]',
        "ClientException",
    )
    try:
        words = shlex.split(_ELSE_FAIL.sub("", command[1])) if command[0] == "CMD-SHELL" else command[1:]
    except (ValueError, IndexError):
        raise refusal from None
    target = _target(words)
    if target is None:
        raise refusal
    port, path, any_status = target
    return HealthCheck(
        port,
        path,
        any_status,
        float(given.get("Interval", 30)),
        float(given.get("Timeout", 5)),
        int(given.get("Retries", 3)),
        float(given.get("StartPeriod", 0)),
    )


def _target(words: list[str]) -> tuple[int, str | None, bool] | None:
    if not words:
        return None
    if words[0] == "nc" and "-z" in words and len(words) >= 4 and words[-2] in _OWN_HOSTS and words[-1].isdigit():
        return int(words[-1]), None, True
    urls = [word for word in words if word.startswith("http://")]
    if words[0] not in ("curl", "wget") or len(urls) != 1 or {"|", "||", "&&", ";", ">"} & set(words):
        return None
    try:
        url = urlsplit(urls[0])
        port = url.port or 80
    except ValueError:
        return None
    if url.hostname not in _OWN_HOSTS:
        return None
    fails = words[0] == "wget" or any(re.fullmatch(r"-[a-zA-Z]*f[a-zA-Z]*|--fail", word) for word in words)
    return port, (url.path or "/") + (f"?{url.query}" if url.query else ""), not fails


async def probe(check: HealthCheck, port: int) -> str | None:
    """One probe of the process behind `port`; None when healthy, else why not."""
    try:
        async with asyncio.timeout(check.timeout_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                if check.path is None:
                    return None
                writer.write(f"GET {check.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                line = (await reader.readline()).decode("latin-1").split()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        return f"no answer within {check.timeout_s:g} s"
    except OSError as error:
        return str(error)
    if len(line) < 2 or not line[1].isdigit():
        return "the answer is not HTTP"
    return None if check.any_status or int(line[1]) < 400 else f"GET {check.path} answered {line[1]}"
