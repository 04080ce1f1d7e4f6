"""Parts for tests of the CloudFormation engine: a cloud with nothing but records, and the API behind a real socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import boto3
from aiohttp import web
from botocore.config import Config

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.cloudformation.engine import Engine, StackRequest
from klotho.localcloud.cloudformation.service import CloudFormationService
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Handler
from klotho.localcloud.handlers import build_handlers
from klotho.localcloud.ports import Ports
from klotho.localcloud.service import ApiCall, ApiResponse, Caller
from klotho.localcloud.world import World

T = TypeVar("T")
REGION = "eu-west-1"


def record_cloud(state: Path, **planes: Any) -> Cloud:
    """A cloud whose planes are missing, except those given: enough for passive types."""
    database = Database(state / "state.db")
    bare: dict[str, Any] = dict.fromkeys(("logs", "credentials", "objects"))
    bare.update({name: planes.pop(name) for name in list(planes) if name in bare})
    cloud = Cloud(
        project="test",
        environment="local",
        region=REGION,
        state=state,
        endpoint_url="http://127.0.0.1:1",
        database=database,
        world=World(database),
        # A seed of its own, so that tests at the same time do not want the same ports.
        ports=Ports(database, "test", str(state)),
        **bare,
    )
    for name, plane in planes.items():
        setattr(cloud, name, plane)
    return cloud


Serve = Callable[[ApiCall], Awaitable[ApiResponse]]
Trouble = Callable[[ApiCall, Serve], Awaitable[ApiResponse]]
"""Answers a call, by serving it or otherwise."""


async def _no_trouble(call: ApiCall, serve: Serve) -> ApiResponse:
    return await serve(call)


class ServedCloud:
    """The CloudFormation API on a loopback port, run by a loop in a thread; `client` is a real boto3 client."""

    def __init__(self, state: Path, handlers: Mapping[str, Handler] | None = None) -> None:
        self.cloud = record_cloud(state)
        self.handlers = dict(handlers if handlers is not None else build_handlers(self.cloud))
        self.trouble: Trouble = _no_trouble
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> ServedCloud:
        self._thread.start()
        self.run(self._serve())
        self.client = boto3.client(
            "cloudformation",
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.cloud.database.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the cloud's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def settle(self) -> None:
        self.run(self.engine.settle())

    async def _serve(self) -> None:
        self.engine = Engine(self.cloud, self.handlers)
        service = CloudFormationService(self.engine)

        async def handle(request: web.Request) -> web.Response:
            call = ApiCall(
                service="cloudformation",
                action="",
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
                caller=Caller("key", "deployer"),
            )
            answer = await self.trouble(call, service.call)
            return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self.engine.close()
        await self._runner.cleanup()


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def vpc(cidr: str = "10.0.0.0/16", **rest: Any) -> dict[str, Any]:
    return {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}, **rest}


def subnet(vpc_id: Any, cidr: str = "10.0.1.0/24", **rest: Any) -> dict[str, Any]:
    return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": vpc_id, "CidrBlock": cidr}, **rest}


def log_group(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties}


def stack_request(name: str, body: str, **rest: Any) -> StackRequest:
    return StackRequest(name, body, capabilities=["CAPABILITY_NAMED_IAM"], **rest)
