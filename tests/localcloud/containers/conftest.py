"""Fixtures of the container tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from container_bench import Bench


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments are made once for the whole run, as they are on a developer's machine."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(tmp_path: Path, cache: Path) -> Bench:
    return Bench(tmp_path / "state", tmp_path, cache)
