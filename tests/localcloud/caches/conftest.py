"""A local cloud with only what a cache needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from klotho.localcloud.database import Database
from klotho.localcloud.logs import Logs
from klotho.localcloud.planes.redis import RedisServers
from klotho.localcloud.ports import Ports
from klotho.localcloud.world import World


def redis_cloud_at(state: Path) -> Any:
    database = Database(state / "state.db")
    cloud = SimpleNamespace(
        region="eu-central-1",
        account="000000000000",
        state=state,
        database=database,
        world=World(database),
        ports=Ports(database, f"test-{os.getpid()}", str(state)),
        logs=Logs(state),
    )
    cloud.redis = RedisServers(cloud)  # type: ignore[arg-type]
    return cloud


@pytest.fixture
def make_cloud(tmp_path: Path) -> Callable[[], Any]:
    """Each call is one life of a supervisor over the same state folder."""
    return lambda: redis_cloud_at(tmp_path / "state")
