"""`config` with `secret = true`: variables of the environment that are secrets, in each language."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.annotations.test_compiling import APP, EXPOSE, SHIMS, compiled, good, in_node, relations, told

MARK = '// @klotho::config {\n//   id = "key"\n//   secret = true\n// }\n'
PY = MARK.replace("//", "#")
SERVE = 'import os\nfrom fastapi import FastAPI\n# @klotho::expose { id = "api" }\napp = FastAPI()\n'
USES = {("uses", "Compute.Function/main", "Secret/key")}


@pytest.mark.parametrize(
    "statement",
    [
        "const key = process.env.API_KEY;",
        'exports.key = process.env["API_KEY"] ?? "test";',
        "const { API_KEY } = process.env;",
        'const { API_KEY: key = "test" } = process.env;',
        "const client = new Client({ key: process.env.API_KEY, region: 'x' });",
        "if (!process.env.API_KEY) throw new Error('API_KEY is not set');",
    ],
)
def test_a_statement_that_reads_one_variable_makes_it_a_secret_and_stays_as_it_is(
    tmp_path: Path, statement: str
) -> None:
    code = f"{APP}{MARK}{statement}\n{EXPOSE}"
    made = good(tmp_path, {"index.js": code})
    assert relations(made) >= USES
    assert made.files["main/index.js"].decode() == code
    assert (
        b'ready: () => require("./environment.cjs")({"API_KEY": ["secrets", "key", "value"]}),'
        in made.files["main/klotho/unit.cjs"]
    )
    assert "main/klotho/environment.cjs" in made.files


@pytest.mark.parametrize(
    "lines",
    [
        'import { env } from "node:process";\n{}const k: string = env.API_KEY!;',
        "{}export default process.env.API_KEY as string;",
    ],
)
def test_typescript_too(tmp_path: Path, lines: str) -> None:
    begin = 'import "./config.js";\nimport express from "express";\nconst app = express();\n'
    made = good(tmp_path, {"index.ts": begin + EXPOSE, "config.ts": lines.replace("{}", MARK) + "\n"})
    assert relations(made) >= USES


@pytest.mark.parametrize(
    "statement",
    [
        'KEY = os.environ["API_KEY"]',
        'KEY = os.environ.get("API_KEY", "test")',
        'CLIENT = Client(key=os.getenv("API_KEY"))',
        'from os import environ as e\nif "x": e["API_KEY"]',
    ],
)
def test_python_too(tmp_path: Path, statement: str) -> None:
    first, _, second = statement.rpartition("\n")
    code = f"{SERVE}{first}\n{PY}{second}\n"
    made = good(tmp_path, {"main.py": code, "requirements.txt": "fastapi\n"})
    assert relations(made) >= USES
    assert made.files["main/main.py"].decode() == code
    unit = made.files["main/klotho_unit/unit.py"].decode()
    assert unit.index('given({"API_KEY": ["secrets", "key", "value"]})') < unit.index('import_module("main")')


def test_every_unit_that_reads_the_variable_has_the_secret_and_no_other_one(tmp_path: Path) -> None:
    unit = '// @klotho::execution_unit {{ id = "{0}" }}\nexports.{0} = async () => process.env.{1};\n'
    use = 'require("./config");\nconst { one } = require("./one");\nconst { two } = require("./two");\n'
    files = {
        "index.js": f"{APP}{use}{EXPOSE}",
        "config.js": f"{MARK}exports.key = process.env.API_KEY;\n",
        "one.js": unit.format("one", "API_KEY"),
        "two.js": unit.format("two", "OTHER"),
    }
    found = {actor for verb, actor, target in relations(good(tmp_path, files)) if target == "Secret/key"}
    assert found == {"Compute.Function/main", "Compute.Function/one"}


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (f"{MARK}const key = readKey();\n", ("annotation-without-effect", "index.js:3")),
        (f"{MARK}const key = process.env[NAME];\n", ("annotation-without-effect", "index.js:3")),
        (f"{MARK}const all = {{ a: process.env.A, b: process.env.B }};\n", ("annotation-not-yet", "index.js:3")),
        (f"{MARK}const region = process.env.AWS_REGION;\n", ("annotation-not-yet", "index.js:3")),
        (
            f"{MARK}const a = process.env.A;\n{MARK.replace('key', 'two')}const b = process.env.A;\n",
            ("annotation-duplicate", "index.js:8"),
        ),
        ('// @klotho::config { id = "key" }\nconst a = process.env.A;\n', ("annotation-not-yet", "index.js:3")),
    ],
)
def test_what_is_no_secret_is_refused_at_its_line(tmp_path: Path, code: str, problem: tuple[str, str]) -> None:
    assert problem in told(tmp_path, {"index.js": APP + code + EXPOSE})


def fake_runtime(folder: Path, code: str) -> None:
    (folder / "node_modules/@klotho/runtime").mkdir(parents=True)
    (folder / "node_modules/@klotho/runtime/index.js").write_text(code)


UNIT: Mapping[str, str] = {
    "unit.cjs": 'module.exports = { name: "main", calls: {}, entries: [() => import("./code.cjs")],\n'
    '  ready: () => require("./environment.cjs")({ API_KEY: ["secrets", "key", "value"] }) };\n',
    "code.cjs": "globalThis.loaded = process.env.API_KEY;\n",
}


def test_code_is_loaded_once_its_secrets_have_values(tmp_path: Path) -> None:
    fake_runtime(
        tmp_path,
        "const get = async (name) => {\n  if (!globalThis.value) throw new Error(`${name} is not set`);\n"
        "  return { value: globalThis.value };\n};\nexports.config = { secrets: { get } };\n",
    )
    for name in ("handler.cjs", "answer.cjs", "routers.cjs", "environment.cjs", "encoding.cjs"):
        shutil.copy(SHIMS / name, tmp_path / name)
    for name, content in UNIT.items():
        (tmp_path / name).write_text(content)
    code = """
      const assert = require("node:assert");
      const { handler } = require("./handler.cjs");
      process.env.AWS_LAMBDA_RUNTIME_API = "127.0.0.1:9";
      (async () => {
        await assert.rejects(handler({}), /key is not set/);
        assert.equal("loaded" in globalThis, false);
        globalThis.value = "s3cret";
        await assert.rejects(handler({}), /no request, no call and no event/);
        assert.equal(globalThis.loaded, "s3cret");
      })().catch((error) => { console.log(error); process.exit(1); });
    """
    in_node(code, tmp_path)


def test_python_code_is_loaded_once_its_secrets_have_values(tmp_path: Path) -> None:
    code = f'import os\n# @klotho::execution_unit {{ id = "a" }}\n{PY}KEY = os.environ["API_KEY"]\nprint(KEY)\n'
    made, _ = compiled(tmp_path, {"keys.py": code})
    fake = {
        "klotho/__init__.py": "from types import SimpleNamespace as Space\nvalues = {}\n"
        "def get(name):\n    from klotho.runtime.errors import SecretNotSetError\n"
        "    if name not in values:\n        raise SecretNotSetError(name)\n    return Space(value=values[name])\n"
        "config = Space(secrets=Space(get=get))\n",
        "klotho/runtime/__init__.py": "",
        "klotho/runtime/errors.py": "class SecretNotSetError(Exception):\n    pass\n",
    }
    files = {path.removeprefix("a/"): content for path, content in made.files.items() if path.startswith("a/")}
    for name, content in {**files, **{name: text.encode() for name, text in fake.items()}}.items():
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(content)
    tried = (
        "import os\nos.environ['AWS_LAMBDA_RUNTIME_API'] = '127.0.0.1:9'\n"
        "import klotho\nfrom klotho_unit.handler import handler\n"
        "for value in (None, 's3cret', 'later'):\n    try:\n        handler({}, None)\n"
        "    except Exception as error:\n        print(type(error).__name__)\n"
        "    klotho.values['key'] = 's3cret'\n"
    )
    command = [sys.executable, "-c", tried]
    said = subprocess.run(command, cwd=tmp_path / "a", capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.split() == ["SecretNotSetError", "s3cret", "ValueError", "ValueError"]
