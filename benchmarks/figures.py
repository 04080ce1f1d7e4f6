"""How figures are taken and printed: one line each, with its aim and whether it was met.

`line("key-value put", 1234.5, "/s", more_than=1000)` prints `key-value put … 1,234/s   aim > 1,000/s   met`. A figure
without an aim is there to compare with. `Requests` are signed before the clock starts and sent over kept connections,
so that what is measured is the server and not the client's signer.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REGION = "eu-west-1"
WARM_UP = 50
WIDTH = 72


def line(
    what: str, figure: float, unit: str, *, more_than: float | None = None, less_than: float | None = None
) -> None:
    """Print one figure; at most one of the aims."""
    shown = f"{what:{WIDTH}} {_number(figure):>9}{unit:5}"
    if more_than is not None:
        shown += f" aim > {_number(more_than)}{unit}  {'met' if figure > more_than else 'missed'}"
    if less_than is not None:
        shown += f" aim < {_number(less_than)}{unit}  {'met' if figure < less_than else 'missed'}"
    print(shown.rstrip(), flush=True)


def missing(what: str, why: str) -> None:
    """Print that a peer could not be measured."""
    print(f"{what:{WIDTH}} not measured: {why}", flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and with which key."""

    port: int
    key: str
    secret: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A boto3 client; S3 by path, since there is no name for each bucket on loopback."""
        import boto3
        from botocore.config import Config

        make: Any = boto3.client
        return make(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One signed request."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]


def signed(address: Address, service: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Request:
    """Signed by botocore's signers; good for 15 minutes."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(address.key, address.secret), service, REGION)
    request = AWSRequest(method, f"{address.url}{path}", headers=dict(headers), data=body)
    signer.add_auth(request)
    return Request(method, path, body, dict(request.headers.items()))


def throughput(address: Address, requests: Sequence[Request], seconds: float, connections: int) -> float:
    """Answers of 200 a second, over as many kept connections, each with a share of the requests, again and again.

    RuntimeError for any other answer.
    """
    counts = [0] * connections
    problems: list[str] = []
    gate = threading.Barrier(connections + 1)

    def send(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=30)
        try:
            for request in requests[number::connections][:WARM_UP]:
                _ask(connection, request)
            gate.wait()
            end = time.perf_counter() + seconds
            for request in itertools.cycle(requests[number::connections]):
                if time.perf_counter() > end:
                    return
                _ask(connection, request)
                counts[number] += 1
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            problems.append(f"{type(error).__name__}: {error}")
            gate.abort()
        except threading.BrokenBarrierError:
            return
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        gate.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    if problems:
        raise RuntimeError(problems[0])
    return sum(counts) / (time.perf_counter() - start)


def _ask(connection: http.client.HTTPConnection, request: Request) -> None:
    connection.request(request.method, request.path, request.body or None, dict(request.headers))
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(
            f"{request.method} {request.path}: {answer.status} {content[:300].decode('utf-8', 'replace')}"
        )


def one_by_one(act: Callable[[int], Any], seconds: float) -> float:
    """Calls a second of one client that waits for each answer, after a short warm-up."""
    numbers = itertools.count()
    for _ in range(20):
        act(next(numbers))
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        act(next(numbers))
        count += 1
    return count / spent
