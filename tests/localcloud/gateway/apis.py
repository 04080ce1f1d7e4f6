"""Builds HTTP APIs in a test's cloud, as the engine would from a template."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from functions.testbed import functions_cloud, make, make_function

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record
from klotho.localcloud.handlers.http_api import HttpApi, HttpIntegration, HttpRoute, HttpStage
from klotho.localcloud.planes.gateway import Gateway


@asynccontextmanager
async def gateway_cloud(state: Path) -> AsyncIterator[Cloud]:
    async with functions_cloud(state) as cloud:
        cloud.gateway = Gateway(cloud)
        await cloud.gateway.start()
        try:
            yield cloud
        finally:
            await cloud.gateway.stop()


class Containers:
    """Stands for the containers plane: says where a Cloud Map service's tasks listen."""

    def __init__(self, addresses: Mapping[str, tuple[str, int]]) -> None:
        self.addresses = dict(addresses)

    def address_of(self, arn: str) -> tuple[str, int] | None:
        return self.addresses.get(arn)


class Api:
    """One HTTP API with a `$default` stage unless told otherwise."""

    def __init__(self, cloud: Cloud, record: Record) -> None:
        self.cloud = cloud
        self.id = record.identifier
        self.record = record
        self.url = str(record.attributes["ApiEndpoint"])
        self._count = 0

    @classmethod
    async def create(cls, cloud: Cloud, name: str = "shop", stage: str | None = "$default", **properties: Any) -> Api:
        api = cls(cloud, await make(cloud, HttpApi(cloud), name, {"Name": name, "ProtocolType": "HTTP", **properties}))
        if stage is not None:
            await api.stage(stage)
        return api

    async def stage(self, name: str, **properties: Any) -> Record:
        wanted = {"ApiId": self.id, "StageName": name, "AutoDeploy": True, **properties}
        return await make(self.cloud, HttpStage(self.cloud), f"{self.id}-{name}", wanted)

    async def integration(self, **properties: Any) -> Record:
        self._count += 1
        wanted = {"ApiId": self.id, **properties}
        return await make(self.cloud, HttpIntegration(self.cloud), f"{self.id}-integration-{self._count}", wanted)

    async def route(self, key: str, integration: Record) -> Record:
        wanted = {"ApiId": self.id, "RouteKey": key, "Target": f"integrations/{integration.identifier}"}
        return await make(self.cloud, HttpRoute(self.cloud), f"{self.id}-{key}", wanted)

    async def to_function(self, key: str, function: Record, **properties: Any) -> Record:
        """A route to a function, with the permission that AWS needs."""
        self.permit(function)
        integration = await self.integration(
            IntegrationType="AWS_PROXY",
            IntegrationUri=function.attributes["Arn"],
            PayloadFormatVersion="2.0",
            **properties,
        )
        return await self.route(key, integration)

    def permit(self, function: Record, source: str = "*") -> None:
        properties = {
            "FunctionName": function.attributes["Arn"],
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": f"arn:aws:execute-api:{self.cloud.region}:{self.cloud.account}:{self.id}/{source}",
        }
        identifier = f"{function.identifier}|{source}"
        self.cloud.world.put(
            Record("AWS::Lambda::Permission", identifier, properties, {}, identifier, "s", "s", "Permission", {})
        )


async def python_api(cloud: Cloud, source: str, key: str = "$default", **properties: Any) -> Api:
    """An API whose only route goes to the function `work` with this module source."""
    function = await make_function(cloud, "work", {"app.py": source}, handler="app.handler")
    api = await Api.create(cloud, **properties)
    await api.to_function(key, function)
    return api
