"""The SQS store behind the real endpoint, for real boto3 clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.services.sqs import Sqs

REGION = "eu-west-1"


class ServedQueues:
    """On an ephemeral port, in an event loop of its own thread. `clock` may be moved by tests of what takes long."""

    def __init__(self, state: Path) -> None:
        import time

        self.ahead = 0.0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.database = Database(state / "state.sqlite3")
        credentials = Credentials(self.database)
        self.key = credentials.deployer()
        listener = bind(0)
        port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.service = Sqs(state, REGION, ACCOUNT, self.url, clock=lambda: time.time() + self.ahead)
        self.server = EndpointServer(Endpoint((self.service,), credentials, REGION, port), listener)
        self.run(self.server.start())
        self.run(self.service.start())

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def queue(self, name: str, settings: Mapping[str, Any] | None = None) -> str:
        """Make a queue as its resource handler does; its URL."""

        async def make() -> str:
            catalog = self.service.catalog
            return catalog.url(catalog.create(name, settings or {}, {}, owner=name))

        url: str = self.run(make())
        return url

    def client(self) -> Any:
        make: Any = boto3.client
        return make(
            "sqs",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.key.id,
            aws_secret_access_key=self.key.secret,
            config=Config(retries={"max_attempts": 1, "mode": "standard"}, max_pool_connections=20),
        )

    def close(self) -> None:
        self.run(self.server.stop())
        self.run(self.service.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.database.close()
