"""Units of Go call each other and hand on requests wherever klotho.yaml says that they run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.conftest import Deploy
from tests.examples.test_annotated_hosting import hosted, verified
from tests.go_modules import go_on_path, with_go_sum

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]
CALL = {"klotho": "call", "file": "adoptions/adoptions.go", "name": "Fees", "arguments": "[]"}
"""What one unit asks of another."""


@pytest.fixture(scope="module", autouse=True)
def toolchain() -> Iterator[None]:
    with go_on_path():
        yield


def test_units_of_go_answer_as_the_original_on_every_host_and_take_calls_from_inside_only(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets-go")
    with_go_sum(deployment.folder)
    for types in (
        {"main": "fargate", "adoptions": "lambda-container", "pets": "lambda"},
        {"main": "lambda", "adoptions": "fargate", "pets": "fargate-spot"},
    ):
        hosted(deployment, types)
        verified(deployment)
        client = deployment.client("pets-api")
        assert client.post("/_klotho/call", CALL).status == 404
