"""Annotated JavaScript becomes an application: units, routes, stores, calls, and what is rewritten."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.diagnostics import Report, render_text
from klotho.driver.program import find_program

PETS = Path(__file__).parents[3] / "examples" / "annotated-pets"
MAP = '// @klotho::persist { id = "pets" }\n'
EXPOSE = '// @klotho::expose { id = "api" }\napp.listen(3000);\n'
APP = 'const express = require("express");\nconst app = express();\n'


def compiled(root: Path, files: Mapping[str, str]) -> tuple[Compiled, Report]:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    report = Report()
    return compile_code(root, "shop", report), report


def good(root: Path, files: Mapping[str, str]) -> Compiled:
    made, report = compiled(root, files)
    assert render_text(report.diagnostics, root) == ""
    return made


def told(root: Path, files: Mapping[str, str]) -> list[tuple[str, str]]:
    _, report = compiled(root, files)
    return [(item.code, str(item.span)) for item in report.diagnostics]


def relations(made: Compiled) -> set[tuple[str, str, str]]:
    return {(item.verb, str(item.actor), str(item.target)) for item in made.application.relationships}


def test_the_pets_are_two_units_with_their_files_stores_and_calls() -> None:
    report = Report()
    made = compile_code(PETS, None, report)
    assert report.diagnostics == []
    assert made.application.name == "annotated-pets"
    assert [(unit.name, unit.files) for unit in made.units] == [
        ("adoptions", ["adoptions.js", "policies.json"]),
        ("main", ["index.js", "routes/pets.js", "store.js"]),
    ]
    assert ("calls", "Compute.Function/main", "Compute.Function/adoptions") in relations(made)
    assert ("read_writes_to", "Compute.Function/main", "Databases.KeyValue/pets") in relations(made)
    assert ("read_writes_to", "Compute.Function/main", "Databases.KeyValue/adopted") not in relations(made)


def test_unannotated_files_are_the_same_bytes_and_rewritten_ones_keep_their_lines() -> None:
    made = compile_code(PETS, None, Report())
    for name in ("index.js", "routes/pets.js", "package.json"):
        assert made.files[f"main/{name}"] == (PETS / name).read_bytes()
    before = (PETS / "store.js").read_text(encoding="utf-8").splitlines()
    after = made.files["main/store.js"].decode().splitlines()
    changed = [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert changed == [1]
    assert after[1] == 'const pets = require("./klotho/map.cjs")("pets", new Map());'


def test_the_same_code_gives_the_same_bytes() -> None:
    one, other = compile_code(PETS, None, Report()), compile_code(PETS, None, Report())
    assert one.files == other.files
    assert one.application == other.application


def test_routers_nest_at_any_depth_with_every_way_to_import_them(tmp_path: Path) -> None:
    made = good(
        tmp_path,
        {
            "index.js": APP
            + 'const { Router } = require("express");\nconst inner = Router();\n'
            + 'app.use("/a", require("./a"), require("./b").router);\napp.use("/in", inner);\n'
            + "inner.all('/x', (q, s) => s.end());\n"
            + EXPOSE,
            "a.js": 'const express = require("express");\nconst r = express.Router();\nconst c = require("./deep/c");\n'
            'r.get("/:id", (q, s) => s.end());\nr.use("/c", c.routes);\nr.use(c.routes);\nmodule.exports = r;\n',
            "b.js": 'const express = require("express");\nconst router = express.Router();\n'
            'router.route("/b").get(f).put(g);\nrouter.get(["/one", "/two/"], f);\nexports.router = router;\n',
            "deep/c.js": 'const { Router: make } = require("express");\nconst routes = make();\n'
            'routes.post("/new", f);\nroutes.get("/*", f);\nmodule.exports = { routes };\n',
        },
    )
    (page,) = made.units
    assert set(page.routes["api"]) == {
        "GET /a/{id}",
        "POST /a/c/new",
        "POST /a/new",
        "GET /a/b",
        "PUT /a/b",
        "GET /a/one",
        "GET /a/two",
        "ANY /in/x",
    }
    routes = {item.properties.get("route") for item in made.application.relationships}
    assert "/" in routes  # whatever has no route of its own


def test_es_modules_are_split_too(tmp_path: Path) -> None:
    made = good(
        tmp_path,
        {
            "package.json": '{"type": "module"}',
            "index.js": 'import express from "express";\nimport api from "./api.js";\n'
            'import { one } from "./other.js";\n'
            'const app = express();\napp.use("/api", api);\napp.get("/", async (q, s) => s.json(await one()));\n'
            + EXPOSE,
            "api.js": 'import { Router } from "express";\nconst api = Router();\napi.get("/x", f);\n'
            "export default api;\n",
            "other.js": '// @klotho::execution_unit { id = "other" }\nexport const one = async () => 1;\n'
            "export function unused() {}\n",
        },
    )
    assert [unit.name for unit in made.units] == ["main", "other"]
    assert made.units[0].routes == {"api": ["GET /api/x", "GET /"]}
    assert b"export { f0 as one };" in made.files["main/other.js"]
    assert b"unused" not in made.files["main/other.js"]


@pytest.mark.parametrize(
    ("use", "line"),
    [
        ('const { f } = require("./b");\nf();\n', 1),
        ('const b = require("./b");\nb.f();\n', 2),
        ('const b = require("./b");\nb.value;\n', 2),
        ('const b = require("./b");\nb();\n', 2),
        ('const { nothing } = require("./b");\n', 1),
        ('export * from "./b.js";\n', 1),
    ],
)
def test_what_another_unit_can_not_be_called_for_is_an_error_at_its_line(tmp_path: Path, use: str, line: int) -> None:
    files = {
        "index.js": use + "const app = require('express')();\n" + EXPOSE,
        "b.js": '// @klotho::execution_unit { id = "b" }\nfunction f() {}\nexports.f = f;\nexports.value = 1;\n',
    }
    assert ("annotation-call", f"index.js:{line}") in told(tmp_path, files)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("async function f() { await pets.get(1); }", []),
        ("const f = async () => pets.get(1);", []),
        ("const f = () => Promise.all([pets.get(1), pets.set(2, 3)]);", []),
        ("async function f() { for (const x of await pets.values()) x; }", []),
        ("async function f() { if (pets.has(1)) pets.set(1, 2); }", ["annotation-await", "annotation-await"]),
        ("async function f() { for (const [k] of pets) k; }", ["annotation-await"]),
        ("async function f() { return pets.size + 1; }", ["annotation-await"]),
        ("async function f() { const p = await pets.get(1); p.age = 2; }", ["annotation-mutation"]),
        (
            "async function f() { const p = await pets.get(1); p.toys.push(2); delete p.x; }",
            ["annotation-mutation"] * 2,
        ),
        ("async function f() { const p = await pets.get(1); p.age++; await pets.set(1, p); }", []),
    ],
)
def test_what_a_map_of_this_machine_hides_is_warned_about(tmp_path: Path, code: str, expected: list[str]) -> None:
    files = {"index.js": f"{APP}{MAP}const pets = new Map();\n{code}\n{EXPOSE}"}
    assert [name for name, _ in told(tmp_path, files)] == expected
    inside = {
        "index.js": f'{APP}const {{ pets }} = require("./store");\n{code}\n{EXPOSE}',
        "store.js": f"{MAP}exports.pets = new Map();\n",
    }
    assert [name for name, _ in told(tmp_path, inside)] == expected


def test_who_only_reads_may_only_read(tmp_path: Path) -> None:
    reads = f"{APP}{MAP}const pets = new Map();\napp.get('/', async (q, s) => s.json(await pets.get(1)));\n{EXPOSE}"
    assert ("reads_from", "Compute.Function/main", "Databases.KeyValue/pets") in relations(
        good(tmp_path, {"index.js": reads})
    )


@pytest.mark.parametrize(
    ("files", "code", "place"),
    [
        ({"index.js": f"{APP}{MAP}const pets = [];\n{EXPOSE}"}, "annotation-without-effect", "index.js:3"),
        ({"index.js": '// @klotho::expose { id = "api" }\nf();\n'}, "annotation-without-effect", "index.js:1"),
        ({"index.js": f'require("./gone");\n{APP}{EXPOSE}'}, "annotation-unit", "index.js:1"),
        ({"a.js": f"{MAP}const a = new Map();\n"}, "annotation-unit", "None"),
        (
            {"a.js": '// @klotho::execution_unit { id = "a" }\nf();\n// @klotho::execution_unit { id = "b" }\ng();\n'},
            "annotation-unit",
            "a.js:3",
        ),
        (
            {
                "index.js": f'{APP}// @klotho::persist {{\n// id = "s"\n// secret = true\n// }}\n'
                f"const a = new Map();\n{EXPOSE}"
            },
            "annotation-without-effect",
            "index.js:3",
        ),
    ],
)
def test_what_can_not_be_compiled_is_refused_at_its_line(
    tmp_path: Path, files: dict[str, str], code: str, place: str
) -> None:
    assert (code, place) in told(tmp_path, files)


def test_ids_that_would_be_one_name_are_refused(tmp_path: Path) -> None:
    code = f'{APP}// @klotho::persist {{ id = "a/b" }}\nconst a = new Map();\n// @klotho::persist {{ id = "a-b" }}\n'
    assert told(tmp_path, {"index.js": f"{code}const b = new Map();\n{EXPOSE}"}) == [
        ("annotation-duplicate", "index.js:5")
    ]


def test_a_unit_that_nothing_reaches_is_told(tmp_path: Path) -> None:
    files = {
        "index.js": f'{APP}require("./b");\n{EXPOSE}',
        "b.js": '// @klotho::execution_unit { id = "b" }\nexports.f = async () => 1;\n',
    }
    assert told(tmp_path, files) == [("annotation-without-effect", "b.js:1")]


def test_names_no_file_can_have_lead_nowhere(tmp_path: Path) -> None:
    code = f'require("./{"x" * 5000}");\n{APP}{EXPOSE}'
    assert told(tmp_path, {"index.js": code}) == [("annotation-unit", "index.js:1")]


def test_an_application_nobody_knows_gets_all_routes_and_that_is_said(tmp_path: Path) -> None:
    files = {"index.js": 'const app = require("koa")();\n' + EXPOSE}
    made, report = compiled(tmp_path, files)
    assert [(item.code, item.severity) for item in report.diagnostics] == [("annotation-without-effect", "warning")]
    assert [item.properties for item in made.application.relationships] == [{"route": "/"}]


def test_annotated_code_is_a_program_where_there_is_no_infra_py(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(APP + EXPOSE)
    found = find_program(tmp_path)
    assert (found.annotated, found.folder) == (True, tmp_path.resolve())
    (tmp_path / "infra.py").write_text("")
    assert not find_program(tmp_path).annotated


def test_a_chain_of_a_thousand_files_is_one_unit(tmp_path: Path) -> None:
    files = {
        f"m{number}.js": f'const n = require("./m{number + 1}");\nexports.f = () => n;\n' * 3 for number in range(1000)
    }
    files["m1000.js"] = "exports.f = 1;\n"
    files["index.js"] = f'{APP}require("./m0");\n{EXPOSE}'
    assert len(good(tmp_path, files).units[0].files) == 1002


SHIMS = Path(__file__).parents[3] / "src/klotho/annotations/languages/javascript/shims"


def in_node(code: str, cwd: Path) -> str:
    done = subprocess.run(["node", "-e", code], cwd=cwd, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_values_keep_their_kind_between_units() -> None:
    code = """
      const { encode, decode } = require("./encoding.cjs");
      const assert = require("node:assert");
      class Lost extends Error { constructor(m) { super(m); this.name = "Lost"; this.code = 7n; } }
      const values = [null, true, "é🐔", 1.5, -0, NaN, -Infinity, undefined, 12345678901234567890n, new Date(5),
        new Uint8Array([0, 255]), Buffer.from("é"), [1, undefined, [2n]], { a: { b: new Set([1, "1"]) } },
        new Map([[{ k: 1 }, new Map()], ["x", new Date(0)]]), { $klotho: "date", value: 1 },
        JSON.parse('{"__proto__": 1}')];
      for (const value of values) assert.deepStrictEqual(decode(encode(value)), value);
      assert(Number.isNaN(decode(encode(new Date(NaN))).getTime()));
      const sent = Object.assign(new RangeError("far", { cause: new Lost("in") }), { at: new Date(1) });
      const error = decode(encode(sent));
      assert(error instanceof RangeError && error.cause instanceof Error && !(error.cause instanceof RangeError));
      assert.deepStrictEqual([error.message, error.at], ["far", new Date(1)]);
      assert.deepStrictEqual([error.cause.name, error.cause.code], ["Lost", 7n]);
      assert(error.stack.startsWith("RangeError: far"));
      const ring = {}; ring.ring = ring;
      for (const bad of [ring, () => 1, Symbol("x")]) assert.throws(() => encode(bad), TypeError);
    """
    in_node(code, SHIMS)


def test_a_compiled_unit_runs_with_plain_node(tmp_path: Path) -> None:
    """Not deployed, a store is the Map it was and another unit's function is that of the folder beside it."""
    made, report = compiled(
        tmp_path / "code",
        {
            "main.js": MAP + "const pets = new Map([[1, 'Rex']]);\nconst { hello } = require('./lib/b');\n"
            "module.exports.run = async () => [await pets.get(1), await hello(await pets.size)];\n",
            "lib/b.js": '// @klotho::execution_unit { id = "b" }\nexports.hello = async (n) => `hello ${n}`;\n',
            "package.json": json.dumps({"main": "main.js"}),
            "serve.js": '// @klotho::execution_unit { id = "a" }\n' + "exports.r = require('./main').run;\n",
        },
    )
    for name, content in made.files.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(content)
    assert report.errors == []
    said = in_node("require('./serve').r().then((r) => console.log(JSON.stringify(r)))", tmp_path / "out" / "a")
    assert json.loads(said) == ["Rex", "hello 1"]


def test_main_is_there_where_no_file_is_given_to_a_unit_or_one_that_is_not_exposes(tmp_path: Path) -> None:
    def units(files: Mapping[str, str]) -> list[tuple[str, list[str]]]:
        return [(unit.name, unit.files) for unit in good(tmp_path, files).units]

    unit = f"// @klotho::execution_unit {{ id = 'pets' }}\n{APP}{EXPOSE}"
    assert units({"index.js": 'require("./pets");\n', "pets.js": APP + EXPOSE}) == [("main", ["pets.js"])]
    assert units({"pets.js": unit}) == [("pets", ["pets.js"])]
    more = APP + EXPOSE.replace("api", "owners-api")
    assert units({"owners.js": more}) == [("main", ["owners.js"]), ("pets", ["pets.js"])]
