"""Routers of another unit move with their routes, in every framework; what can't be told apart is refused."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import APP, EXPOSE, compiled, good, relations, told
from tests.unit.annotations.test_grammar import mutated

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
EXPRESS_TS = {
    "index.ts": 'import express from "express";\nimport { router as pets } from "./routes/index.js";\n'
    'const app = express();\nconst prefix = "/pets";\napp.use(prefix, auth(), pets);\napp.get("/", f);\n' + EXPOSE,
    "routes/index.ts": 'import { router } from "./pets.js";\nexport { router };\n',
    "routes/pets.ts": PETS + 'import { Router } from "express";\nexport const router: Router = Router();\n'
    'router.get("/:id", f);\nexport async function count() { return 1; }\n',
}
FASTIFY_TS = {
    "index.ts": 'import Fastify from "fastify";\nimport pets from "./pets.js";\nconst app = Fastify();\n'
    'app.register(pets, { prefix: "/pets" });\napp.get("/", f);\n' + EXPOSE,
    "pets.ts": PETS + 'import type { FastifyInstance } from "fastify";\n'
    'export default async function pets(app: FastifyInstance) {\n  app.get("/:id", f);\n}\n',
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
    "files",
    [EXPRESS, EXPRESS_TS, FASTIFY, FASTIFY_TS, HONO, FASTAPI, FLASK],
    ids=["express", "express-ts", "fastify", "fastify-ts", "hono", "fastapi", "flask"],
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


def test_routers_of_routers_go_each_to_its_own_unit(tmp_path: Path) -> None:
    files = {
        "index.js": APP + 'app.use("/api", require("./api"));\n' + EXPOSE,
        "api.js": '// @klotho::execution_unit { id = "api" }\nconst router = require("express").Router();\n'
        'router.get("/", f);\nrouter.use("/pets", require("./pets"));\nmodule.exports = router;\n',
        "pets.js": EXPRESS["pets.js"],
        "store.js": EXPRESS["store.js"],
    }
    made = good(tmp_path, files)
    assert attached(made) == {("/", "main"), ("/api", "api"), ("/api/pets", "pets")}
    assert made.units[2].files == ["api.js", "index.js", "pets.js", "store.js"]
    # What an API tells apart and the application does not, such as `/api/pets/`, is handed on.
    calls = {(actor[17:], target[17:]) for verb, actor, target in relations(made) if verb == "calls"}
    assert calls == {("main", "api"), ("main", "pets"), ("api", "pets")}


def test_routers_of_one_prefix_are_told_apart_by_their_routes(tmp_path: Path) -> None:
    users = PETS.replace("pets", "users") + 'const router = require("express").Router();\n'
    files = {
        "index.js": APP + 'app.use("/api", require("./pets"));\napp.use("/api", require("./users"));\n' + EXPOSE,
        "pets.js": PETS + 'const router = require("express").Router();\nrouter.get("/pets", f).post("/pets/:id", f);\n'
        "module.exports = router;\n",
        "users.js": users + 'router.get("/users/:id", f);\nmodule.exports = router;\n',
    }
    assert attached(good(tmp_path, files)) == {("/", "main"), ("/api/pets", "pets"), ("/api/users/{id}", "users")}


ROUTER = 'const router = require("express").Router();\n'


@pytest.mark.parametrize(
    ("mounts", "pets", "users", "line"),
    [
        ("app.use(process.env.P, require('./pets'));", "router.get('/', f);", "", 3),
        ("app.use(require('./pets'));", "router.use(f);", "", 3),
        ("app.use(require('./pets'));", "router.get('/', f);", "", 3),
        ("app.use('/a', require('./pets'));\napp.use('/a', require('./users'));", "router.use(f);", "", 3),
        (
            "app.use('/a', require('./pets'));\napp.use('/a', require('./users'));",
            "router.get('/x', f);",
            "router.put('/x', f);",
            4,
        ),
        ("app.use('/:a', require('./pets'));\napp.use('/b', require('./users'));", "", "", 4),
        ("app.use('/a', require('./pets')(f));", "", "", 3),
    ],
)
def test_routers_whose_requests_can_not_be_told_are_refused_at_their_mount(
    tmp_path: Path, mounts: str, pets: str, users: str, line: int
) -> None:
    files = {
        "index.js": f"{APP}{mounts}\n{EXPOSE}",
        "pets.js": f"{PETS}{ROUTER}{pets}\nmodule.exports = router;\n",
        "users.js": f"{PETS.replace('pets', 'users')}{ROUTER}{users}\nmodule.exports = router;\n",
    }
    found = [(code, place) for code, place in told(tmp_path, files) if place.startswith("index")]
    assert found in ([("annotation-router", f"index.js:{line}")], [("annotation-call", f"index.js:{line}")])


def test_a_blueprint_that_is_about_the_whole_application_is_refused(tmp_path: Path) -> None:
    hook = "@pets.before_app_request\ndef before(): ...\n"
    assert told(tmp_path, {**FLASK, "pets.py": FLASK["pets.py"] + hook}) == [("annotation-router", "main.py:5")]


def test_what_fastapi_says_of_itself_lacks_routers_of_other_units_and_that_is_told(tmp_path: Path) -> None:
    files = {**FASTAPI, "main.py": FASTAPI["main.py"].replace("openapi_url=None", "")}
    assert told(tmp_path, files) == [("annotation-router", "main.py:3")]


@pytest.mark.parametrize(("ending", "kind"), [("js", "commonjs"), ("mjs", "module")])
def test_not_deployed_the_router_is_that_of_the_folder_beside(tmp_path: Path, ending: str, kind: str) -> None:
    express = "node_modules/express/index.js"
    load = 'require("./pets")' if kind == "commonjs" else "pets"
    first = 'const express = require("express");\n' if kind == "commonjs" else 'import express from "express";\n'
    first += "" if kind == "commonjs" else 'import pets from "./pets.mjs";\n'
    export = "module.exports = router;\n" if kind == "commonjs" else "export default router;\n"
    made = good(
        tmp_path / "code",
        {
            f"index.{ending}": f'{first}const app = express();\napp.use("/pets", {load});\n{EXPOSE}',
            f"pets.{ending}": f"{PETS}{first.splitlines()[0]}\nconst router = express.Router();\n"
            f"router.get('/', 1);\n{export}",
        },
    )
    files = {f"out/{name}": content for name, content in made.files.items()}
    text = "module.exports = () => ({ use: (path, router) => console.log(path, router.routes), listen() {} });\n"
    text += "module.exports.Router = () => ({ routes: 0, get() { this.routes += 1; } });\n"
    for name, content in {**files, express: text.encode()}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    run = ["node", f"out/main/index.{ending}"]
    for deployed, said in (({}, "/pets 1\n"), ({"KLOTHO_UNIT": "main"}, "/pets 0\n")):
        environment = {**os.environ, **deployed}
        done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == said


def test_a_unit_with_an_application_of_its_own_can_not_serve_a_router_of_another_one(tmp_path: Path) -> None:
    own = 'const app = require("express")();\n' + EXPOSE.replace("api", "own")
    files = {**EXPRESS, "pets.js": f"{EXPRESS['pets.js']}{own}"}
    assert told(tmp_path, files) == [("annotation-router", f"pets.js:{EXPRESS['pets.js'].count(chr(10)) + 2}")]


def test_mutated_routers_never_give_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(3)
    for number, files in enumerate((EXPRESS, FASTIFY_TS, HONO, FASTAPI, FLASK)):
        root = tmp_path / str(number)
        compiled(root, files)
        for _ in range(30):
            name = chance.choice([name for name in files if files[name]])
            (root / name).write_bytes(mutated(files[name], chance).encode("utf-8", "surrogatepass"))
            compile_code(root, None, Report())
            (root / name).write_text(files[name], encoding="utf-8")
