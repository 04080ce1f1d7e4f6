"""Applications whose routers are units of their own answer as the originals do, in every framework."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.test_annotated_pets import verified

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


def test_the_pets_in_three_units_answer_as_the_original_on_every_route(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets")
    router = deployment.folder / "routes" / "pets.js"
    router.write_text('// @klotho::execution_unit { id = "pets" }\n' + router.read_text(encoding="utf-8"))
    assert {"main-unit", "adoptions-unit", "pets-unit"} <= set(deployment.up())
    verified(deployment)
