"""The annotated pets answer as the original does, in one unit and in two; so does an application of ES modules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

UNIT = '/* @klotho::execution_unit {\n *   id = "adoptions"\n * }\n */\n'

ESM = {
    "package.json": '{"name": "notes", "type": "module", "main": "main.js", "dependencies": {"express": "4.21.2"}}',
    "main.js": 'import express from "express";\nimport { notes } from "./notes.js";\n'
    'import * as words from "./words/words.js";\nconst app = express();\napp.use(express.json());\n'
    "app.put('/notes/:id', async (req, res) => {\n"
    "  await notes.set(req.params.id, { text: req.body.text, words: await words.count(req.body.text) });\n"
    "  res.sendStatus(204);\n});\n"
    "app.get('/notes', async (req, res) => res.json({ size: await notes.size, all: [...(await notes.entries())] }));\n"
    "app.get('/big', async (req, res) => res.send(String(await words.big(new Uint8Array([1, 2]), new Set([1n])))));\n"
    '// @klotho::expose { id = "notes-api" }\napp.listen(process.env.PORT || 3000);\n',
    "notes.js": '// @klotho::persist { id = "notes" }\n'
    'export const notes = new Map([["first", { text: "hi", words: 1 }]]);\n',
    "words/words.js": '// @klotho::execution_unit { id = "words" }\n'
    'export async function count(text) {\n  return text.split(" ").length;\n}\n'
    "export const big = async (bytes, set) => 2n ** 70n + BigInt(bytes.length + set.size);\n",
    "requests.json": json.dumps(
        [
            {"path": "/notes"},
            {"method": "PUT", "path": "/notes/a", "body": {"text": "one two three"}},
            {"method": "PUT", "path": "/notes/first", "body": {"text": "hello there"}},
            {"path": "/notes"},
            {"path": "/big"},
        ]
    ),
}


def verified(deployment: Deployment) -> None:
    found = json.loads(deployment.klotho("verify", "--json").stdout)
    assert found["differences"] == []
    assert found["requests"] > 0


@pytest.fixture(scope="module")
def in_two(deploy: Deploy) -> Iterator[Deployment]:
    deployment = deploy("annotated-pets")
    deployment.up()
    yield deployment


def test_the_pets_in_two_units_answer_as_the_original_on_every_route(in_two: Deployment) -> None:
    assert {"main-unit", "adoptions-unit"} <= set(in_two.up())
    verified(in_two)


def test_a_difference_is_shown_with_both_answers(in_two: Deployment) -> None:
    # The original starts with no adoptions, the compiled one has one from the test above.
    requests = in_two.folder / "one.json"
    requests.write_text(json.dumps([{"path": "/api/adoptions"}]), encoding="utf-8")
    found = in_two.klotho("verify", "--requests", str(requests), exit_code=1)
    assert "body differs" in found.stderr
    assert '"count":1' in found.stderr


def test_what_is_kept_survives_a_change_of_code(in_two: Deployment) -> None:
    before = in_two.client("pets-api").get("/api/adoptions").json
    code = in_two.folder / "index.js"
    code.write_text(code.read_text(encoding="utf-8").replace("looking for a home", "at home"), encoding="utf-8")
    assert set(in_two.up().values()) == {"unchanged", "updated"}
    assert in_two.client("pets-api").get("/").text == "Pets, at home\n"
    assert in_two.client("pets-api").get("/api/adoptions").json == before


def test_the_pets_in_one_unit_answer_as_the_original_on_every_route(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets")
    code = deployment.folder / "adoptions.js"
    text = code.read_text(encoding="utf-8")
    assert text.startswith(UNIT)
    code.write_text(text.removeprefix(UNIT), encoding="utf-8")
    assert "adoptions-unit" not in deployment.up()
    verified(deployment)


def test_es_modules_with_a_filled_map_in_two_units_answer_as_the_original(deploy: Deploy) -> None:
    deployment = deploy("annotated-pets")
    for path in deployment.folder.rglob("*.js*"):
        path.unlink()
    for name, content in ESM.items():
        target = Path(deployment.folder, name)
        target.parent.mkdir(exist_ok=True)
        target.write_text(content, encoding="utf-8")
    deployment.up()
    verified(deployment)
