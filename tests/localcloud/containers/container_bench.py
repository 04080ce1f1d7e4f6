"""A local cloud with what containers need, and short ways to make images and records."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Record, Request
from klotho.localcloud.handlers.ecs_service import EcsService
from klotho.localcloud.handlers.ecs_task_definition import EcsTaskDefinition
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.containers import Containers, build_image
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.ports import Ports
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.swapped import Swapped
from klotho.localcloud.world import World


def cloud_at(state: Path) -> Any:
    database = Database(state / "state.db")
    cloud = SimpleNamespace(
        project=f"test-{os.getpid()}",
        environment="local",
        region="eu-central-1",
        account="000000000000",
        state=state,
        endpoint_url="http://127.0.0.1:1",
        database=database,
        world=World(database),
        ports=Ports(database, f"test-{os.getpid()}", str(state)),
        logs=Logs(state),
        secrets=SecretsManager(database, "eu-central-1"),
        credentials=Credentials(database),
        swapped=Swapped(),
    )
    cloud.containers = Containers(cloud)  # type: ignore[arg-type]
    return cloud


class Bench:
    """Drives the plane through its handlers, as the CloudFormation engine does."""

    def __init__(self, state: Path, folder: Path, cache: Path) -> None:
        self.state, self.folder, self.cache = state, folder, cache
        self.cloud = cloud_at(state)
        self.lines: list[str] = []

    def context(self, files: Mapping[str, str], name: str = "app") -> Path:
        root = self.folder / name
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    def image(self, files: Mapping[str, str], name: str = "app", **build_args: str) -> Any:
        context = self.context(files, name)
        return build_image(
            context,
            context / "Dockerfile",
            build_args=build_args,
            images=self.state / "images",
            cache=self.cache,
            log=self.lines.append,
        )

    async def define(self, image: str, token: str, name: str = "web", **container: Any) -> str:
        properties = {
            "Family": name,
            "TaskRoleArn": "arn:aws:iam::000000000000:role/web",
            "ContainerDefinitions": [
                {
                    "Name": name,
                    "Image": image,
                    "PortMappings": [{"Name": "http", "ContainerPort": 8080, "AppProtocol": "http"}],
                    "Environment": [{"Name": "PORT", "Value": "8080"}],
                    "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": f"/klotho/{name}"}},
                    "StopTimeout": 2,
                    **container,
                }
            ],
        }
        return await self._create(EcsTaskDefinition(self.cloud), properties, token)

    async def service(self, definition: str, token: str = "s", name: str = "web", **properties: Any) -> str:
        return await self._create(EcsService(self.cloud), self.properties(definition, name, **properties), token)

    async def update(self, identifier: str, definition: str, name: str = "web", **properties: Any) -> None:
        record = self.cloud.world.get("AWS::ECS::Service", identifier)
        wanted = self.properties(definition, name, **properties)
        request = _request(EcsService.type_name, wanted, record.token, identifier, record.attributes)
        await EcsService(self.cloud).update(request)
        self._store(request, identifier, record.attributes)

    async def delete(self, identifier: str) -> None:
        record = self.cloud.world.get("AWS::ECS::Service", identifier)
        request = _request(record.type_name, record.properties, record.token, identifier, record.attributes)
        await EcsService(self.cloud).delete(request)
        self.cloud.world.remove(record.type_name, identifier)

    def properties(self, definition: str, name: str, **properties: Any) -> dict[str, Any]:
        return {"ServiceName": name, "TaskDefinition": definition, "DesiredCount": 1, **properties}

    def port(self, name: str = "web", port: str = "http") -> int:
        found: int = self.cloud.ports.of(f"service/{name}/{port}")
        return found

    def log(self, name: str = "web") -> str:
        return "\n".join(self.cloud.logs.tail(f"/klotho/{name}", 200))

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            await self.cloud.containers.start()
            try:
                await work()
            finally:
                await self.cloud.containers.stop()
                ProcessTable.of(self.state).close()

        asyncio.run(whole())

    async def _create(self, handler: Any, properties: dict[str, Any], token: str) -> str:
        request = _request(handler.type_name, properties, token)
        outcome = await handler.create(request)
        self._store(request, outcome.identifier, outcome.attributes)
        identifier: str = outcome.identifier
        return identifier

    def _store(self, request: Request, identifier: str, attributes: Mapping[str, Any]) -> None:
        self.cloud.world.put(
            Record(request.type_name, identifier, request.properties, attributes, request.token, "s", "s", "l", {})
        )


def _request(
    type_name: str, properties: Any, token: str, identifier: str | None = None, attributes: Any = None
) -> Request:
    return Request(type_name, "Logical", "stack", "arn:stack", token, properties, identifier, {}, attributes or {})
