"""Annotated code answers as the original wherever klotho.yaml says that its units run, and moves without an edit."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

CALL = {"klotho": "call", "file": "adoptions.js", "name": "adopt", "arguments": "[]"}
"""What one unit asks of another."""


def hosted(deployment: Deployment, types: Mapping[str, str], door: str = "apigateway", api: str = "pets-api") -> None:
    """Writes klotho.yaml and brings it up."""
    said = {"execution_units": {name: {"type": type_} for name, type_ in types.items()}}
    settings = {"project": deployment.project, **said, "exposed": {api: {"type": door}}}
    (deployment.folder / "klotho.yaml").write_text(json.dumps(settings), encoding="utf-8")
    deployment.up()


def verified(deployment: Deployment) -> None:
    found = json.loads(deployment.klotho("verify", "--json").stdout)
    assert found["differences"] == []
    assert found["requests"] > 0


def with_its_router_in_a_unit(deployment: Deployment) -> None:
    for name, marker in (("routes/pets.js", "//"), ("pets/routes.py", "#")):
        code = deployment.folder / name
        if code.exists():
            unit = f'{marker} @klotho::execution_unit {{ id = "routes" }}\n'
            code.write_text(unit + code.read_text(encoding="utf-8"), encoding="utf-8")
    requests = deployment.folder / "requests.json"
    # FastAPI's description of itself lacks routers of other units.
    kept = [item for item in json.loads(requests.read_text(encoding="utf-8")) if item["path"] != "/openapi.json"]
    requests.write_text(json.dumps(kept), encoding="utf-8")


def test_units_in_containers_answer_as_the_original_and_move_with_their_data(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets")
    with_its_router_in_a_unit(deployment)
    own = 'FROM node:22-slim\nCOPY . .\nRUN npm install --omit=dev\nENV OWN=1\nCMD ["node", "klotho/container.cjs"]\n'
    annotated = '# @klotho::execution_unit { id = "adoptions" }\n'
    (deployment.folder / "Dockerfile").write_text(annotated + own, encoding="utf-8")
    hosted(deployment, {"main": "fargate", "adoptions": "fargate", "routes": "fargate"})
    verified(deployment)
    # A call of another unit comes from inside only: the API does not lead to it.
    client = deployment.client("pets-api")
    assert client.post("/_klotho/call", CALL).status == 404
    before, pets = client.get("/api/adoptions").json, client.get("/api/pets").json
    for types in (
        {"main": "lambda", "adoptions": "fargate-spot", "routes": "fargate-spot"},
        {"main": "eks", "adoptions": "lambda-container", "routes": "lambda"},
    ):
        hosted(deployment, types)
        assert client.get("/api/adoptions").json == before
        # `main` gets what an API tells from `/api/pets`, and hands it on.
        assert client.get("/api/pets/").json == pets


def test_units_of_python_answer_as_the_original_behind_a_load_balancer_and_an_api(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets-python")
    with_its_router_in_a_unit(deployment)
    hosted(deployment, {"main": "fargate", "adoptions": "fargate", "routes": "fargate"}, door="alb")
    verified(deployment)
    assert deployment.client("pets-api").post("/_klotho/call", CALL).status == 404
    hosted(deployment, {"main": "eks", "adoptions": "lambda", "routes": "lambda"})
    client = deployment.client("pets-api")
    assert client.get("/api/adoptions").status == 200
    answer = client.get("/api/pets/")
    assert (answer.status, answer.text) == (307, "")
