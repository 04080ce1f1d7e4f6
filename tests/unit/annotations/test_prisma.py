"""Prisma: the adapter of a client is what is told of the database, wherever it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application import ConstructId
from tests.unit.annotations.test_compiling import APP, EXPOSE, compiled, good

PACKAGE = '{"dependencies": {"express": "5", "pg": "8", "@prisma/client": "7", "@prisma/adapter-pg": "7"}}'
PERSIST = '// @klotho::persist { id = "films" }\n'
FILES = {"package.json": PACKAGE, "generated/prisma/client.js": "exports.PrismaClient = class {};\n"}
IMPORTS = 'const { PrismaPg } = require("@prisma/adapter-pg");\n'
IMPORTS += 'const { PrismaClient } = require("./generated/prisma/client");\n'
WRAPPED = 'new (require("./klotho/postgres.cjs")("films", "prisma", PrismaPg))('


@pytest.mark.parametrize(
    "code",
    [
        f"{PERSIST}const prisma = new PrismaClient({{ adapter: new PrismaPg(url) }});\n",
        f"const adapter = new PrismaPg({{}});\n{PERSIST}const prisma = new PrismaClient({{ adapter, log: [] }});\n",
        f"const pg = new PrismaPg({{}});\n{PERSIST}exports.db = new PrismaClient({{ adapter: pg }}).$extends({{}});\n",
        f"{PERSIST}const prisma = global.prisma ?? new PrismaClient({{ adapter: new PrismaPg({{}}) }});\n",
        f"{PERSIST}const adapter = new PrismaPg({{}});\nconst prisma = new PrismaClient({{ adapter }});\n",
    ],
)
def test_the_adapter_of_a_client_gets_the_database_where_it_is_made(tmp_path: Path, code: str) -> None:
    made = good(tmp_path, {**FILES, "index.js": f"{IMPORTS}{APP}{code}{EXPOSE}"})
    assert made.files["main/index.js"].decode().count(WRAPPED) == 1
    assert ConstructId("Databases.Postgres/films") in {item.id for item in made.application.constructs}
    assert "main/generated/prisma/client.js" in made.files


def test_a_client_in_node_modules_is_refused_with_where_to_generate_it(tmp_path: Path) -> None:
    imports = IMPORTS.replace("./generated/prisma/client", "@prisma/client")
    code = f"{PERSIST}const prisma = new PrismaClient({{ adapter: new PrismaPg({{}}) }});\n"
    _, report = compiled(tmp_path, {**FILES, "index.js": f"{imports}{APP}{code}{EXPOSE}"})
    assert [(item.code, str(item.span)) for item in report.diagnostics] == [("annotation-not-yet", "index.js:2")]
    assert "output" in report.diagnostics[0].helps[0]


def test_another_adapter_is_refused_by_the_name_of_the_client(tmp_path: Path) -> None:
    code = f"{PERSIST}const prisma = new PrismaClient({{ adapter: new PrismaNeon({{}}) }});\n"
    _, report = compiled(tmp_path, {**FILES, "index.js": f"{IMPORTS}{APP}{code}{EXPOSE}"})
    message = "`PrismaClient` of Prisma under `@klotho::persist` is not supported yet"
    assert [(str(item.span), item.message) for item in report.diagnostics] == [("index.js:5", message)]


def test_the_package_of_the_driver_is_asked_for(tmp_path: Path) -> None:
    code = f"{PERSIST}const prisma = new PrismaClient({{ adapter: new PrismaPg({{}}) }});\n"
    files = {**FILES, "package.json": "{}", "index.js": f"{IMPORTS}{APP}{code}{EXPOSE}"}
    _, report = compiled(tmp_path, files)
    assert [item.code for item in report.diagnostics] == ["annotation-package"]


def test_what_the_grammar_lacks_is_no_mistake_of_the_program(tmp_path: Path) -> None:
    generated = "// @ts-nocheck\nexport type Ints = { in?: number[] };\n"
    sql = 'export type * from "./types.js";\ninterface Row { id: number }\n'
    sql += "export const all = (sql: any) => sql<Row[]>`SELECT ${1}`;\n"
    main = 'import "./generated.js";\nimport "./sql.js";\nimport express from "express";\nconst app = express();\n'
    files = {"package.json": PACKAGE, "generated.ts": generated, "sql.ts": sql, "index.ts": f"{main}{EXPOSE}"}
    good(tmp_path, files)
    _, report = compiled(tmp_path, {**files, "sql.ts": "export const all = (;\n"})
    assert [item.code for item in report.diagnostics] == ["source-syntax"]
