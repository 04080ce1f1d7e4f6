"""`klotho dev` of annotated code: what is saved is compiled and served, mistakes change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.localcloud import connect
from tests.localcloud.dev.dev_harness import Dev, Shop

pytestmark = pytest.mark.localcloud

FILES = {
    "package.json": '{"name": "shop", "main": "index.js"}',
    "index.js": """\
const http = require("node:http");
const { word } = require("./words");

/* @klotho::expose {
 *   id = "api"
 * }
 */
http.createServer((request, response) => response.end(word("one"))).listen(process.env.PORT);
""",
    "words.js": "exports.word = (text) => `${text}!`;\n",
}


def test_a_saved_file_of_annotated_code_is_compiled_and_served(tmp_path: Path) -> None:
    shop = Shop(tmp_path, FILES)
    try:
        dev = Dev(shop)
        try:
            assert dev.get("/") == "one!"
            shop.replace("words.js", "!", "?")
            event = dev.wait_for(lambda event: event.get("event") in ("planned", "refused"))
            assert (event["event"], event["files"]) == ("planned", ["words.js"])
            assert dev.get("/") == "one?"
            shop.write("words.js", '// @klotho::persit { id = "x" }\nexports.word = (text) => text;\n')
            event = dev.wait_for(lambda event: event.get("event") in ("planned", "refused"))
            assert event["event"] == "refused"
            assert "annotation-unknown" in [item["code"] for item in event["diagnostics"]]
            assert dev.get("/") == "one?"
            shop.write("words.js", "exports.word = (text) => text;\n")
            dev.wait_for(lambda event: event.get("event") == "planned")
            assert dev.get("/") == "one"
            assert dev.end()["deployed"] is True
        finally:
            dev.kill()
    finally:
        connect.stop_any(shop.state)
