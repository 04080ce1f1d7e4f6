"""Annotated C# answers as the original does: projects of ASP.NET Core on Lambda and on Fargate, with endpoints and with
controllers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def pets(dotnet: Path, deploy: Deploy) -> Iterator[Deployment]:
    """The controllers in a container on Lambda, where they are unless told otherwise; the endpoints on Fargate."""
    deployment = deploy("annotated-pets-csharp")
    hosted(deployment, {"names": "fargate"})
    yield deployment


def hosted(deployment: Deployment, types: Mapping[str, str]) -> dict[str, str]:
    said = {name: {"type": type_} for name, type_ in types.items()}
    settings = {"project": deployment.project, "execution_units": said}
    (deployment.folder / "klotho.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return deployment.up()


def verified(deployment: Deployment, api: str, requests: str) -> None:
    done = deployment.klotho("verify", "--api", api, "--requests", str(deployment.folder / requests), "--json")
    found = json.loads(done.stdout)
    assert found["differences"] == []
    assert found["requests"] == len(json.loads((deployment.folder / requests).read_text(encoding="utf-8")))


def test_controllers_in_a_container_on_lambda_answer_as_the_original(pets: Deployment) -> None:
    verified(pets, "pets-api", "requests.json")


def test_endpoints_of_another_project_on_fargate_answer_as_the_original(pets: Deployment) -> None:
    verified(pets, "names-api", "names.json")


def test_units_move_without_a_change_of_the_code(pets: Deployment) -> None:
    clients = pets.client("pets-api"), pets.client("names-api")
    paths = "/api/pets/Tom", "/names/dog/2"
    before = [client.get(path).json for client, path in zip(clients, paths, strict=True)]
    result = hosted(pets, {"main": "fargate", "names": "lambda"})
    assert (result["main-unit"], result["names-unit"]) == ("updated", "updated")
    assert [client.get(path).json for client, path in zip(clients, paths, strict=True)] == before
    assert before == [{"name": "Tom", "kind": "cat", "born": "2020-05-01T00:00:00"}, ["dog-1", "dog-2"]]
