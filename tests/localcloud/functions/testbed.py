"""A local cloud with just the parts that functions and the gateway use, for tests and with real processes."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Handler, Record, Request
from klotho.localcloud.handlers.lambda_function import LambdaFunction
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.functions import Functions, Invocation
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.ports import Ports
from klotho.localcloud.services.object_store import ObjectStore
from klotho.localcloud.world import World

REGION = "eu-central-1"
BUCKET = "klotho-assets-000000000000-eu-central-1"
ROLE = "arn:aws:iam::000000000000:role/test"


def build_cloud(state: Path) -> Cloud:
    database = Database(state / "state.db")
    return Cloud(
        project="acme", environment="local", region=REGION, state=state, endpoint_url="http://127.0.0.1:9",
        database=database, world=World(database), ports=Ports(database, "acme", str(state)), logs=Logs(state),
        credentials=Credentials(database), objects=ObjectStore(state),
    )  # fmt: skip


@asynccontextmanager
async def functions_cloud(state: Path, **options: Any) -> AsyncIterator[Cloud]:
    """A cloud whose functions plane runs."""
    cloud = build_cloud(state)
    cloud.functions = Functions(cloud, **options)
    await cloud.functions.start()
    try:
        yield cloud
    finally:
        await cloud.functions.stop()
        ProcessTable.of(cloud.state).close()
        cloud.logs.close()
        cloud.database.close()


def package(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def request(type_name: str, logical_id: str, properties: Mapping[str, Any], **more: Any) -> Request:
    return Request(
        type_name=type_name,
        logical_id=logical_id,
        stack_name="shop",
        stack_id="arn:aws:cloudformation:eu-central-1:000000000000:stack/shop/1",
        token=more.pop("token", f"token-{logical_id}"),
        properties=dict(properties),
        **more,
    )


async def make(cloud: Cloud, handler: Handler, logical_id: str, properties: Mapping[str, Any], **more: Any) -> Record:
    """Create a resource as the engine does: the handler first, then its record."""
    asked = request(handler.type_name, logical_id, properties, **more)
    outcome = await handler.create(asked)
    record = Record(
        type_name=handler.type_name, identifier=outcome.identifier, properties=asked.properties,
        attributes=outcome.attributes, token=asked.token, stack_id=asked.stack_id, stack_name=asked.stack_name,
        logical_id=logical_id, tags={},
    )  # fmt: skip
    cloud.world.put(record)
    return record


async def make_function(
    cloud: Cloud, name: str, files: Mapping[str, str | bytes], *, handler: str, runtime: str = "python3.12", **more: Any
) -> Record:
    """Deploy a function from these files."""
    key = f"{name}-{abs(hash(tuple(sorted(files.items()))))}.zip"
    cloud.objects.put(BUCKET, key, package(files))
    properties = {
        "FunctionName": name, "Runtime": runtime, "Handler": handler, "Role": ROLE,
        "Code": {"S3Bucket": BUCKET, "S3Key": key}, **more,
    }  # fmt: skip
    return await make(cloud, LambdaFunction(cloud), name, properties)


async def python(cloud: Cloud, source: str, **more: Any) -> Record:
    """Deploy the function `work` from the source of its module `app`."""
    return await make_function(cloud, "work", {"app.py": source}, handler="app.handler", **more)


async def node(cloud: Cloud, source: str, file: str = "app.js", **more: Any) -> Record:
    return await make_function(cloud, "work", {file: source}, handler="app.handler", runtime="nodejs20.x", **more)


async def call(cloud: Cloud, payload: bytes = b"{}", function: str = "work") -> Invocation:
    return await cloud.functions.invoke(function, payload)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def logged(cloud: Cloud, function: str = "work") -> list[str]:
    return cloud.logs.tail(f"/aws/lambda/{function}", 100)


async def until(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)
