"""A store for each test, and one served store for all boto3 tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcloud.dynamodb.dynamodb_harness import ServedStore, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.service.catalog.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStore]:
    running = ServedStore(tmp_path_factory.mktemp("served"))
    yield running
    running.close()
