"""Annotated code answers as the original wherever klotho.yaml says that its units run, and moves without an edit."""

from __future__ import annotations

import json

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


def hosted(deployment: Deployment, **types: str) -> None:
    """Writes klotho.yaml and brings it up."""
    said = "".join(f"  {name}: {{type: {type_}}}\n" for name, type_ in types.items())
    (deployment.folder / "klotho.yaml").write_text(f"execution_units:\n{said}", encoding="utf-8")
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


@pytest.mark.parametrize("example", ["annotated-pets", "annotated-pets-python"])
def test_units_in_containers_answer_as_the_original_and_call_each_other_over_http(deploy: Deploy, example: str) -> None:
    deployment = deploy(example)
    with_its_router_in_a_unit(deployment)
    hosted(deployment, main="fargate", adoptions="fargate", routes="fargate")
    verified(deployment)
    # A call of another unit comes from inside only: the API does not lead to it.
    call = {"klotho": "call", "file": "adoptions.js", "name": "adopt", "arguments": "[]"}
    client = deployment.client("pets-api")
    assert client.post("/_klotho/call", call).status == 404
    before, pets = client.get("/api/adoptions").json, client.get("/api/pets").json
    for main, other in (("lambda", "fargate"), ("eks", "lambda")):
        hosted(deployment, main=main, adoptions=other, routes=other)
        assert client.get("/api/adoptions").json == before
        # `main` gets what an API tells from `/api/pets`, and hands it on.
        answer = client.get("/api/pets/")
        assert (answer.status, answer.text) == (307, "") if example.endswith("python") else answer.json == pets


def test_units_by_default_on_kubernetes_or_on_lambda_as_containers_answer_as_the_original(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets")
    (deployment.folder / "klotho.yaml").write_text("defaults: {execution_unit: {type: eks}}\n", encoding="utf-8")
    deployment.up()
    verified(deployment)
    hosted(deployment, main="lambda-container", adoptions="fargate-spot")
    assert deployment.client("pets-api").get("/api/adoptions").json["count"] == 1
