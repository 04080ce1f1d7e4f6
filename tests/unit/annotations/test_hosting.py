"""Where units of annotated code run: images, APIs that are load balancers, and Dockerfiles of the user's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.annotations.hosting import Hosting, Said
from klotho.diagnostics import Report, Span, render_text
from tests.conftest import CompareGolden

EXAMPLES = Path(__file__).parents[3] / "examples"
SHIMS = Path(__file__).parents[3] / "src/klotho/annotations/languages"
APP = 'const app = require("express")();\n'
EXPOSE = '// @klotho::expose { id = "api" }\napp.listen(3000);\n'
CODE = {"index.js": APP + 'app.get("/a/:id/b", f);\napp.get("/a/:id", f);\n' + EXPOSE}
SPLIT = {
    "index.js": APP + 'const { f } = require("./far");\napp.get("/", () => f());\n' + EXPOSE,
    "far.js": '// @klotho::execution_unit { id = "far" }\nexports.f = async () => 1;\n',
}
IN_CONTAINERS = Hosting(default=Said("fargate"))


def compiled(root: Path, files: Mapping[str, str], hosting: Hosting) -> tuple[Compiled, Report]:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    report = Report()
    return compile_code(root, "shop", report, hosting), report


def uses(made: Compiled) -> set[tuple[str, object]]:
    return {(str(item.subject), item.target) for item in made.application.directives}


def routes(made: Compiled) -> list[str]:
    return [str(item.properties["route"]) for item in made.application.relationships if item.verb == "attach_service"]


@pytest.mark.parametrize("example", ["annotated-pets", "annotated-orders-typescript", "annotated-shelf-python"])
def test_images_are_built_in_stages_run_without_root_and_have_what_the_unit_needs(
    example: str, golden: CompareGolden
) -> None:
    report = Report()
    made = compile_code(EXAMPLES / example, None, report, IN_CONTAINERS)
    assert report.errors == []
    shown = [
        f"== {path}\n{content.decode()}"
        for path, content in made.files.items()
        if path.endswith(("Dockerfile", ".dockerignore", "requirements.txt"))
    ]
    golden(Path(__file__).parents[2] / "golden" / "images" / f"{example}.txt", "\n".join(shown))


def test_units_run_where_they_are_told_to_and_else_where_all_are(tmp_path: Path) -> None:
    made, report = compiled(tmp_path, SPLIT, Hosting({"far": Said("lambda")}, Said("eks")))
    assert report.diagnostics == []
    assert {item.id for item in made.application.constructs} >= {"Compute.Function/far", "Compute.Container/main"}
    assert uses(made) == {("Compute.Container/main", "eks")}
    assert [str(item.target) for item in made.application.relationships if item.verb == "calls"] == [
        "Compute.Function/far"
    ]


def test_a_private_api_is_reached_inside_only_and_has_the_routes_that_its_load_balancer_can_say(tmp_path: Path) -> None:
    files = {"index.js": CODE["index.js"].replace('id = "api"', 'id = "api"\n//   target = "private"\n//')}
    made, report = compiled(tmp_path, files, Hosting())
    assert render_text(report.diagnostics, tmp_path) == ""
    (api,) = [item for item in made.application.constructs if item.kind == "API"]
    assert api.properties["public"] is False
    assert routes(made) == ["/", "/a/{id}"]
    assert made.units[0].routes == {"api": ["GET /a/{id}/b", "GET /a/{id}"]}
    _, refused = compiled(tmp_path, files, Hosting(doors={"api": Said("apigateway", Span("klotho.yaml", 1))}))
    (problem,) = refused.errors
    assert "is private, and `type: apigateway` faces the internet" in problem.message


def test_a_public_load_balancer_leads_to_units_in_containers_and_is_refused_for_others(tmp_path: Path) -> None:
    made, report = compiled(tmp_path, CODE, Hosting(default=Said("fargate"), default_door=Said("alb")))
    assert report.diagnostics == []
    assert ("API/api", "public-alb") in uses(made)
    assert routes(made) == ["/", "/a/{id}"]
    _, refused = compiled(tmp_path, CODE, Hosting(doors={"api": Said("alb", Span("klotho.yaml", 2))}))
    (problem,) = refused.errors
    assert 'can\'t lead to the unit "main" on lambda' in problem.message
    assert problem.helps == ("write `execution_units.main.type: fargate`, or `type: apigateway` here",)
    assert str(problem.span) == "klotho.yaml:2"


def test_who_reaches_an_api_is_one_of_two_words(tmp_path: Path) -> None:
    files = {"index.js": CODE["index.js"].replace('id = "api"', 'id = "api"\n//   target = "privat"\n//')}
    _, report = compiled(tmp_path, files, Hosting())
    assert [(item.code, item.helps) for item in report.errors] == [
        ("annotation-directive", ("did you mean `private`?",))
    ]


EVENTS = {
    "index.js": APP + 'const { events } = require("./events");\nrequire("./mail");\nevents.emit("a");\n' + EXPOSE,
    "events.js": 'const { EventEmitter } = require("events");\n'
    '// @klotho::pubsub { id = "told" }\nexports.events = new EventEmitter();\n',
    "mail.js": '// @klotho::execution_unit { id = "mail" }\nconst { events } = require("./events");\n'
    'events.on("a", () => {});\n',
}


def test_a_unit_that_listens_runs_where_something_can_wait_for_events(tmp_path: Path) -> None:
    made, report = compiled(tmp_path, EVENTS, Hosting({"mail": Said("eks")}))
    assert render_text(report.diagnostics, tmp_path) == ""
    assert b'topics: ["told"]' in made.files["mail/klotho/unit.cjs"]
    assert b"topics: []" in made.files["main/klotho/unit.cjs"]
    _, refused = compiled(tmp_path, EVENTS, Hosting({"mail": Said("lambda-container")}))
    (problem,) = refused.errors
    assert "in a container on Lambda nothing waits for it" in problem.message
    assert problem.helps == ("write `execution_units.mail.type: lambda`, or `fargate`, in klotho.yaml",)


OWN = '# for the\n# @klotho::execution_unit { id = "main" }\nFROM node:24-slim\nCOPY . .\nCMD ["node", "index.js"]\n'


def test_a_dockerfile_of_the_user_s_own_takes_the_place_of_klotho_s(tmp_path: Path) -> None:
    files = {**SPLIT, "docker/Dockerfile": OWN, "docker/.dockerignore": "*.md\n"}
    made, report = compiled(tmp_path, files, IN_CONTAINERS)
    assert render_text(report.diagnostics, tmp_path) == ""
    assert made.files["main/Dockerfile"] == OWN.encode()
    assert made.files["main/.dockerignore"] == b"*.md\n"
    assert b"node:22-slim" in made.files["far/Dockerfile"]


@pytest.mark.parametrize(
    ("dockerfile", "hosting", "said"),
    [
        (OWN, Hosting(), 'warning[annotation-without-effect]: the unit "main" is no container where it runs'),
        (OWN.replace("main", "mian"), IN_CONTAINERS, "did you mean `main`?"),
        (OWN.replace('{ id = "main" }', ""), IN_CONTAINERS, "a Dockerfile is for one unit, by its id"),
        (OWN.replace("execution_unit", "expose"), IN_CONTAINERS, "can only say which execution unit it is for"),
        (
            OWN.replace("main", "far"),
            IN_CONTAINERS,
            'end it with `CMD ["node", "klotho/container.cjs"]`, which starts your program, too',
        ),
    ],
)
def test_a_dockerfile_that_can_not_be_used_is_told_at_its_line(
    tmp_path: Path, dockerfile: str, hosting: Hosting, said: str
) -> None:
    _, report = compiled(tmp_path, {**SPLIT, "Dockerfile": dockerfile}, hosting)
    text = render_text(report.diagnostics, tmp_path)
    assert said in text
    assert "--> Dockerfile:2:3" in text


def test_two_dockerfiles_for_one_unit_are_refused(tmp_path: Path) -> None:
    _, report = compiled(tmp_path, {**SPLIT, "a/Dockerfile": OWN, "b/Dockerfile": OWN}, IN_CONTAINERS)
    (problem,) = report.errors
    assert (problem.code, str(problem.span)) == ("annotation-duplicate", "b/Dockerfile:2")


EVENT = {
    "requestContext": {"elb": {"targetGroupArn": "arn"}},
    "httpMethod": "GET",
    "path": "/a%20b/%C3%A9",
    "queryStringParameters": {"q": "x%20y", "flag": ""},
    "headers": {"host": "inside"},
    "body": "",
    "isBase64Encoded": False,
}
API_EVENT = {
    "rawPath": "/a b/é",
    "rawQueryString": "q=x%20y&flag",
    "headers": {"host": "inside"},
    "requestContext": {"http": {"method": "GET"}},
    "body": "",
    "isBase64Encoded": False,
}


def test_a_load_balancer_s_event_reaches_python_as_an_api_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SHIMS / "python" / "shims"))
    from klotho_unit.balancer import through_balancer  # type: ignore[import-not-found]

    seen: list[object] = []

    def handler(event: object, context: object) -> dict[str, object]:
        seen.append(event)
        return {"statusCode": 200, "headers": {"a": "b"}, "cookies": ["c=d"], "body": ""}

    answer = through_balancer(EVENT, None, handler)
    assert seen == [API_EVENT]
    assert answer == {"statusCode": 200, "headers": {"a": "b", "set-cookie": "c=d"}, "body": ""}
    with pytest.raises(ValueError, match="can set one cookie"):
        through_balancer(EVENT, None, lambda *_: {"headers": {}, "cookies": ["a=1", "b=2"]})


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_a_load_balancer_s_event_reaches_node_as_an_api_s() -> None:
    shim = json.dumps(str(SHIMS / "javascript" / "shims" / "balancer.cjs"))
    program = (
        f"const through = require({shim}); const [event, cookies] = JSON.parse(process.env.GIVEN);"
        "through(event, async (seen) => ({ statusCode: 200, headers: {}, cookies, seen }))"
        ".then((answer) => console.log(JSON.stringify(answer)), (error) => console.log(error.message));"
    )

    def answered(cookies: list[str]) -> str:
        given = {**os.environ, "GIVEN": json.dumps([EVENT, cookies])}
        return subprocess.run(["node", "-e", program], env=given, capture_output=True, text=True, check=True).stdout

    assert json.loads(answered(["c=d"])) == {"statusCode": 200, "headers": {"set-cookie": "c=d"}, "seen": API_EVENT}
    assert "can set one cookie" in answered(["a=1", "b=2"])
