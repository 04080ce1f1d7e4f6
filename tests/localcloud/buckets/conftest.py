"""The fixture of served buckets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.buckets.served_buckets import ServedBuckets


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBuckets]:
    running = ServedBuckets(tmp_path_factory.mktemp("buckets"))
    yield running
    running.close()
