"""Annotated code and an infra.py in one folder are one application: each uses what the other makes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

FILES = {
    "infra.py": """import klotho
from klotho import Compute, Databases

klotho.Application("shop")
code = klotho.Annotated()
visits = Databases.KeyValue("visits", key="id")
code.unit("main").read_writes_to(visits)
stamp = Compute.Function("stamp", handler="stamp.handler")
stamp.reads_from(code.store("notes"))
stamp.reads_from(visits)
code.api("notes-api").attach_service(stamp, route="/stamp")
ask = Compute.Function("ask", handler="ask.handler")
ask.calls(code.api("inner-api"))
code.api("notes-api").attach_service(ask, route="/ask")
""",
    "stamp.py": """import json
import klotho

def handler(event, context):
    notes = klotho.config.datastores.get("notes")
    visits = klotho.config.datastores.get("visits")
    body = {"notes": len(list(notes.scan())), "visits": visits.get({"id": "all"})["count"]}
    return {"statusCode": 200, "body": json.dumps(body, default=str)}
""",
    "ask.py": """import json
import urllib.request
import klotho

def handler(event, context):
    address = klotho.config.services.get("inner-api").url
    with urllib.request.urlopen(f"{address}/inner/a%20b?x=1%202&y=3") as answer:
        body = {"said": json.load(answer), "cookie": answer.headers["set-cookie"]}
    return {"statusCode": 200, "body": json.dumps(body)}
""",
    "inner.js": """// @klotho::execution_unit { id = "inner" }
const express = require("express");
const app = express();
app.get("/inner/:name", (req, res) => {
  res.cookie("seen", "yes");
  res.json({ name: req.params.name, query: req.query });
});
// @klotho::expose {
//   id = "inner-api"
//   target = "private"
// }
app.listen(3001);
""",
    "package.json": '{"name": "notes", "main": "index.js", "dependencies": {"express": "4.21.2"}}',
    "index.js": """const express = require("express");
const app = express();
app.use(express.json());
// @klotho::persist { id = "notes" }
const notes = new Map();
app.put("/notes/:id", async (req, res) => {
  const { config } = require("@klotho/runtime");
  await notes.set(req.params.id, req.body);
  await (await config.datastores.get("visits")).update({ id: "all" }, { add: { count: 1 } });
  res.sendStatus(204);
});
// @klotho::expose { id = "notes-api" }
app.listen(process.env.PORT || 3000);
""",
}


@pytest.fixture(scope="module")
def together(deploy: Deploy) -> Iterator[Deployment]:
    deployment = deploy("annotated-pets")
    for path in deployment.folder.iterdir():
        if path.is_file() and path.name != "klotho.yaml":
            path.unlink()
    for name, content in FILES.items():
        (deployment.folder / name).write_text(content, encoding="utf-8")
    deployment.up()
    yield deployment


def test_a_unit_uses_what_infra_py_makes_and_the_other_way_round(together: Deployment) -> None:
    client = together.client("notes-api")
    assert client.call("PUT", "/notes/a", {"text": "one"}).status == 204
    assert client.call("PUT", "/notes/b", {"text": "two"}).status == 204
    assert client.get("/stamp").json == {"notes": 2, "visits": 2}


OTHER = {
    "infra.py": """import klotho
from klotho import Compute

klotho.Application("stats")
Compute.Function("longest", handler="stats.handler")
""",
    "stats.py": """def handler(event, context):
    return max(event["words"], key=len)
""",
}
CALLS = """app.get("/longest/:text", async (req, res) => {
  const { config } = require("@klotho/runtime");
  res.json(await config.services.get("longest").invoke({ words: req.params.text.split("-") }));
});
// @klotho::expose"""


def test_an_annotated_service_calls_a_construct_of_an_infra_py_of_another_repository_of_the_project(
    together: Deployment,
) -> None:
    folder = together.folder.parent / "stats"
    folder.mkdir()
    for name, content in {**OTHER, "klotho.yaml": f"project: {together.project}\n"}.items():
        (folder / name).write_text(content, encoding="utf-8")
    other = Deployment(folder, together.project, together.state_home, together.environment)
    other.up()
    try:
        program, code = together.folder / "infra.py", together.folder / "index.js"
        code.write_text(code.read_text(encoding="utf-8").replace("// @klotho::expose", CALLS), encoding="utf-8")
        said = 'code.unit("main").calls(Compute.Function("longest", from_project=True))\n'
        program.write_text(FILES["infra.py"] + said, encoding="utf-8")
        together.up()
        assert together.client("notes-api").get("/longest/a-few-words").json == "words"
        program.write_text(FILES["infra.py"], encoding="utf-8")
        together.up()
    finally:
        other.down("--delete-data", "stats")


def test_a_private_api_is_reached_by_who_calls_it_on_lambda_and_in_a_container(together: Deployment) -> None:
    said = {"said": {"name": "a b", "query": {"x": "1 2", "y": "3"}}, "cookie": "seen=yes; Path=/"}
    assert together.client("notes-api").get("/ask").json == said
    assert "inner-api.url" not in json.loads(together.klotho("outputs", "--json").stdout)
    with (together.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("execution_units: {inner: {type: fargate}}\n")
    together.up()
    assert together.client("notes-api").get("/ask").json == said
