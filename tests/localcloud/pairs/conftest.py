"""The fixture of the pair tests: a module's `PROGRAM`, up for as long as its tests run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gates import deployed_policies
from tests.localcloud.pairs.harness import Deployed


@pytest.fixture(scope="module")
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The module's PROGRAM, with its FILES if it has some, brought up by the real command."""
    module = request.module
    made = Deployed(tmp_path_factory.mktemp("pairs"), module.PROGRAM, getattr(module, "FILES", None))
    try:
        made.deployment.up()
        # Here, because only a deployed policy has the ARNs it is about.
        assert deployed_policies.findings(made.deployment.state) == [], "what parliament finds in the deployed policies"
        yield made
    finally:
        left = made.deployment.end()
    assert left == [], "processes are left after `klotho down`"
