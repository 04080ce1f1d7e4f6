"""Routes of Fastify and Hono, and what is TypeScript's own: types, aliases, specifiers with the built file's ending."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import compiled, good, told

FASTIFY = """const app = require("fastify")({ logger: false });
app.get("/", async () => "up");
app.register(require("./books"), { prefix: "/books" });
app.register(async (inner) => { inner.delete("/all", async () => null); }, { prefix: "/admin" });
// @klotho::expose { id = "api" }
app.listen({ port: 3000 });
"""
BOOKS = """module.exports = async function books(app) {
  app.get("/:id", async (request) => request.params.id);
  app.route({ method: ["PUT", "PATCH"], url: "/:id", handler: async () => null });
  app.register(pages, { prefix: "/:id/pages" });
};
async function pages(app) {
  app.all("/last", async () => null);
}
"""
HONO = """import { Hono } from "hono";
import { serve } from "@hono/node-server";
import books from "./books.js";
const app = new Hono<{ Variables: { user: string } }>();
app.get("/", (c) => c.text("up")).post("/reset", (c) => c.body(null, 204));
app.route("/books", books);
// @klotho::expose { id = "api" }
serve({ fetch: app.fetch, port: 3000 });
"""
BASE = '{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["lib/*"] } } }'


def test_fastify_routes_of_plugins_at_any_depth_have_their_prefixes(tmp_path: Path) -> None:
    (page,) = good(tmp_path, {"index.js": FASTIFY, "books.js": BOOKS}).units
    assert set(page.routes["api"]) == {
        "GET /",
        "GET /books/{id}",
        "PUT /books/{id}",
        "PATCH /books/{id}",
        "ANY /books/{id}/pages/last",
        "DELETE /admin/all",
    }


@pytest.mark.parametrize("served", ["serve({ fetch: app.fetch, port: 3000 });", "serve(app);"])
def test_hono_routes_of_mounted_applications_have_their_prefixes(tmp_path: Path, served: str) -> None:
    books = 'import { Hono } from "hono";\nconst books = new Hono();\nbooks.get("/:id", f);\nexport default books;\n'
    text = HONO.replace("serve({ fetch: app.fetch, port: 3000 });", served)
    (page,) = good(tmp_path, {"index.ts": text, "books.ts": books}).units
    assert set(page.routes["api"]) == {"GET /", "POST /reset", "GET /books/{id}"}


PROJECT = {
    "tsconfig.json": '{ "extends": "./config/base", /* ours */ "compilerOptions": { "strict": true, }, }',
    "config/base.json": BASE,
    "config/lib/a.ts": "export const a = 1;\n",
    "src/index.ts": 'import { a } from "@/a.js";\nimport { Kind } from "./b.js";\nimport c = require("./c");\n'
    + 'import type { Gone } from "./gone.js";\nimport { add, Sum } from "./sums";\n'
    + 'import express from "express";\nconst app = express();\n// @klotho::expose { id = "api" }\napp.listen(3000);\n',
    "src/b.ts": "export enum Kind { One }\n",
    "src/c.cts": "export = { c: 1 };\n",
    "src/sums.ts": '// @klotho::execution_unit { id = "sums" }\nimport { a } from "@/a";\n'
    "export interface Sum { of: number }\n"
    "export async function add(n: number): Promise<Sum> { return { of: n + a }; }\n",
}


def test_typescript_imports_lead_through_aliases_built_endings_and_never_to_types(tmp_path: Path) -> None:
    main, sums = good(tmp_path, PROJECT).units
    assert sorted(main.files) == ["config/lib/a.ts", "src/b.ts", "src/c.cts", "src/index.ts"]
    assert sums.files == ["config/lib/a.ts", "src/sums.ts"]
    assert main.calls == ["sums: src/sums.ts add"]  # not the interface beside it


def test_what_is_unannotated_stays_as_it_is_with_the_configuration_it_needs(tmp_path: Path) -> None:
    made = good(tmp_path, PROJECT)
    for name in ("tsconfig.json", "config/base.json", "src/index.ts", "src/b.ts"):
        assert made.files[f"main/{name}"] == PROJECT[name].encode()


def test_an_alias_that_leads_nowhere_is_told_with_its_line(tmp_path: Path) -> None:
    found = told(tmp_path, {**PROJECT, "src/b.ts": 'import x from "@/nothing";\nexport enum Kind { One }\n'})
    assert found == [("annotation-unit", "src/b.ts:1")]


def test_a_missing_await_and_a_change_in_place_are_found_through_types(tmp_path: Path) -> None:
    code = """import express from "express";
// @klotho::persist { id = "pets" }
const pets: Map<string, string[]> = new Map<string, string[]>();
const app = express();
app.get("/:id", async (q, s) => {
  const one = (await pets.get(q.params.id))! as string[];
  one.push("seen");
  s.json(pets.get("x")!);
});
// @klotho::expose { id = "api" }
app.listen(3000);
"""
    expected = [("annotation-mutation", "index.ts:7"), ("annotation-await", "index.ts:8")]
    assert sorted(told(tmp_path, {"index.ts": code})) == sorted(expected)


ORDERS = Path(__file__).parents[3] / "examples" / "annotated-orders-typescript"


def test_the_annotated_orders_are_two_units_without_a_warning() -> None:
    report = Report()
    made = compile_code(ORDERS, None, report)
    assert report.diagnostics == []
    assert [unit.name for unit in made.units] == ["main", "pricing"]
    assert made.units[0].calls == ["pricing: src/pricing.ts price"]


@pytest.mark.parametrize(("ending", "written"), [("jsx", "jsx"), ("tsx", "js")])
def test_files_with_jsx_are_compiled_as_they_are(tmp_path: Path, ending: str, written: str) -> None:
    code = f"""import express from "express";
import {{ Page }} from "./page.{written}";
// @klotho::persist {{ id = "pets" }}
const pets = new Map();
const app = express();
app.get("/", async (q, s) => s.send(<Page all={{await pets.size}}>{{pets.get("x")}}</Page>));
// @klotho::expose {{ id = "api" }}
app.listen(3000);
"""
    page = "export const Page = ({ all, children }) => <><b>{all}</b>{children}</>;\n"
    configuration = '{"compilerOptions": {"jsx": "react-jsx"}}'
    files = {f"index.{ending}": code, f"page.{ending}": page, "tsconfig.json": configuration}
    assert told(tmp_path, files) == [("annotation-await", f"index.{ending}:6")]
    made, _ = compiled(tmp_path, files)
    assert made.units[0].stores == ["pets"]
    assert made.files[f"main/page.{ending}"] == page.encode()
    assert made.files[f"main/index.{ending}"].decode().splitlines()[4:8] == code.splitlines()[4:8]
    assert "main/tsconfig.json" in made.files
