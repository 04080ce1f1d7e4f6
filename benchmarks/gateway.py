"""Requests a second and latency of an API in front of a function, beside the bare worker.

Run: `python benchmarks/gateway.py [--requests N] [--loop asyncio|uvloop]`. Starts a gateway and functions with real
workers in this process, the load generator in another one, and prints one line for each case. The function answers
`{"statusCode": 200, "body": "ok"}`; `worker` is the invocation alone, without HTTP in front.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import socket
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Handler, Record, Request
from klotho.localcloud.handlers.http_api import HttpApi, HttpIntegration, HttpRoute, HttpStage
from klotho.localcloud.handlers.lambda_function import LambdaFunction
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.functions import Functions
from klotho.localcloud.planes.gateway import Gateway
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.ports import Ports
from klotho.localcloud.services.object_store import ObjectStore
from klotho.localcloud.world import World

SOURCES = {
    "python": ("app.py", "python3.12", "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"),
    "node": ("app.mjs", "nodejs20.x", "export const handler = async () => ({ statusCode: 200, body: 'ok' });\n"),
}
CONCURRENCY = (1, 4, 16)
WARM_UP = 200


def load(port: int, path: str, requests: int, concurrency: int) -> list[float]:
    """Latencies in seconds of `requests` requests over `concurrency` kept connections."""
    latencies: list[float] = []
    problems: list[bytes] = []
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".encode()

    def one(count: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count):
                begun = time.perf_counter()
                connection.sendall(head)
                answer = read_response(connection)
                latencies.append(time.perf_counter() - begun)
                if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"ok"):
                    problems.append(answer)
                    return

    threads = [threading.Thread(target=one, args=(requests // concurrency,)) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise SystemExit(f"unexpected answer: {problems[0]!r}")
    return latencies


def read_response(connection: socket.socket) -> bytes:
    """One response with a Content-Length; b"" when the connection ends early."""
    data = b""
    while True:
        head, separator, body = data.partition(b"\r\n\r\n")
        if separator and len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return data
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk


def generate(port: int, path: str, requests: int, concurrency: int) -> None:
    """The load generator's process: prints the figures as JSON."""
    load(port, path, WARM_UP, concurrency)
    begun = time.perf_counter()
    latencies = load(port, path, requests, concurrency)
    print(json.dumps(figures(latencies, time.perf_counter() - begun)))


def figures(latencies: list[float], elapsed: float) -> dict[str, float]:
    ordered = sorted(latencies)
    return {
        "rps": len(ordered) / elapsed,
        "p50": ordered[len(ordered) // 2] * 1000,
        "p99": ordered[int(len(ordered) * 0.99)] * 1000,
    }


def show(name: str, concurrency: int, found: dict[str, float]) -> None:
    latency = f"p50 {found['p50']:6.2f} ms   p99 {found['p99']:6.2f} ms"
    print(f"{name:24} c={concurrency:<3} {found['rps']:7.0f} req/s   {latency}")


async def bare(cloud: Cloud, name: str, requests: int) -> dict[str, float]:
    for _ in range(WARM_UP):
        await cloud.functions.invoke(name, b"{}")
    latencies = []
    begun = time.perf_counter()
    for _ in range(requests):
        at = time.perf_counter()
        await cloud.functions.invoke(name, b"{}")
        latencies.append(time.perf_counter() - at)
    return figures(latencies, time.perf_counter() - begun)


async def through(port: int, path: str, requests: int, concurrency: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--generate", f"{port},{path},{requests},{concurrency}"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit("the load generator failed; see above")
    found: dict[str, float] = json.loads(output)
    return found


async def make(cloud: Cloud, handler: Handler, logical_id: str, properties: dict[str, Any]) -> Record:
    request = Request(handler.type_name, logical_id, "bench", "bench", logical_id, properties)
    outcome = await handler.create(request)
    record = Record(
        handler.type_name,
        outcome.identifier,
        properties,
        outcome.attributes,
        logical_id,
        "bench",
        "bench",
        logical_id,
        {},
    )
    cloud.world.put(record)
    return record


async def deploy(cloud: Cloud) -> int:
    """An API with a route for each language; returns its port."""
    api = await make(cloud, HttpApi(cloud), "api", {"Name": "bench", "ProtocolType": "HTTP"})
    stage = {"ApiId": api.identifier, "StageName": "$default", "AutoDeploy": True}
    await make(cloud, HttpStage(cloud), "stage", stage)
    for language, (file, runtime, source) in SOURCES.items():
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr(file, source)
        cloud.objects.put("assets", f"{language}.zip", package.getvalue())
        code = {"S3Bucket": "assets", "S3Key": f"{language}.zip"}
        properties = {"FunctionName": language, "Runtime": runtime, "Handler": "app.handler", "Code": code}
        function = await make(cloud, LambdaFunction(cloud), language, properties)
        await make_route(cloud, api.identifier, language, function)
    return int(str(api.attributes["ApiEndpoint"]).rpartition(":")[2])


async def make_route(cloud: Cloud, api_id: str, language: str, function: Record) -> None:
    arn = function.attributes["Arn"]
    permission = {"FunctionName": arn, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    cloud.world.put(Record("AWS::Lambda::Permission", language, permission, {}, language, "b", "b", language, {}))
    wanted = {"ApiId": api_id, "IntegrationType": "AWS_PROXY", "IntegrationUri": arn, "PayloadFormatVersion": "2.0"}
    integration = await make(cloud, HttpIntegration(cloud), f"{language}-integration", wanted)
    route = {"ApiId": api_id, "RouteKey": f"GET /{language}/{{id}}", "Target": f"integrations/{integration.identifier}"}
    await make(cloud, HttpRoute(cloud), f"{language}-route", route)


async def run(state: Path, requests: int) -> None:
    database = Database(state / "state.db")
    present: dict[str, Any] = {
        "project": "bench",
        "environment": "local",
        "region": "eu-central-1",
        "state": state,
        "endpoint_url": "http://127.0.0.1:9",
        "database": database,
        "world": World(database),
        "ports": Ports(database, "bench", str(state)),
        "logs": Logs(state),
        "credentials": Credentials(database),
        "objects": ObjectStore(state),
        "account": ACCOUNT,
    }
    cloud = Cloud(**present)
    cloud.functions, cloud.gateway = Functions(cloud), Gateway(cloud)
    await cloud.functions.start()
    await cloud.gateway.start()
    try:
        port = await deploy(cloud)
        for language in SOURCES:
            show(f"worker {language}", 1, await bare(cloud, language, requests))
            for concurrency in CONCURRENCY:
                found = await through(port, f"/{language}/7?q=1", requests, concurrency)
                show(f"API -> {language}", concurrency, found)
    finally:
        await cloud.gateway.stop()
        await cloud.functions.stop()
        ProcessTable.of(state).close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4000, help="requests for each line (at most 100000)")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    parser.add_argument("--generate", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        port, path, requests, concurrency = options.generate.split(",")
        generate(int(port), path, int(requests), int(concurrency))
        return
    start: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run
    if options.loop == "uvloop":
        import uvloop

        start = uvloop.run
    with tempfile.TemporaryDirectory() as folder:
        start(run(Path(folder), min(options.requests, 100_000)))


if __name__ == "__main__":
    main()
