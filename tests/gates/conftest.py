"""The templates of every example and of every row of the table of pairs, compiled once."""

from __future__ import annotations

import pytest

from tests.gates.programs import Template, compile_all


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[Template]:
    return compile_all(tmp_path_factory.mktemp("gates"))


@pytest.fixture(scope="session")
def distinct(templates: list[Template]) -> list[Template]:
    """Of those that are the same, the first."""
    return list({item.file.read_bytes(): item for item in reversed(templates)}.values())[::-1]
