"""Annotated Python becomes an application: units, routes, stores, calls, and what is rewritten."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.annotations.compiling import compile_code
from klotho.annotations.languages.python import unit_files
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import compiled, good, relations, told

PETS = Path(__file__).parents[3] / "examples" / "annotated-pets-python"
EXPOSE = '# @klotho::expose {{ id = "api" }}\n{}\n'
FASTAPI = "from fastapi import FastAPI\n" + EXPOSE.format("app = FastAPI()")
STORE = '# @klotho::persist { id = "pets" }\npets = {}\n'
UNIT = '# @klotho::execution_unit { id = "other" }\n'


def test_the_pets_are_two_units_with_their_files_stores_and_calls() -> None:
    report = Report()
    made = compile_code(PETS, None, report)
    assert report.diagnostics == []
    assert [(unit.name, unit.files) for unit in made.units] == [
        ("adoptions", ["adoptions.py", "pets/__init__.py", "pets/errors.py", "pets/models.py"]),
        (
            "main",
            [
                "main.py",
                "names.py",
                *(f"pets/{name}.py" for name in ("__init__", "errors", "models", "routes", "store")),
            ],
        ),
    ]
    assert ("calls", "Compute.Function/main", "Compute.Function/adoptions") in relations(made)
    assert ("read_writes_to", "Compute.Function/main", "Databases.KeyValue/pets") in relations(made)
    assert ("read_writes_to", "Compute.Function/adoptions", "Databases.KeyValue/adopted") in relations(made)
    assert "POST /api/pets/{name}/adoption" in made.units[1].routes["pets-api"]


def test_only_what_must_be_is_changed_and_no_line_moves() -> None:
    made = compile_code(PETS, None, Report())
    for unit in ("main", "adoptions"):
        for path in (PETS).rglob("*.py"):
            name = path.relative_to(PETS).as_posix()
            there = made.files.get(f"{unit}/{name}")
            if there is None or b"_remote(" in there or "compiled" in name:
                continue
            original = path.read_bytes()
            assert there.count(b"\n") == original.count(b"\n")
            if b"@klotho::persist" not in original:
                assert there == original


@pytest.mark.parametrize(
    ("source", "routes"),
    [
        ("@app.get('/a/{id}')\ndef a(id): ...\n@app.api_route('/b', methods=['PUT', 'POST'])\ndef b(): ...\n",
         ["GET /a/{id}", "POST /b", "PUT /b"]),
        ("from fastapi import APIRouter\nr = APIRouter(prefix='/r')\ns = APIRouter()\n@s.get('/x')\ndef x(): ...\n"
         "r.include_router(s, prefix='/s')\napp.include_router(r, prefix='/v1')\n", ["GET /v1/r/s/x"]),
        ("@app.get('/files/{rest:path}')\ndef f(rest): ...\n", []),
    ],
)  # fmt: skip
def test_routes_of_fastapi_are_found_with_all_prefixes(tmp_path: Path, source: str, routes: list[str]) -> None:
    made = good(tmp_path, {"main.py": FASTAPI + source})
    assert made.units[0].routes["api"] == routes


def test_routes_of_flask_blueprints_and_starlette_are_found(tmp_path: Path) -> None:
    flask = {
        "main.py": "from flask import Flask\nfrom shop import views\n"
        + EXPOSE.format("app = Flask(__name__)")
        + "app.register_blueprint(views.bp, url_prefix='/shop')\n",
        "shop/__init__.py": "",
        "shop/views.py": "from flask import Blueprint\nbp = Blueprint('shop', __name__)\n"
        "@bp.route('/items/<int:id>', methods=['GET', 'DELETE'])\ndef item(id): ...\n"
        "@bp.post('/items')\ndef add(): ...\n",
    }
    made = good(tmp_path / "flask", flask)
    assert made.units[0].routes["api"] == ["DELETE /shop/items/{id}", "GET /shop/items/{id}", "POST /shop/items"]
    starlette = (
        "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\n"
        "async def one(request): ...\n"
        + EXPOSE.format(
            "app = Starlette(routes=[Route('/one', one, methods=['POST']), Mount('/p', routes=[Route('/two', one)])])"
        )
    )
    made = good(tmp_path / "starlette", {"main.py": starlette})
    assert made.units[0].routes["api"] == ["POST /one", "GET /p/two"]


def test_src_layouts_packages_and_relative_imports_are_followed(tmp_path: Path) -> None:
    made = good(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "zoo"\nversion = "1"\ndependencies = ["fastapi"]\n',
            "src/zoo/__init__.py": "",
            "src/zoo/main.py": "from . import store\nfrom .deep.inside import f\n" + FASTAPI,
            "src/zoo/store.py": STORE + "def keep():\n    pets['a'] = 1\n",
            "src/zoo/deep/__init__.py": "",
            "src/zoo/deep/inside.py": "from ..store import keep\ndef f():\n    return keep()\n",
            "src/zoo/unused.py": "x = 1\n",
        },
    )
    names = sorted(name for name in made.files if name.startswith("main/zoo"))
    assert names == [f"main/zoo/{name}" for name in
                     ("__init__.py", "deep/__init__.py", "deep/inside.py", "main.py", "store.py")]  # fmt: skip
    assert b"import_module('zoo.main').app" in made.files["main/klotho_unit/unit.py"].replace(b'"', b"'")


@pytest.mark.parametrize(
    ("use", "verb"),
    [
        ("print(pets['a'], len(pets), 'a' in pets, pets.get('b'))\nfor x in pets.values(): ...\n", "reads_from"),
        ("pets['a'] = 1\n", "read_writes_to"),
        ("del pets['a']\n", "read_writes_to"),
        ("pets.update({})\n", "read_writes_to"),
        ("hand_on(pets)\n", "read_writes_to"),
        ("other = pets\n", "read_writes_to"),
    ],
)
def test_a_unit_that_only_looks_at_a_store_may_only_read(tmp_path: Path, use: str, verb: str) -> None:
    made = good(tmp_path, {"main.py": "from store import pets\n" + FASTAPI + use, "store.py": STORE})
    assert (verb, "Compute.Function/main", "Databases.KeyValue/pets") in relations(made)


def test_values_that_are_changed_in_place_are_warned_about_with_the_line(tmp_path: Path) -> None:
    code = FASTAPI + STORE + 'pets["a"]["name"] = 1\npets["a"].tags.append(2)\npets["a"].age += 1\npets["b"] = {}\n'
    assert told(tmp_path, {"main.py": code}) == [("annotation-mutation", f"main.py:{line}") for line in (6, 7, 8)]


@pytest.mark.parametrize(
    ("use", "found"),
    [
        ("import work\nwork.plain()\n", "is no async function"),
        ("from work import plain\n", "is no async function"),
        ("from work import missing\n", "is not defined at the top"),
        ("from work import Class\n", "is no function"),
        ("from work import *\n", "can't be known from `*`"),
    ],
)
def test_what_can_not_be_called_across_units_is_an_error_that_says_so(tmp_path: Path, use: str, found: str) -> None:
    work = UNIT + "import os\nasync def good(): ...\ndef plain(): ...\nclass Class: ...\n"
    _, report = compiled(tmp_path, {"main.py": use + FASTAPI, "work.py": work})
    assert [item.code for item in report.errors] == ["annotation-call"]
    assert found in report.errors[0].message


def test_statements_of_other_shapes_are_errors(tmp_path: Path) -> None:
    assert ("annotation-without-effect", "main.py:1") in told(tmp_path, {"main.py": EXPOSE.format("run()")})
    found = told(tmp_path, {"main.py": FASTAPI + '# @klotho::persist { id = "x" }\npets = load()\n'})
    assert ("annotation-without-effect", "main.py:4") in found


def test_other_capabilities_are_refused_by_name(tmp_path: Path) -> None:
    _, report = compiled(
        tmp_path, {"main.py": FASTAPI + '# @klotho::persist {\n#   id = "a"\n#   versioned = true\n# }\nevents = {}\n'}
    )
    message = "`versioned` of `@klotho::persist` is not supported: "
    assert any(item.message.startswith(message) for item in report.errors)


@pytest.fixture(scope="module")
def encoding() -> Iterator[Any]:
    sys.path.insert(0, str(Path(unit_files.__file__).parent / "shims"))
    try:
        import importlib

        yield importlib.import_module("klotho_unit.encoding")
    finally:
        sys.path.pop(0)


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.datetimes() | st.dates() | st.times() | st.timedeltas() | st.uuids() | st.decimals(allow_nan=False)
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(value=_VALUES)
def test_values_arrive_as_they_were_sent(value: Any) -> None:
    sys.path.insert(0, str(Path(unit_files.__file__).parent / "shims"))
    from klotho_unit.encoding import decode, encode  # type: ignore[import-not-found]

    assert decode(encode(value)) == value
    assert type(decode(encode(value))) is type(value)


def test_errors_arrive_with_class_message_and_stack(encoding: Any) -> None:
    try:
        raise LookupError("no such pet", 3)
    except LookupError as error:
        found = encoding.decode(encoding.encode(error))
    assert type(found) is LookupError
    assert found.args == ("no such pet", 3)
    assert "no such pet" in found.__notes__[0]


def test_what_can_not_be_sent_is_refused(encoding: Any) -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in (circle, object(), lambda: 1):
        with pytest.raises(TypeError):
            encoding.encode(value)


def test_the_compiled_unit_runs_with_plain_python(tmp_path: Path) -> None:
    """Stores are the dicts they were, and the other unit is found in the folder beside it."""
    files = {
        "main.py": "import asyncio\nfrom work import shout\n" + STORE
        + "if __name__ == '__main__':\n    pets['a'] = 1\n    print(pets, asyncio.run(shout('hi', times=2)))\n"
        + "# @klotho::expose { id = \"api\" }\napp = print\n",
        "work.py": UNIT + "import shared\nasync def shout(text, *, times=1):\n    return shared.up(text) * times\n",
        "shared.py": "def up(text):\n    return text.upper()\n",
    }  # fmt: skip
    made, _ = compiled(tmp_path, files)
    for name, content in made.files.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = subprocess.run([sys.executable, "main.py"], cwd=tmp_path / "out/main", capture_output=True, text=True)
    assert done.stdout == "{'a': 1} HIHI\n", done.stderr


def test_asgi_and_wsgi_applications_answer_an_event(encoding: Any) -> None:
    import importlib

    web = importlib.import_module("klotho_unit.web")
    event = {
        "rawPath": "/a b/ä", "rawQueryString": "x=1", "headers": {"content-type": "text/plain", "host": "h"},
        "cookies": ["a=1", "b=2"], "requestContext": {"http": {"method": "POST", "sourceIp": "1.2.3.4"}}, "body": "hi",
    }  # fmt: skip

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        body = (await receive())["body"]
        said = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {body.decode()}"
        headers = [(b"content-type", b"text/plain"), (b"set-cookie", b"c=1"), (b"set-cookie", b"d=2")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": said.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": dict(scope["headers"])[b"cookie"]})

    loop = asyncio.new_event_loop()
    answer = web.serving(asgi, loop)(event)
    loop.close()
    assert answer["statusCode"] == 201
    assert answer["body"] == "POST /a b/ä x=1 hia=1; b=2"
    assert answer["cookies"] == ["c=1", "d=2"]

    def wsgi(environ: Any, start: Any) -> Any:
        start("200 OK", [("Content-Type", "application/octet-stream")])
        return [environ["wsgi.input"].read(), b"\xff"]

    answer = web.serving(wsgi, None)(event)
    assert answer["isBase64Encoded"]
    assert answer["body"] == "aGn/"


def test_kinds_of_python_survive(encoding: Any) -> None:
    value = {"at": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "n": Decimal("1.10"), "id": UUID(int=5),
             "set": {1, 2}, "frozen": frozenset({"a"}), "big": 2**80}  # fmt: skip
    assert encoding.decode(encoding.encode(value)) == value
