"""Routers of another unit move with their routes, in every framework; what can't be told apart is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled
from tests.unit.annotations.test_compiling import APP, EXPOSE, compiled, good, told

PETS = '// @klotho::execution_unit { id = "pets" }\n'
EXPRESS = {
    "index.js": APP + 'app.use(express.json());\napp.use("/pets", require("./pets"));\n'
    'app.get("/", (q, s) => s.end());\napp.get("/pets/late", f);\napp.get("/:a/:b", f);\n' + EXPOSE,
    "pets.js": PETS + 'const { store } = require("./store");\nconst router = require("express").Router();\n'
    'router.get("/:id", f);\nrouter.use(auth);\nmodule.exports = router;\n',
    "store.js": '// @klotho::persist { id = "pets" }\nexports.store = new Map();\n',
}
FASTIFY = {
    "index.js": 'const app = require("fastify")();\napp.register(require("./pets"), { prefix: "/pets" });\n'
    'app.get("/", f);\n' + EXPOSE,
    "pets.js": PETS + 'module.exports = async function (app) {\n  app.get("/:id", f);\n};\n',
}
HONO = {
    "index.ts": 'import { Hono } from "hono";\nimport { serve } from "@hono/node-server";\n'
    'import pets from "./pets.js";\nconst app = new Hono();\napp.route("/pets", pets);\napp.get("/", f);\n'
    '// @klotho::expose { id = "api" }\nserve(app);\n',
    "pets.ts": PETS + 'import { Hono } from "hono";\nconst pets = new Hono();\npets.get("/:id", f);\n'
    "export default pets;\n",
}
UNIT = '# @klotho::execution_unit { id = "pets" }\n'
FASTAPI = {
    "main.py": "from fastapi import FastAPI\nfrom routers import pets\n"
    '# @klotho::expose { id = "api" }\napp = FastAPI(openapi_url=None)\napp.include_router(pets.router)\n'
    '@app.get("/")\ndef root(): ...\n',
    "routers/__init__.py": "",
    "routers/pets.py": UNIT + 'from fastapi import APIRouter\nrouter = APIRouter(prefix="/pets")\n'
    '@router.get("/{id}")\ndef one(id): ...\n',
}
FLASK = {
    "main.py": "from flask import Flask\nfrom pets import pets\n"
    '# @klotho::expose { id = "api" }\napp = Flask(__name__)\napp.register_blueprint(pets, url_prefix="/pets")\n'
    '@app.get("/")\ndef root(): ...\n',
    "pets.py": UNIT + 'from flask import Blueprint\npets = Blueprint("pets", __name__, url_prefix="/gone")\n'
    '@pets.get("/<id>")\ndef one(id): ...\n',
}


def attached(made: Compiled) -> set[tuple[str, str]]:
    return {
        (item.properties["route"], str(item.target).rpartition("/")[2])
        for item in made.application.relationships
        if item.verb == "attach_service"
    }


@pytest.mark.parametrize(
    "files", [EXPRESS, FASTIFY, HONO, FASTAPI, FLASK], ids=["express", "fastify", "hono", "fastapi", "flask"]
)
def test_a_router_of_another_unit_moves_with_its_routes(tmp_path: Path, files: Mapping[str, str]) -> None:
    made = good(tmp_path, files)
    assert attached(made) == {("/", "main"), ("/pets", "pets")}
    main, pets = made.units
    assert pets.routes == {"api": ["GET /pets/{id}"]}
    assert "GET /" in main.routes["api"]
    assert "GET /pets/{id}" not in main.routes["api"]
    (application,) = (name for name in files if "klotho::expose" in files[name])
    (router,) = (name for name in files if "execution_unit" in files[name])
    assert application in pets.files, "what stands before and after the router holds there, too"
    for unit in ("main", "pets"):
        assert made.files[f"{unit}/{application}"] == files[application].encode()
    assert made.files[f"pets/{router}"] == files[router].encode()
    assert b"/{id}" not in made.files[f"main/{router}"]


def test_only_the_router_s_unit_has_what_the_router_uses(tmp_path: Path) -> None:
    made = good(tmp_path, EXPRESS)
    main, pets = made.units
    assert (main.stores, pets.stores) == ([], ["pets"])
    assert "main/store.js" not in made.files
