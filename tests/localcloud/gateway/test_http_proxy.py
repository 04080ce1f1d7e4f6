"""Requests are passed on to containers and public URLs, both bodies streamed."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.apis import Api, Containers, gateway_cloud
from klotho.localcloud.cloud import Cloud

pytestmark = pytest.mark.localcloud
SERVICE = "arn:aws:servicediscovery:eu-central-1:000000000000:service/srv-orders"
LINK = {"ConnectionType": "VPC_LINK", "ConnectionId": "link", "IntegrationUri": SERVICE, "IntegrationMethod": "ANY"}


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


async def echo(request: web.Request) -> web.StreamResponse:
    if request.path == "/slow":
        await asyncio.sleep(1)
    if request.path == "/stream":
        answer = web.StreamResponse()
        await answer.prepare(request)
        for number in range(3):
            await answer.write(b"%d\n" % number)
            await asyncio.sleep(0.15)
        return answer
    seen = {
        "method": request.method,
        "path": request.raw_path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "length": len(await request.read()),
    }
    return web.json_response(seen, status=202, headers={"X-Back": "end", "Keep-Alive": "timeout=3"})


@asynccontextmanager
async def backend() -> AsyncIterator[int]:
    app = web.Application(client_max_size=20_000_000)
    app.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def linked(cloud: Cloud, port: int, key: str = "$default", stage: str = "$default", **more: Any) -> Api:
    cloud.containers = Containers({SERVICE: ("127.0.0.1", port)})  # type: ignore[assignment]
    api = await Api.create(cloud, stage=stage)
    await api.route(key, await api.integration(IntegrationType="HTTP_PROXY", **{**LINK, **more}))
    return api


def test_a_container_gets_the_request_with_who_forwarded_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, backend() as port, aiohttp.ClientSession() as session:
            api = await linked(cloud, port)
            headers = {"Connection": "x-hop, keep-alive", "X-Hop": "1", "X-Kept": "2", "TE": "trailers"}
            async with session.post(f"{api.url}/a%2Fb/c?x=1&y=%20", data=b"12345", headers=headers) as answer:
                seen = await answer.json()
                assert (answer.status, answer.headers["X-Back"]) == (202, "end")
                assert "Keep-Alive" not in answer.headers and "apigw-requestid" in answer.headers
            assert (seen["method"], seen["path"], seen["length"]) == ("POST", "/a%2Fb/c?x=1&y=%20", 5)
            host = api.url.removeprefix("http://")
            assert seen["headers"]["forwarded"] == f"by=127.0.0.1;for=127.0.0.1;host={host};proto=http"
            assert seen["headers"]["host"] == host and seen["headers"]["x-kept"] == "2"
            assert seen["headers"]["via"].endswith("AmazonAPIGateway")
            assert not {"x-hop", "te"} & seen["headers"].keys()

    run(scenario())


def test_the_path_keeps_the_stage_unless_a_mapping_overwrites_it(tmp_path: Path) -> None:
    async def path_of(cloud: Cloud, port: int, name: str, **more: Any) -> str:
        cloud.containers = Containers({SERVICE: ("127.0.0.1", port)})  # type: ignore[assignment]
        api = await Api.create(cloud, name, stage="dev")
        await api.route("GET /orders/{id}", await api.integration(IntegrationType="HTTP_PROXY", **LINK, **more))
        async with aiohttp.ClientSession() as session, session.get(f"{api.url}/dev/orders/7?q=1") as answer:
            return str((await answer.json())["path"])

    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, backend() as port:
            assert await path_of(cloud, port, "a") == "/dev/orders/7?q=1"
            mapped = {"overwrite:path": "$request.path"}
            assert await path_of(cloud, port, "b", RequestParameters=mapped) == "/orders/7?q=1"
            mapped = {"overwrite:path": "/v2/${request.path.id}"}
            assert await path_of(cloud, port, "c", RequestParameters=mapped) == "/v2/7?q=1"
            mapped = {"overwrite:path": "/fixed"}
            assert await path_of(cloud, port, "d", RequestParameters=mapped) == "/fixed?q=1"

    run(scenario())


def test_a_public_url_gets_the_path_parameters_it_names(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, backend() as port, aiohttp.ClientSession() as session:
            api = await Api.create(cloud)
            uri = f"http://127.0.0.1:{port}/base/{{proxy}}"
            integration = await api.integration(
                IntegrationType="HTTP_PROXY", IntegrationUri=uri, IntegrationMethod="PUT"
            )
            await api.route("ANY /x/{proxy+}", integration)
            async with session.get(f"{api.url}/x/a/b?q=1") as answer:
                seen = await answer.json()
            assert (seen["method"], seen["path"]) == ("PUT", "/base/a/b?q=1")
            assert seen["headers"]["host"] == f"127.0.0.1:{port}"

    run(scenario())


def test_a_response_arrives_piece_by_piece(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, backend() as port, aiohttp.ClientSession() as session:
            api = await linked(cloud, port)
            begun = asyncio.get_running_loop().time()
            async with session.get(f"{api.url}/stream") as answer:
                assert await answer.content.readline() == b"0\n"
                assert asyncio.get_running_loop().time() - begun < 0.3
                assert await answer.content.read() == b"1\n2\n"

    run(scenario())


def test_large_and_chunked_bodies_pass_and_those_over_the_quota_are_refused(tmp_path: Path) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 1_000_000

    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, backend() as port, aiohttp.ClientSession() as session:
            api = await linked(cloud, port)
            async with session.post(api.url, data=chunks(9)) as answer:
                assert (await answer.json())["length"] == 9_000_000
            async with session.post(api.url, data=chunks(12)) as answer:
                assert (answer.status, await answer.json()) == (413, {"message": "Request Entity Too Large"})
            async with session.post(api.url, data=b"x" * 11_000_000) as answer:
                assert answer.status == 413

    run(scenario())


def test_what_can_not_be_reached_is_503_and_what_is_slow_504_with_the_cause_in_the_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, backend() as port, aiohttp.ClientSession() as session:
            api = await linked(cloud, port, TimeoutInMillis=200)
            async with session.get(f"{api.url}/slow") as answer:
                assert (answer.status, await answer.json()) == (504, {"message": "Gateway Timeout"})
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                cloud.containers.addresses[SERVICE] = unused.getsockname()  # type: ignore[attr-defined]
                async with session.get(api.url) as answer:
                    assert (answer.status, await answer.json()) == (503, {"message": "Service Unavailable"})
            cloud.containers.addresses.clear()  # type: ignore[attr-defined]
            async with session.get(api.url) as answer:
                assert answer.status == 503
            slow, refused, missing = cloud.logs.tail("/aws/apigateway/shop", 3)
            assert "did not answer in 0.2 s" in slow and "Connect" in refused and "no task" in missing

    run(scenario())


def test_a_backend_that_speaks_no_http_is_500(tmp_path: Path) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"good day\r\n\r\n")
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud, aiohttp.ClientSession() as session:
            server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
            api = await linked(cloud, server.sockets[0].getsockname()[1])
            async with session.get(api.url) as answer:
                assert (answer.status, json.loads(await answer.read())) == (500, {"message": "Internal Server Error"})
            server.close()

    run(scenario())
