"""Both runtimes against the local cloud's own endpoint, under a compute unit's key."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from klotho.localcloud.credentials import AccessKey, Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.service import ApiCall, ApiError
from klotho.localcloud.services.dynamodb import DynamoDb
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.services.secretsmanager_api import SecretsManagerService
from klotho.localcloud.services.service_discovery import ServiceDiscoveryService
from klotho.runtime import config
from klotho.runtime.errors import AwsError, ConditionFailedError

from .conftest import PASSWORD, REGION, grants

pytestmark = pytest.mark.localcloud


class Containers:
    """Discovery that knows one service with one instance."""

    def discover(self, namespace: str, service: str) -> list[tuple[str, int]]:
        return [("127.0.0.1", 8080)] if (namespace, service) == ("shop.local", "far") else []


class LocalCloud:
    """The endpoint with its stores, in an event loop of its own thread."""

    def __init__(self, state: Path) -> None:
        listener = bind(0)
        port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        database = Database(state / "state.sqlite3")
        keys = Credentials(database)
        self.deployer = keys.deployer()
        self.unit = keys.issue("api", f"arn:aws:iam::{ACCOUNT}:role/api")
        services = (
            DynamoDb(state, REGION, ACCOUNT),
            SecretsManagerService(SecretsManager(database, REGION)),
            ServiceDiscoveryService(Containers()),
        )
        self.denied: set[str] = set()
        self.loop = asyncio.new_event_loop()
        self.server = EndpointServer(Endpoint(services, keys, REGION, port, authorize=self.authorize), listener)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result(10)

    def authorize(self, call: ApiCall) -> ApiError | None:
        if call.action not in self.denied:
            return None
        return ApiError("AccessDeniedException", f"{call.caller.name} may not {call.action}", 400)

    def client(self, service: str):  # type: ignore[no-untyped-def]
        key: AccessKey = self.deployer
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
        )

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("local"))
    yield cloud
    cloud.close()


@pytest.fixture(scope="module")
def secret(running: LocalCloud) -> str:
    login = json.dumps({"username": "app user", "password": PASSWORD})
    arn: str = running.client("secretsmanager").create_secret(Name="login", SecretString=login)["ARN"]
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    running.client("dynamodb").create_table(
        TableName="carts-1234", KeySchema=keys, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST"
    )
    return arn


@pytest.fixture
def unit(running: LocalCloud, secret: str, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """The environment of the compute unit `api`."""
    for name, value in {
        **grants(secret),
        "AWS_ENDPOINT_URL": running.url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": running.unit.id,
        "AWS_SECRET_ACCESS_KEY": running.unit.secret,
    }.items():
        monkeypatch.setenv(name, value)
    running.denied.clear()
    return running


def test_python_reads_its_secret_its_table_and_its_peers_address(unit: LocalCloud) -> None:
    assert config.datastores.postgres("users_db").password == PASSWORD
    carts = config.datastores.key_value("carts")
    carts.put({"id": "c1", "total": 19.99}, if_absent=True)
    with pytest.raises(ConditionFailedError):
        carts.put({"id": "c1"}, if_absent=True)
    assert carts.update({"id": "c1"}, add={"visits": 2}) == {"id": "c1", "total": 19.99, "visits": 2}
    assert [item["id"] for item in carts.scan()] == ["c1"]
    assert carts.delete({"id": "c1"}) is not None
    assert config.services.get("far").url == "http://127.0.0.1:8080"


def test_a_denial_of_the_local_cloud_names_the_verb(unit: LocalCloud) -> None:
    unit.denied.add("PutItem")
    with pytest.raises(AwsError, match=r"api may not PutItem .*api\.writes_to\(carts\)"):
        config.datastores.key_value("carts").put({"id": "c1"})


def test_node_does_the_same(unit: LocalCloud, asset: Path) -> None:
    program = """
        const { config, ConditionFailedError } = require("@klotho/runtime");
        (async () => {
          const db = await config.datastores.get("users_db");
          const carts = await config.datastores.get("carts");
          await carts.put({ id: "n1", total: 19.99 }, { ifAbsent: true });
          const refused = await carts.put({ id: "n1" }, { ifAbsent: true }).catch((error) => error);
          const item = await carts.update({ id: "n1" }, { add: { visits: 2 } });
          await carts.delete({ id: "n1" });
          const url = await config.services.get("far").url;
          console.log(JSON.stringify([db.password, refused instanceof ConditionFailedError, item, url]));
        })();
    """
    node = shutil.which("node")
    assert node, "Node 18 or later must be on the PATH"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, env=os.environ, cwd=asset, timeout=30)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        PASSWORD,
        True,
        {"id": "n1", "total": 19.99, "visits": 2},
        "http://127.0.0.1:8080",
    ]
