"""What a Node unit's handler makes of requests and answers, with plain node."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.unit.annotations.test_compiling import compiled

SERVER = """
const server = require("node:http").createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part)).on("end", () => {
    if (request.url === "/breaks") { response.write("a"); return setTimeout(() => response.destroy(), 20); }
    response.setHeader("set-cookie", ["a=1; Path=/", "b=2"]).setHeader("vary", ["accept", "origin"]);
    if (request.url === "/bytes") {
      response.setHeader("content-type", "image/png").write(Buffer.from([137, 0]));
      return setTimeout(() => response.end(Buffer.from([255])), 20);
    }
    if (request.url === "/empty") { response.statusCode = 204; return response.end(); }
    response.setHeader("content-type", "application/json");
    const { method, url, headers } = request;
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(parts).toString("hex") }));
  });
});
// @klotho::expose { id = "api" }
server.listen(3000);
"""
DRIVER = """
const { handler } = require("./klotho/handler.cjs");
(async () => {
  const answers = [];
  for (const event of JSON.parse(process.argv[1])) {
    answers.push(await handler(event).catch((error) => ({ error: error.code ?? error.message })));
  }
  console.log(JSON.stringify(answers));
  process.exit(0);
})();
"""


def event(method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    context = {"http": {"method": method, "sourceIp": "1.2.3.4"}}
    return {"rawPath": path, "rawQueryString": "", "headers": headers or {}, "requestContext": context, **more}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("echo")
    made, _ = compiled(folder, {"package.json": '{"main": "index.js"}', "index.js": SERVER})
    for name, content in made.files.items():
        (folder / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "out" / name).write_bytes(content)
    of_the_way = {"connection": "close", "keep-alive": "timeout=5", "transfer-encoding": "chunked"}
    events = [
        event(
            "POST", "/a b/ü", {**of_the_way, "x-one": "1"}, rawQueryString="c=%20d", body="/wA=", isBase64Encoded=True
        ),
        event("GET", "/", cookies=["x=1", "y=2"]),
        event("POST", "/", body=""),
        event("GET", "/bytes"),
        event("DELETE", "/empty"),
        event("GET", "/breaks"),
        {"records": []},
    ]
    command = ["node", "-e", DRIVER, json.dumps(events)]
    done = subprocess.run(command, cwd=folder / "out/main", capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def test_a_request_arrives_as_it_was_sent(answers: list[dict[str, Any]]) -> None:
    posted, got, empty = (json.loads(item["body"]) for item in answers[:3])
    assert (posted["method"], posted["url"], posted["body"]) == ("POST", "/a%20b/%C3%BC?c=%20d", "ff00")
    assert (posted["headers"]["x-one"], posted["headers"]["content-length"]) == ("1", "2")
    assert "transfer-encoding" not in posted["headers"]
    assert "timeout=5" not in posted["headers"].values()
    assert (got["method"], got["headers"]["cookie"], got["body"]) == ("GET", "x=1; y=2", "")
    assert (empty["body"], empty["headers"]["content-length"]) == ("", "0")


def test_an_answer_is_given_as_it_was_made(answers: list[dict[str, Any]]) -> None:
    text, picture, nothing = answers[0], answers[3], answers[4]
    assert (text["statusCode"], text["cookies"], text["isBase64Encoded"]) == (200, ["a=1; Path=/", "b=2"], False)
    assert (text["headers"]["vary"], text["headers"]["content-type"]) == ("accept, origin", "application/json")
    assert not {"set-cookie", "connection", "keep-alive", "transfer-encoding"} & {*text["headers"], *picture["headers"]}
    assert (picture["body"], picture["isBase64Encoded"]) == ("iQD/", True)
    assert (nothing["statusCode"], nothing["body"]) == (204, "")


def test_an_answer_that_breaks_off_is_an_error(answers: list[dict[str, Any]]) -> None:
    assert answers[5] == {"error": "ECONNRESET"}
    assert answers[6] == {"error": "unit main was sent something that is no request, no call and no event"}
