"""Annotated Python answers as the original does, in one, two and four units; with FastAPI and with Flask."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.test_annotated_pets import verified

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

UNIT = '\n# @klotho::execution_unit {\n#   id = "adoptions"\n# }\n'

FLASK = {
    "requirements.txt": "flask==3.1.0\n",
    "pyproject.toml": '[project]\nname = "notes"\nversion = "1"\n',
    "src/notes/__init__.py": "",
    "src/notes/store.py": '# @klotho::persist { id = "notes" }\nnotes = {1: {"text": "first", "tags": ("a", "b")}}\n',
    "src/notes/views.py": """# @klotho::execution_unit { id = "views" }
from flask import Blueprint, abort, jsonify, make_response, redirect, request

from .store import notes

bp = Blueprint("notes", __name__, url_prefix="/notes")


@bp.get("/")
def every():
    return jsonify(count=len(notes), ids=list(notes), texts=[note["text"] for note in notes.values()])


@bp.route("/<int:number>", methods=["GET", "PUT", "DELETE"])
def one(number):
    if request.method == "PUT":
        new = number not in notes
        notes[number] = {"text": request.json["text"], "tags": tuple(request.json.get("tags", ()))}
        return ("", 201) if new else ("", 204)
    if request.method == "DELETE":
        return jsonify(notes.pop(number, None))
    if number not in notes:
        abort(404)
    answer = make_response(jsonify(notes[number]))
    answer.set_cookie("last", str(number))
    answer.set_cookie("seen", request.cookies.get("last", "none"))
    return answer


@bp.post("/form")
def form():
    return redirect(f"/notes/{request.form['number']}", 303)
""",
    "src/notes/app.py": """import os

from flask import Flask
from itsdangerous import Signer

from notes.views import bp

# @klotho::config {
#   id = "signing-key"
#   secret = true
# }
KEY = os.environ["SIGNING_KEY"]

# @klotho::expose { id = "notes-api" }
app = Flask(__name__)
app.register_blueprint(bp)


@app.get("/signed/<name>")
def signed(name):
    return Signer(KEY).sign(name)


@app.route("/echo/<path:rest>", methods=["GET", "POST"])
def echo(rest):
    from flask import request

    return {"rest": rest, "query": request.args.to_dict(flat=False), "body": request.get_data(as_text=True)}
""",
    "requests.json": json.dumps(
        [
            {"path": "/notes/"},
            {"path": "/notes"},
            {"path": "/notes/1", "headers": {"cookie": "last=7"}},
            {"method": "PUT", "path": "/notes/2", "body": {"text": "two", "tags": ["x"]}},
            {"method": "PUT", "path": "/notes/1", "body": {"text": "changed"}},
            {"path": "/notes/"},
            {"path": "/notes/2"},
            {"method": "DELETE", "path": "/notes/2"},
            {"method": "DELETE", "path": "/notes/2"},
            {"path": "/notes/2"},
            {"path": "/notes/x"},
            {"method": "PATCH", "path": "/notes/1"},
            {"method": "PUT", "path": "/notes/1", "body": "{", "headers": {"content-type": "application/json"}},
            {
                "method": "POST",
                "path": "/notes/form",
                "body": "number=1",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            {"path": "/signed/Ada"},
            {"method": "POST", "path": "/echo/a/b%20c?x=1&x=2&y=", "body": "h\u00e4"},
        ]
    ),
}


@pytest.fixture(scope="module")
def pets(deploy: Deploy) -> Iterator[Deployment]:
    yield deploy("annotated-pets-python")


def fresh(deployment: Deployment) -> set[str]:
    """Up again without the data of the last comparison; the functions that are there."""
    if deployment.output:
        deployment.down("--delete-data", "annotated-pets-python")
    return {name for name in deployment.up() if name.endswith("-unit")}


def test_the_pets_in_two_units_answer_as_the_original_on_every_route(pets: Deployment) -> None:
    assert fresh(pets) == {"main-unit", "adoptions-unit"}
    verified(pets)


def test_the_pets_in_four_units_with_their_router_in_one_answer_as_the_original_on_every_route(
    pets: Deployment,
) -> None:
    for name, unit in (("names.py", "names"), ("pets/routes.py", "routes")):
        code = pets.folder / name
        code.write_text(UNIT.replace("adoptions", unit) + code.read_text(encoding="utf-8"), encoding="utf-8")
    requests = pets.folder / "requests.json"
    before = requests.read_text(encoding="utf-8")
    # What FastAPI says of itself lacks the router that is served elsewhere, and that is warned about.
    kept = [item for item in json.loads(before) if item["path"] != "/openapi.json"]
    requests.write_text(json.dumps(kept), encoding="utf-8")
    assert fresh(pets) == {"main-unit", "adoptions-unit", "names-unit", "routes-unit"}
    verified(pets)
    requests.write_text(before, encoding="utf-8")


def test_the_pets_in_one_unit_answer_as_the_original_on_every_route(pets: Deployment) -> None:
    for name, unit in (("names.py", "names"), ("pets/routes.py", "routes"), ("adoptions.py", "adoptions")):
        code = pets.folder / name
        text, written = code.read_text(encoding="utf-8"), UNIT.replace("adoptions", unit)
        assert written in text
        code.write_text(text.replace(written, ""), encoding="utf-8")
    assert fresh(pets) == {"main-unit"}
    verified(pets)


def test_flask_in_a_src_layout_with_a_blueprint_in_a_unit_and_a_secret_variable_answers_as_the_original(
    deploy: Deploy,
) -> None:
    deployment = deploy("annotated-pets-python")
    for path in deployment.folder.rglob("*"):
        if path.is_file() and path.name != "klotho.yaml":
            path.unlink()
    for name, content in FLASK.items():
        (deployment.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (deployment.folder / name).write_text(content, encoding="utf-8")
    deployment.environment = {**deployment.environment, "SIGNING_KEY": "s3cret"}
    assert {"main-unit", "views-unit"} <= set(deployment.up())
    deployment.set_secret("signing-key", b"s3cret")
    verified(deployment)
