"""The handlers of HTTP APIs check what AWS checks and refuse by name what is not carried."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from functions.testbed import make, make_function, request

from gateway.apis import Api, gateway_cloud
from klotho.catalogue.facts import schema
from klotho.localcloud.handler import Handler, HandlerError
from klotho.localcloud.handlers.http_api import HttpApi, HttpIntegration, HttpRoute, HttpStage
from klotho.localcloud.handlers.lambda_function import LambdaFunction

pytestmark = pytest.mark.localcloud
URL = {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://127.0.0.1:9/", "IntegrationMethod": "GET"}


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


@pytest.mark.parametrize("handler", [HttpApi, HttpIntegration, HttpRoute, HttpStage, LambdaFunction])
def test_a_handler_carries_only_properties_that_aws_knows(handler: type[Handler]) -> None:
    known = schema(handler.type_name).settable
    assert {name.partition(".")[0] for name in handler.carries} <= known


def test_ids_and_addresses_stay_the_same_when_a_create_is_tried_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            handler = HttpApi(cloud)
            asked = request(handler.type_name, "Api", {"Name": "shop", "ProtocolType": "HTTP"})
            first, second = await handler.create(asked), await handler.create(asked)
            assert first == second
            assert re.fullmatch("[a-z0-9]{10}", first.identifier)
            assert first.attributes["ApiEndpoint"].startswith("http://127.0.0.1:")
            assert set(first.attributes) == schema(handler.type_name).attributes
            gone = request(handler.type_name, "Api", {}, identifier=first.identifier)
            await handler.delete(gone)
            await handler.delete(gone)

    run(scenario())


def test_an_api_keeps_its_port_over_a_restart_and_two_of_one_name_have_two(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            first = await Api.create(cloud)
            other = await make(cloud, HttpApi(cloud), "Other", {"Name": "shop", "ProtocolType": "HTTP"})
            assert other.attributes["ApiEndpoint"] != first.url
            await cloud.gateway.stop()
            for record in cloud.world.list("AWS::ApiGatewayV2::Api"):
                await HttpApi(cloud).resume(record)
            addresses = {unit.address for unit in cloud.gateway.status()}
            assert addresses == {first.url, other.attributes["ApiEndpoint"]}

    run(scenario())


def test_an_api_whose_port_is_taken_at_a_restart_comes_back_when_it_is_free(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await Api.create(cloud)
            (record,) = cloud.world.list(HttpApi.type_name)
            handler = HttpApi(cloud)
            await handler.suspend(record)
            await handler.suspend(record)
            assert cloud.gateway.status() == []
            for at_once in (False, True):
                await cloud.gateway.stop()
                with socket.socket() as stranger:
                    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    stranger.bind(("127.0.0.1", int(api.url.rpartition(":")[2])))
                    stranger.listen()
                    await handler.resume(record)
                    (unit,) = cloud.gateway.status()
                    assert (unit.state, unit.address) == ("failed", None)
                    assert f"(pid {os.getpid()}): end that program" in (unit.detail or "")
                if at_once:
                    await handler.resume(record)
                    assert cloud.gateway.status()[0].address == api.url
                async with asyncio.timeout(3):
                    while cloud.gateway.status()[0].state != "running":
                        await asyncio.sleep(0.02)
                assert cloud.gateway.status()[0].detail is None

    run(scenario())


def test_a_port_that_somebody_else_has_is_named_and_shown_as_failed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            port = cloud.ports.of("api/shop")
            with socket.socket() as stranger:
                stranger.bind(("127.0.0.1", port))
                stranger.listen()
                with pytest.raises(HandlerError, match=f"port {port} .* in use by .+ \\(pid {os.getpid()}\\)"):
                    await Api.create(cloud)
                unit = cloud.gateway.status()[0]
                assert unit.state == "failed" and str(port) in (unit.detail or "")
                assert unit.address is None
            assert (await Api.create(cloud)).url.endswith(str(port))
            assert [unit.state for unit in cloud.gateway.status()] == ["running"]

    run(scenario())


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Name": "x", "ProtocolType": "WEBSOCKET"}, "ProtocolType WEBSOCKET is not supported"),
        ({"ProtocolType": "HTTP"}, "Name is required"),
        ({"Name": "x", "ProtocolType": "HTTP", "DisableExecuteApiEndpoint": True}, "DisableExecuteApiEndpoint"),
        (
            {
                "Name": "x",
                "ProtocolType": "HTTP",
                "CorsConfiguration": {"AllowOrigins": ["*"], "AllowCredentials": True},
            },
            "AllowCredentials",
        ),
    ],
)
def test_an_api_that_is_not_carried_is_refused(tmp_path: Path, properties: dict[str, Any], message: str) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            with pytest.raises(HandlerError, match=message):
                await make(cloud, HttpApi(cloud), "Api", properties)
            assert cloud.gateway.status() == []

    run(scenario())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"IntegrationType": "AWS_PROXY", "IntegrationSubtype": "x"}, "PayloadFormatVersion None"),
        ({"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0"}, "PayloadFormatVersion 1.0 is not supported"),
        (
            {
                "IntegrationType": "AWS_PROXY",
                "PayloadFormatVersion": "2.0",
                "IntegrationMethod": "POST",
                "IntegrationUri": "arn:aws:lambda:eu:0:function:x",
            },
            "the function x of the integration does not exist",
        ),
        ({"IntegrationType": "MOCK"}, "IntegrationType MOCK is not supported"),
        ({"IntegrationMethod": ""}, "IntegrationMethod is required"),
        ({"IntegrationUri": "ftp://x"}, "Invalid HTTP endpoint"),
        ({"TimeoutInMillis": 30001}, "between 50 ms and 30000 ms"),
        ({"RequestParameters": {"append:header.x": "1"}}, "append:header.x is not supported"),
        ({"RequestParameters": {"overwrite:path": "$context.stage"}}, "is not supported"),
        ({"ConnectionType": "VPC_LINK"}, "ConnectionId is required"),
        ({"ConnectionType": "VPC_LINK", "ConnectionId": "x"}, "the ARN of a Cloud Map service"),
        ({"ApiId": "nowhere"}, "Invalid API identifier"),
    ],
)
def test_an_integration_that_is_not_carried_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await Api.create(cloud)
            with pytest.raises(HandlerError, match=message):
                await api.integration(**{**URL, **changes})

    run(scenario())


def test_a_route_wants_a_live_integration_a_free_key_and_an_authorizer_of_its_kind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await Api.create(cloud)
            other = await Api.create(cloud, "other")
            integration = await api.integration(**URL)
            await api.route("GET /users/{id}", integration)
            for key in ("GET /users/{id}", "GET /users/{name}"):
                with pytest.raises(HandlerError, match=f"Route with key {re.escape(key)} already exists") as refusal:
                    await make(cloud, HttpRoute(cloud), "Again", _route(api, key, integration.identifier))
                assert refusal.value.code == "ConflictException"
            with pytest.raises(HandlerError, match="not formatted properly"):
                await api.route("users", integration)
            with pytest.raises(HandlerError, match="Invalid Integration identifier"):
                await other.route("GET /x", integration)
            with pytest.raises(HandlerError, match="Invalid route target"):
                await make(cloud, HttpRoute(cloud), "R", {"ApiId": api.id, "RouteKey": "GET /x"})
            with pytest.raises(HandlerError, match="AuthorizationType JWT needs an authorizer"):
                wanted = {**_route(api, "GET /x", integration.identifier), "AuthorizationType": "JWT"}
                await make(cloud, HttpRoute(cloud), "R", wanted)

    run(scenario())


def _route(api: Api, key: str, integration: str) -> dict[str, Any]:
    return {"ApiId": api.id, "RouteKey": key, "Target": f"integrations/{integration}"}


def test_a_stage_deploys_by_itself_and_exists_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            api = await Api.create(cloud)
            with pytest.raises(HandlerError, match="without AutoDeploy is not supported"):
                await api.stage("dev", AutoDeploy=False)
            with pytest.raises(HandlerError, match="Stage already exists"):
                await make(cloud, HttpStage(cloud), "S", {"ApiId": api.id, "StageName": "$default", "AutoDeploy": True})
            with pytest.raises(HandlerError, match="access logs to arn:aws:firehose"):
                await api.stage("dev", AccessLogSettings={"DestinationArn": "arn:aws:firehose:x", "Format": "x"})

    run(scenario())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PackageType": "Image"}, "don't provide Handler or Runtime"),
        ({"ImageConfig": {"Command": ["app.handler"]}}, "don't provide ImageUri or ImageConfig"),
        ({"Runtime": ""}, "mandatory parameters"),
        ({"Timeout": 901}, "between 1 and 900"),
        ({"Code": {"S3Bucket": "klotho", "S3Key": "gone.zip"}}, "klotho/gone.zip does not exist"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"X": "x" * 4096}}}, "exceeded the 4KB limit"),
    ],
)
def test_a_function_that_aws_would_refuse_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            with pytest.raises(HandlerError, match=message):
                await make_function(cloud, "work", {"app.py": ""}, handler="app.handler", **changes)

    run(scenario())


def test_a_function_without_a_name_gets_one_and_a_taken_name_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_cloud(tmp_path) as cloud:
            inline = {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Code": {"ZipFile": "def handler(e, c): return 5"},
            }
            record = await make(cloud, LambdaFunction(cloud), "Work", inline)
            assert record.identifier.startswith("shop-Work-")
            assert (await cloud.functions.invoke(record.identifier, b"{}")).payload == b"5"
            with pytest.raises(HandlerError, match="already exist"):
                await make(cloud, LambdaFunction(cloud), "Other", {**inline, "FunctionName": record.identifier})
            gone = request("AWS::Lambda::Function", "Work", {}, identifier=record.identifier)
            await LambdaFunction(cloud).delete(gone)
            await LambdaFunction(cloud).delete(gone)
            assert cloud.functions.status() == []

    run(scenario())
