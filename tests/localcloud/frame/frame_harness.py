"""A running endpoint with the small services, and boto3 clients that talk to it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from klotho.localcloud.admin import Admin
from klotho.localcloud.credentials import AccessKey, Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.logs import Logs
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.logs import LogsService
from klotho.localcloud.services.s3 import ObjectStore, S3Service
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.services.secretsmanager_api import SecretsManagerService
from klotho.localcloud.services.service_discovery import ServiceDiscoveryService
from klotho.localcloud.services.ssm import Parameters, SsmService
from klotho.localcloud.services.sts import StsService
from klotho.localcloud.world import World

REGION = "eu-west-1"
TOKEN = "a-token-of-the-tests"


class OneContainer:
    """Discovery that knows one service."""

    def discover(self, namespace: str, service: str) -> list[tuple[str, int]]:
        return [("127.0.0.1", 8080), ("127.0.0.1", 8081)] if (namespace, service) == ("shop", "orders") else []


class BrokenService:
    """A service with a bug."""

    name = "events"

    async def call(self, call: ApiCall) -> ApiResponse:
        raise ZeroDivisionError("a secret detail")


class EndpointUnderTest:
    """The real endpoint on an ephemeral port, in an event loop of its own thread."""

    def __init__(self, state: Path) -> None:
        self.listener = bind(0)
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = Database(state / "state.sqlite3")
        self.credentials = Credentials(self.database)
        self.key = self.credentials.deployer()
        self.logs = Logs(state)
        self.objects = ObjectStore(state)
        self.secrets = SecretsManager(self.database, REGION)
        self.parameters = Parameters(self.database, REGION, ACCOUNT)
        self.world = World(self.database)
        self.denied: set[str] = set()
        self.stops = 0
        self.loop = asyncio.new_event_loop()
        self.server = EndpointServer(self._app(), self.listener)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.run(self.server.start())

    def _app(self) -> Endpoint:
        services = (
            S3Service(self.objects, ACCOUNT, REGION),
            SecretsManagerService(self.secrets),
            LogsService(self.logs, self.world, REGION, ACCOUNT),
            ServiceDiscoveryService(OneContainer()),
            SsmService(self.parameters, ACCOUNT),
            StsService(ACCOUNT, self.world, self.credentials),
            BrokenService(),
        )
        admin = Admin(TOKEN, lambda: {"pid": 1}, lambda: {"units": []}, self._count_stop)
        return Endpoint(services, self.credentials, REGION, self.port, admin, self._authorize)

    def _count_stop(self) -> None:
        self.stops += 1

    def _authorize(self, call: ApiCall) -> ApiError | None:
        if call.action in self.denied:
            return ApiError("AccessDeniedException", f"{call.caller.name} may not {call.action}", 403)
        return None

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def client(self, service: str, key: AccessKey | None = None, region: str = REGION, **config: Any) -> Any:
        key = key or self.key
        make: Any = boto3.client  # the service is a variable, so its type is not known
        return make(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"max_attempts": 1, "mode": "standard"}, **config),
        )

    def close(self) -> None:
        self.run(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.logs.close()
        self.database.close()
