"""Functions in TypeScript, with npm packages, and in Python, with wheels, in one local cloud: deployed and called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases

klotho.Application("shop", project="PROJECT")
prices = Databases.KeyValue(name="prices", key="id")
front = API(name="front")
quote = Compute.Function(name="quote", handler="functions/quote.main")
quote.read_writes_to(prices)
front.attach_service(quote, route="/quote")
fast = Compute.Function(name="fast", handler="python/fast.main")
front.attach_service(fast, route="/fast")
"""
FILES = {
    "functions/quote.ts": """import { config } from "@klotho/runtime";
import { crc32 } from "@node-rs/crc32";
import ms from "ms";
import { label } from "@lib/label";

interface Request { rawPath: string; queryStringParameters?: Record<string, string> }

export const main = async (event: Request): Promise<object> => {
  if (event.queryStringParameters?.fail) {
    throw new Error("as asked");
  }
  const prices = await config.datastores.get<any>("prices");
  await prices.put({ id: "a", price: ms("1 minute") });
  const found = await prices.get({ id: "a" });
  return { statusCode: 200, body: JSON.stringify({ label: label("a"), price: found.price, sum: crc32("a") }) };
};
""",
    # Types alone need neither a file that runs nor a package; decorators bring functions of the bundler's own.
    "lib/label.ts": """import { Context } from "aws-lambda";
import { Named } from "./named";

function known(target: unknown, context: unknown): void {}

@known
class Label implements Named {
  constructor(readonly name: string) {}
}
export const label = (name: string, context?: Context): string => `one ${new Label(name).name}`;
""",
    "lib/named.ts": "export interface Named { name: string }\n",
    "tsconfig.json": '{ "compilerOptions": { "strict": true, "paths": { "@lib/*": ["./lib/*"] } } }',
    "package.json": '{ "dependencies": { "ms": "2.1.3", "@node-rs/crc32": "1.10.6" } }',
    "python/fast.py": "import orjson\n\n\ndef main(event, context):\n"
    "    return {'statusCode': 200, 'body': orjson.dumps({'fast': True}).decode()}\n",
    "python/requirements.txt": "orjson\n",
}


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        # Ports follow from the project's name, so every run takes one of its own.
        project = f"typescript-{sha256(str(folder).encode()).hexdigest()[:8]}"
        for name, text in {**FILES, "infra.py": PROGRAM.replace("PROJECT", project)}.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        homes = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
        self.environment = {**os.environ, **homes, "CI": "", "NO_COLOR": "1"}

    def klotho(self, *arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=150, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def get(self, path: str) -> Any:
        url = self.klotho("outputs", "front.url").stdout.strip()
        with urllib.request.urlopen(f"{url}{path}", timeout=20) as response:
            return json.loads(response.read())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("typescript"))
    made.klotho("up", "--yes")
    yield made
    made.klotho("down", "--delete-data", "shop")


def test_a_typescript_function_is_deployed_and_uses_its_packages_and_the_runtime_sdk(shop: Shop) -> None:
    assert shop.get("/quote") == {"label": "one a", "price": 60_000, "sum": 3904355907}


def test_a_python_function_uses_machine_code_of_its_packages(shop: Shop) -> None:
    assert shop.get("/fast") == {"fast": True}


def test_what_it_throws_is_told_at_the_line_of_the_source(shop: Shop) -> None:
    with pytest.raises(urllib.error.HTTPError):
        shop.get("/quote?fail=1")
    logs = shop.klotho("logs", "quote").stdout
    assert "as asked" in logs
    assert "functions/quote.ts:10:11" in logs


def test_a_syntax_error_keeps_the_old_code_serving_and_names_the_line(shop: Shop) -> None:
    source = shop.folder / "functions" / "quote.ts"
    try:
        source.write_text(FILES["functions/quote.ts"].replace("const found = await", "const found = = await"))
        done = shop.klotho("up", "--yes", exit_code=1)
        assert "functions/quote.ts:14" in done.stdout + done.stderr
        assert "no valid TypeScript" in done.stdout + done.stderr
        assert shop.get("/quote")["label"] == "one a"
    finally:
        source.write_text(FILES["functions/quote.ts"])


def test_a_changed_line_of_a_module_it_imports_is_live_after_up_and_nothing_else_is_touched(shop: Shop) -> None:
    (shop.folder / "lib" / "label.ts").write_text("export const label = (name: string): string => `two ${name}`;\n")
    done = shop.klotho("up", "--yes", "--json")
    touched = [item["name"] for item in json.loads(done.stdout)["stacks"] if item["result"] != "unchanged"]
    assert len(touched) == 1
    assert shop.get("/quote")["label"] == "two a"
