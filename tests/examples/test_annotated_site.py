"""A static front end of annotated code: its pages in a browser, the API they call, and files beside units' code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.browser import browse, needs_browser
from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

OTHER_LANGUAGES = {
    "notes/main.mts": 'import { readFileSync } from "node:fs";\nimport express from "express";\n'
    'const app = express();\n// @klotho::embed_assets { include = "texts/*" }\n'
    'const hello = readFileSync(new URL("./texts/hello.txt", import.meta.url), "utf8");\n'
    'app.get("/hello", (req, res) => { res.send(hello); });\n'
    '/* @klotho::execution_unit { id = "notes" }\n * @klotho::expose { id = "notes-api" } */\n'
    "app.listen(process.env.PORT);\n",
    "notes/texts/hello.txt": "hello from TypeScript",
    "src/greeting/main.py": "from pathlib import Path\nfrom flask import Flask\n"
    '# @klotho::execution_unit { id = "greeting" }\n# @klotho::embed_assets { include = ["/src/greeting/words/**"] }\n'
    '# @klotho::expose { id = "greeting-api" }\napp = Flask(__name__)\n'
    '@app.get("/hello")\ndef hello():\n    return (Path(__file__).parent / "words" / "hello.txt").read_text()\n',
    "src/greeting/words/hello.txt": "hello from Python",
    "requirements.txt": "flask==3.1.0\n",
}


INFRA = """import klotho
from klotho import Compute
klotho.Application("annotated-site")
code = klotho.Annotated()
seen = Compute.Function("seen", handler="seen.handler", environment={"PAGES": code.site("site").url})
code.api("pets-api").attach_service(seen, route="/seen")
"""


@pytest.fixture(scope="module")
def site(deploy: Deploy) -> Iterator[Deployment]:
    deployment = deploy("annotated-site")
    deployment.up()
    yield deployment


def test_an_application_with_embedded_assets_answers_as_the_original_on_every_route(site: Deployment) -> None:
    # The requests include a page that is made of an embedded file, and what CORS asks.
    found = json.loads(site.klotho("verify", "--json").stdout)
    assert (found["requests"], found["differences"]) == (7, [])


@needs_browser
def test_a_static_unit_is_served_to_a_browser_and_its_pages_call_the_api(site: Deployment, tmp_path: Path) -> None:
    assert site.client("pets-api").post("/api/pets", {"name": "Tom", "kind": "cat"}).status == 201
    assert "<li>Tom, a cat</li>" in browse(site.url("site"), tmp_path)


def test_of_a_static_unit_its_files_are_served_and_nothing_else(site: Deployment) -> None:
    client = site.client("site")
    for path, kind in (("/", "text/html"), ("/styles/site.css", "text/css"), ("/shared/rules.js", "text/javascript")):
        answer = client.get(path)
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    assert [client.get(path).status for path in ("/index.js", "/package.json", "/views/card.html")] == [404, 404, 404]


def test_compile_and_verify_take_the_annotated_code_of_an_infra_py(site: Deployment) -> None:
    program = site.folder / "infra.py"
    program.write_text(INFRA, encoding="utf-8")
    (site.folder / "seen.py").write_text("def handler(event, context):\n    return 'seen'\n", encoding="utf-8")
    assert "unit main" in site.klotho("compile").stderr
    site.klotho("down", "--yes", "--delete-data", "annotated-site")
    site.up()
    assert site.client("pets-api").get("/seen").json == "seen"
    assert json.loads(site.klotho("verify", "--json").stdout)["differences"] == []
    program.unlink()


def test_embedded_assets_lie_beside_the_code_of_typescript_and_python(site: Deployment) -> None:
    for name, content in OTHER_LANGUAGES.items():
        (site.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (site.folder / name).write_text(content, encoding="utf-8")
    assert {"notes-unit", "greeting-unit"} <= set(site.up())
    assert site.client("notes-api").get("/hello").text == "hello from TypeScript"
    assert site.client("greeting-api").get("/hello").text == "hello from Python"
