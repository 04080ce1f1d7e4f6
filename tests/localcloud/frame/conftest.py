"""The fixture of a running endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.frame.frame_harness import EndpointUnderTest


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointUnderTest]:
    running = EndpointUnderTest(tmp_path_factory.mktemp("endpoint"))
    yield running
    running.close()
