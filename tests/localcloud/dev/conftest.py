"""One application, up under `klotho dev` for a whole module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klotho.localcloud import connect
from tests.localcloud.dev.dev_harness import Dev, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    found = Shop(tmp_path_factory.mktemp("dev"))
    yield found
    connect.stop_any(found.state)


@pytest.fixture(scope="module")
def dev(shop: Shop) -> Iterator[Dev]:
    found = Dev(shop)
    yield found
    found.kill()
