"""Brings up the planes an active type works with, as the supervisor does."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import io
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.credentials import Credentials
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.custom_resources import CustomResources
from klotho.localcloud.services.object_store import ObjectStore
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.services.ssm import Parameters

from .sample import Planes

_PLANES = {
    "balancers": "balancers:Balancers",
    "cdn": "cdn:Cdn",
    "clusters": "kubernetes:Clusters",
    "containers": "containers:Containers",
    "domains": "gateway.domains:Domains",
    "events": "events:Events",
    "function_urls": "function_urls:FunctionUrls",
    "functions": "functions:Functions",
    "gateway": "gateway:Gateway",
    "mysql": "mysql:MySqlServers",
    "postgres": "postgres:PostgresServers",
    "queue_events": "queue_events:QueueEvents",
    "redis": "redis:RedisServers",
    "schedules": "schedules:Schedules",
    "table_events": "table_events:TableEvents",
}
"""By field name of `Cloud`: module and class of those made from the cloud alone."""


def _made(cloud: Cloud, name: str) -> Any:
    """One plane."""
    if name == "tables":
        from klotho.localcloud.services.dynamodb import DynamoDb

        return DynamoDb(cloud.state, cloud.region, cloud.account)
    if name == "buckets":
        from klotho.localcloud.services.s3 import S3Service

        return S3Service(cloud.objects, cloud.account, cloud.region)
    if name == "queues":
        from klotho.localcloud.services.sqs import Sqs

        return Sqs(cloud.state, cloud.region, cloud.account, cloud.endpoint_url)
    if name == "certificates":
        from klotho.localcloud.services.acm import Certificates

        return Certificates(cloud.database, cloud.world, cloud.state, cloud.region, cloud.account)
    if name == "topics":
        from klotho.localcloud.services.sns import Sns

        return Sns(cloud)
    if name == "user_pools":
        from klotho.localcloud.services.cognito import UserPools

        return UserPools(cloud)
    if name == "custom_resources":
        return AnsweredCustomResources(cloud)
    module, _, plane = _PLANES[name].partition(":")
    return getattr(importlib.import_module(f"klotho.localcloud.planes.{module}"), plane)(cloud)


class AnsweredCustomResources(CustomResources):
    """Custom resources with an endpoint of their own, which only takes answers."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._cloud = cloud

    async def start(self) -> None:
        async def handle(request: web.Request) -> web.Response:
            try:
                answer = await self.respond(request.method, request.path, await request.read())
            except ApiError as error:
                return web.Response(status=error.status, text=error.message)
            return web.Response(status=answer.status)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._cloud.endpoint_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()


IMAGE = f"klotho.local/assets@sha256:{'0' * 64}"
"""What the container samples run; `planes("containers", image=True)` puts it where the plane looks."""
SERVER = """import http.server, os
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@functools.cache
def _built_image() -> Path:
    """A small HTTP server as an image, built once a run."""
    from klotho.localcloud.planes.containers import build_image

    folder = Path(tempfile.mkdtemp(prefix="klotho-contract-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    context = folder / "context"
    context.mkdir()
    (context / "main.py").write_text(SERVER)
    (context / "Dockerfile").write_text('FROM python:3\nWORKDIR /app\nCOPY . .\nCMD ["python", "/app/main.py"]\n')
    built = build_image(
        context,
        context / "Dockerfile",
        build_args={},
        images=folder / "images",
        cache=folder / "cache",
        log=lambda line: None,
    )
    return Path(built.directory)


FUNCTION_IMAGE = f"klotho.local/assets@sha256:{'1' * 64}"
"""A function that answers; `planes("functions", function_image=True)` puts it where the plane looks."""


def _keep_function_image(images: Path) -> None:
    from klotho.localcloud.planes.functions.image import keep_image

    package = images.parent / "answer.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 'an image'\n\n\nother = handler\n")
    digest = keep_image(images, package, "answer", "python3.12", "index.handler").rpartition(":")[2]
    shutil.copytree(images / digest, images / ("1" * 64), dirs_exist_ok=True)


LAYER_BUCKET = "klotho-assets-000000000000-eu-west-1"
"""Where `one.zip` and `two.zip` lie, with `planes("functions", layers=True)`."""


def _keep_layers(objects: ObjectStore) -> None:
    for name in ("one", "two"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(zipfile.ZipInfo("python/said.py"), f"WORD = '{name}'\n")
        objects.put(LAYER_BUCKET, f"{name}.zip", out.getvalue())


def planes(*names: str, image: bool = False, function_image: bool = False, layers: bool = False) -> Planes:
    """A context that runs these planes on a cloud, and stops them and every process of theirs."""

    @contextlib.asynccontextmanager
    async def running(cloud: Cloud, folder: Path) -> AsyncIterator[None]:
        cloud.logs, cloud.credentials = Logs(folder), Credentials(cloud.database)
        cloud.objects, cloud.secrets = ObjectStore(folder), SecretsManager(cloud.database, cloud.region)
        cloud.parameters = Parameters(cloud.database, cloud.region, cloud.account)
        if image:
            shutil.copytree(_built_image(), folder / "images" / ("0" * 64), symlinks=True, dirs_exist_ok=True)
        if function_image:
            _keep_function_image(folder / "images")
        if layers:
            _keep_layers(cloud.objects)
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
