"""Brings up the planes an active type works with, as the supervisor does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.services.object_store import ObjectStore
from klotho.localcloud.services.secretsmanager import SecretsManager

from .sample import Planes


def _made(cloud: Cloud, name: str) -> Any:
    """One plane; imported here so that a test of one plane needs no other."""
    if name == "tables":
        from klotho.localcloud.services.dynamodb import DynamoDb

        return DynamoDb(cloud.state, cloud.region, cloud.account)
    if name == "functions":
        from klotho.localcloud.planes.functions import Functions

        return Functions(cloud)
    if name == "gateway":
        from klotho.localcloud.planes.gateway import Gateway

        return Gateway(cloud)
    if name == "containers":
        from klotho.localcloud.planes.containers import Containers

        return Containers(cloud)
    if name == "postgres":
        from klotho.localcloud.planes.postgres import PostgresServers

        return PostgresServers(cloud)
    raise LookupError(name)


def planes(*names: str) -> Planes:
    """A context that runs these planes on a cloud, and stops them and every process of theirs."""

    @contextlib.asynccontextmanager
    async def running(cloud: Cloud, folder: Path) -> AsyncIterator[None]:
        cloud.logs, cloud.credentials = Logs(folder), Credentials(cloud.database)
        cloud.objects, cloud.secrets = ObjectStore(folder), SecretsManager(cloud.database, cloud.region)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(cloud.logs.close)
            if names:
                stack.callback(lambda: ProcessTable.of(cloud.state).close())
            for name in names:
                plane = _made(cloud, name)
                setattr(cloud, name, plane)
                await plane.start()
                stack.push_async_callback(plane.stop)
            yield

    return running
