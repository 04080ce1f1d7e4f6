"""What is not supported is refused by its name, at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import APP, EXPOSE, compiled

PERSIST = '// @klotho::persist { id = "x" }\n'
PERSIST_PY = '# @klotho::persist { id = "x" }\n'
FLASK = 'from flask import Flask\n# @klotho::expose { id = "api" }\napp = Flask("x")\n'
EXPOSE_PY = '# @klotho::expose { id = "api" }\n'


def said(report: Report) -> list[tuple[str, str, str]]:
    return [(item.code, str(item.span), item.message) for item in report.diagnostics]


@pytest.mark.parametrize(
    ("imports", "statement", "name"),
    [
        (
            'const { LRUCache } = require("lru-cache");',
            "const x = new LRUCache({ max: 5 });",
            "`LRUCache` of lru-cache",
        ),
        ('const mongoose = require("mongoose");', "mongoose.connect(process.env.URL);", "`connect` of Mongoose"),
        (
            'const { drizzle } = require("drizzle-orm/node-postgres");',
            "const x = drizzle(url);",
            "`drizzle` of Drizzle",
        ),
        ("", "const x = require('@acme/store')();", "`@acme/store`"),
        (
            'const { PrismaClient } = require("@prisma/client");',
            "const x = new PrismaClient();",
            "`PrismaClient` of Prisma",
        ),
    ],
)
def test_what_a_library_of_javascript_makes_is_refused_by_its_name(
    tmp_path: Path, imports: str, statement: str, name: str
) -> None:
    _, report = compiled(tmp_path, {"index.js": f"{imports}\n{APP}{PERSIST}{statement}\n{EXPOSE}"})
    message = f"{name} under `@klotho::persist` is not supported yet"
    assert said(report) == [("annotation-not-yet", "index.js:4", message)]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import peewee\n{}db = peewee.SqliteDatabase('x')", "`SqliteDatabase` of Peewee under"),
        ("from tortoise import Tortoise\n{}x = Tortoise.init()", "`Tortoise` of Tortoise ORM under"),
        ("import redis\n{}x = redis.Sentinel([])", "`Sentinel` of redis-py under"),
        ("import sqlite3\n{}x = sqlite3.connect('x')", "`connect` of sqlite3 under"),
        ("INSTALLED_APPS = []\n{}CACHES = {{'default': 1}}", "`CACHES` of Django under"),
    ],
)
def test_what_a_library_of_python_makes_is_refused_by_its_name(tmp_path: Path, code: str, message: str) -> None:
    made, report = compiled(tmp_path, {"main.py": f"{code.format(PERSIST_PY)}\n{FLASK}"})
    assert [item[:2] for item in said(report)] == [("annotation-not-yet", "main.py:2")]
    assert said(report)[0][2] == f"{message} `@klotho::persist` is not supported yet"
    assert made.units[0].stores == []


@pytest.mark.parametrize(
    ("code", "line", "name"),
    [
        (f'{APP}const next = require("next");\n{EXPOSE}', 3, "Next.js"),
        (f'import sails from "sails";\nconst app = sails();\n{EXPOSE}', 1, "Sails"),
        (f'const Adonis = require("@adonisjs/core");\nconst app = Adonis();\n{EXPOSE}', 1, "AdonisJS"),
    ],
)
def test_a_framework_of_javascript_that_does_not_hold_is_refused_at_its_import(
    tmp_path: Path, code: str, line: int, name: str
) -> None:
    _, report = compiled(tmp_path, {"index.js": code})
    assert said(report) == [("annotation-not-yet", f"index.js:{line}", f"{name} is not supported yet")]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("from django.core.asgi import get_asgi_application\n{}app = get_asgi_application()\n", "Django"),
        ("from aiohttp import web\n{}app = web.Application()\n", "aiohttp"),
        ("import tornado.web\n{}app = tornado.web.Application()\n", "Tornado"),
    ],
)
def test_a_framework_of_python_that_does_not_hold_is_refused(tmp_path: Path, code: str, name: str) -> None:
    _, report = compiled(tmp_path, {"main.py": code.format(EXPOSE_PY)})
    assert said(report) == [("annotation-not-yet", "main.py:2", f"{name} is not supported yet")]


@pytest.mark.parametrize(
    ("path", "code", "line", "name"),
    [
        ("index.js", f'const Koa = require("koa");\nconst app = new Koa();\n{EXPOSE}', 3, "Koa"),
        ("index.js", f'const app = require("polka")();\n{EXPOSE}', 2, "Polka"),
        ("main.py", f"from quart import Quart\n{EXPOSE_PY}app = Quart(__name__)\n", 2, "Quart"),
    ],
)
def test_a_framework_whose_routes_are_not_known_gives_its_unit_all_requests(
    tmp_path: Path, path: str, code: str, line: int, name: str
) -> None:
    made, report = compiled(tmp_path, {path: code})
    message = f'the routes of {name} are not supported yet: the unit of `@klotho::expose` "api" gets all requests'
    assert said(report) == [("annotation-without-effect", f"{path}:{line}", message)]
    assert [item.properties for item in made.application.relationships] == [{"route": "/"}]
