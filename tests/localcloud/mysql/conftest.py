"""A local cloud with only what a MySQL instance needs; without a server on this machine the tests fail, saying so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from klotho.localcloud.database import Database
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.mysql import MySqlServers
from klotho.localcloud.ports import Ports
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.world import World


def mysql_cloud_at(state: Path) -> Any:
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
    )
    cloud.mysql = MySqlServers(cloud)  # type: ignore[arg-type]
    return cloud


@pytest.fixture
def make_cloud(tmp_path: Path) -> Callable[[], Any]:
    """Each call is one life of a supervisor over the same state folder."""
    return lambda: mysql_cloud_at(tmp_path / "state")


@pytest.fixture(scope="session")
def mysql_cloud_in() -> Callable[[Path], Any]:
    """One life of a supervisor over a state folder."""
    return mysql_cloud_at
