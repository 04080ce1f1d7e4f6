"""`ttl` of what is persisted: the table it becomes, what is rewritten, and where it has no meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.diagnostics import Report, render_text
from tests.unit.annotations.test_compiling import APP, EXPOSE, Compiled, compiled, good

SERVE = '# @klotho::expose { id = "reports-api" }\napp = FastAPI()\n'
UNIT = '# @klotho::execution_unit { id = "reports" }\nfrom fastapi import FastAPI\n'


def js(*directives: str, id: str = "codes") -> str:
    return "/* @klotho::persist {\n" + "\n".join((f'id = "{id}"', *directives)) + "\n} */\n"


def py(*directives: str) -> str:
    return "# @klotho::persist {\n# " + "\n# ".join(('id = "codes"', *directives)) + "\n# }\n"


def tables(made: Compiled) -> list[dict[str, object]]:
    return [dict(item.properties) for item in made.application.constructs if item.kind == "Databases.KeyValue"]


def said(report: Report) -> list[tuple[str, str, str]]:
    return [(item.code, str(item.span), item.message) for item in report.diagnostics]


@pytest.mark.parametrize("is_esm", [False, True])
def test_entries_of_a_map_end(tmp_path: Path, is_esm: bool) -> None:
    name, head = ("index.mjs", APP.replace('const express = require("express")', 'import express from "express"'))
    if not is_esm:
        name, head = "index.js", APP
    made = good(tmp_path, {name: f"{head}{js('ttl = 90')}const codes = new Map();\n{EXPOSE}"})
    assert tables(made) == [{"key": [["key", "S"]], "ttl": "until"}]
    line = made.files[f"main/{name}"].decode().splitlines()[6]
    assert line.endswith('("codes", new Map(), 90);')


def test_entries_of_a_dict_end(tmp_path: Path) -> None:
    made = good(tmp_path, {"main.py": f"from fastapi import FastAPI\n{py('ttl = 90')}codes = {{}}\n{SERVE}"})
    assert tables(made) == [{"key": [["key", "S"]], "ttl": "until"}]
    assert made.files["main/main.py"].decode().splitlines()[5].endswith('.persisted("codes", {}, 90)')


def test_units_of_two_languages_say_the_same_time(tmp_path: Path) -> None:
    script = f"{APP}{js('ttl = 90')}const codes = new Map();\n{EXPOSE}"
    files = {"index.js": script, "reports.py": f"{UNIT}{py('ttl = 90')}codes = {{}}\n{SERVE}"}
    assert tables(good(tmp_path, files)) == [{"key": [["key", "S"]], "ttl": "until"}]
    for other in (py("ttl = 91"), py()):
        _, report = compiled(tmp_path, {"reports.py": f"{UNIT}{other}codes = {{}}\n{SERVE}"})
        (problem,) = report.errors
        assert (problem.code, str(problem.span)) == ("annotation-duplicate", "reports.py:3")
        shown = render_text(report.errors, tmp_path)
        assert "the Databases.KeyValue `codes` here, whose entries are there for 90 s" in shown


def test_a_map_and_a_cache_are_not_the_same_table(tmp_path: Path) -> None:
    cache = f"from aiocache import Cache\n{py()}codes = Cache(ttl=90)\n"
    files = {"index.js": f"{APP}{js()}const codes = new Map();\n{EXPOSE}", "reports.py": UNIT + cache + SERVE}
    _, report = compiled(tmp_path, files)
    assert [item[:2] for item in said(report)] == [("annotation-duplicate", "reports.py:4")]


@pytest.mark.parametrize(
    ("directive", "statement", "why"),
    [
        ("", 'const codes = require("fs/promises");', "nothing ends in it"),
        ("secret = true", 'const codes = require("fs/promises");\ncodes.readFile("a.pem");', "nothing ends in it"),
        ("", 'const { Pool } = require("pg");\n// @klotho::persist\nconst codes = new Pool();', "nothing ends in it"),
        (
            '[environment_variables]\nURL = "orm.connection_string"',
            "const url = process.env.URL;",
            "nothing ends in it",
        ),
    ],
)
def test_what_has_no_entries_has_no_time(tmp_path: Path, directive: str, statement: str, why: str) -> None:
    annotation = js("ttl = 90", directive)
    if "// @klotho::persist\n" in statement:
        statement = statement.replace("// @klotho::persist\n", annotation)
        annotation = ""
    package = '{"name": "shop", "dependencies": {"pg": "8", "express": "4"}}'
    made, report = compiled(tmp_path, {"index.js": f"{APP}{annotation}{statement}\n{EXPOSE}", "package.json": package})
    assert made.application.constructs
    assert [(item[0], item[2]) for item in said(report)] == [
        ("annotation-directive", f'`ttl` of `@klotho::persist` "codes" is not for such a statement: {why}')
    ]


def test_a_cache_says_its_time_itself(tmp_path: Path) -> None:
    code = f"from aiocache import Cache\nfrom fastapi import FastAPI\n{py('ttl = 90')}codes = Cache()\n{SERVE}"
    _, report = compiled(tmp_path, {"main.py": code})
    assert said(report) == [
        (
            "annotation-directive",
            "main.py:3",
            '`ttl` of `@klotho::persist` "codes" is not for such a statement: a cache says it itself',
        )
    ]


@pytest.mark.parametrize("name", ["versioned", "batch_write", "write_on_change"])
def test_what_a_map_can_not_promise_is_refused_with_what_to_write(tmp_path: Path, name: str) -> None:
    script = f"{APP}{js(f'{name} = true')}const codes = new Map();\n{EXPOSE}"
    _, report = compiled(
        tmp_path, {"index.js": script, "reports.py": f"{UNIT}{py(f'{name} = true')}codes = {{}}\n{SERVE}"}
    )
    assert [item[:2] for item in said(report)] == [
        ("annotation-not-yet", "index.js:3"),
        ("annotation-not-yet", "reports.py:3"),
    ]
    assert all(item.message.startswith(f"`{name}` of `@klotho::persist` is not supported: ") for item in report.errors)
    assert all(item.helps for item in report.errors)
    good(
        tmp_path,
        {
            "index.js": script.replace("= true", "= false"),
            "reports.py": f"{UNIT}{py(f'{name} = false')}codes = {{}}\n{SERVE}",
        },
    )
