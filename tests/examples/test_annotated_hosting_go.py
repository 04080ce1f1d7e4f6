"""Units of Go call each other and hand on requests wherever klotho.yaml says that they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.test_annotated_hosting import hosted, verified
from tests.examples.test_chicken_auction import client
from tests.go_modules import go_on_path

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]
CLINIC = Path(__file__).parent / "go_clinic"
"""Values, errors, deadlines and panics of calls; a unit in `package main`; a method that answers a route."""
CALL = {"klotho": "call", "file": "visits/visits.go", "name": "Wait", "arguments": "[]", "timeout": 1}
"""What one unit asks of another."""


@pytest.fixture(scope="module", autouse=True)
def toolchain() -> Iterator[None]:
    with go_on_path():
        yield


@pytest.fixture(scope="module")
def clinic(deploy: Deploy) -> Deployment:
    files = {path.relative_to(CLINIC).as_posix(): path.read_text("utf-8") for path in CLINIC.rglob("*.*")}
    return deploy("clinic", files)


def everything_answers(clinic: Deployment, types: dict[str, str]) -> None:
    hosted(clinic, types, api="clinic-api")
    verified(clinic)
    assert clinic.client("clinic-api").post("/_klotho/call", CALL).status == 404, "calls come from inside only"


def test_a_container_of_go_calls_functions_and_hands_requests_on_to_them(clinic: Deployment) -> None:
    everything_answers(clinic, {"main": "fargate", "visits": "lambda-container", "fees": "lambda", "pets": "lambda"})
    name = clinic.klotho("outputs", "pets.arn").stdout.strip()
    warm = client(clinic, "lambda").invoke(FunctionName=name, Payload=b'{"schedule": "warm-pets"}')
    assert (warm["Payload"].read(), warm.get("FunctionError")) == (b"null", None)


def test_a_function_of_go_calls_containers_and_hands_requests_on_to_them(clinic: Deployment) -> None:
    everything_answers(clinic, {"main": "lambda", "visits": "fargate", "fees": "fargate-spot", "pets": "fargate"})
