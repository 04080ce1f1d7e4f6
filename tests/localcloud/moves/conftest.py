"""Fixtures of the tests of moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudformation.builders import ServedCloud


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedCloud]:
    with ServedCloud(tmp_path) as cloud:
        yield cloud
