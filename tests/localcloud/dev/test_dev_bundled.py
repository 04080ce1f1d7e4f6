"""`klotho dev` of a function that is bundled: TypeScript."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.localcloud import connect
from tests.localcloud.dev.dev_harness import Dev, Shop

pytestmark = pytest.mark.localcloud

FILES = {
    "infra.py": """\
import klotho
from klotho import API, Compute
klotho.Application("shop")
ts = Compute.Function(name="ts", handler="src/ts.handler")
API(name="api").attach_service(ts, route="/ts")
""",
    "src/ts.ts": """\
import { word } from "./words";

export const handler = async (): Promise<object> => ({ statusCode: 200, body: word("one") });
""",
    "src/words.ts": "export const word = (text: string): string => `${text}!`;\n",
}


def test_a_typescript_function_is_bundled_and_swapped_and_mistakes_are_shown_at_their_line(tmp_path: Path) -> None:
    shop = Shop(tmp_path, FILES)
    try:
        dev = Dev(shop)
        try:
            assert dev.get("/ts") == "one!"
            shop.replace("src/words.ts", "!", "?")
            event = dev.reloaded("ts")
            assert (event["event"], event["files"], dev.get("/ts")) == ("reloaded", ["src/words.ts"], "one?")
            right = (shop.folder / "src/words.ts").read_text()
            shop.write("src/words.ts", "\nexport const word = (;\n")
            event = dev.reloaded("ts")
            found = event["diagnostics"][0]["labels"][0]["span"]
            assert (event["event"], found["file"], found["line"]) == ("refused", "src/words.ts", 2)
            assert dev.get("/ts") == "one?"
            shop.write("src/words.ts", right)
            assert dev.reloaded("ts")["event"] == "reloaded"
            assert dev.end()["deployed"] is True
            assert dev.get("/ts") == "one?"
        finally:
            dev.kill()
    finally:
        connect.stop_any(shop.state)
