"""`klotho compile` and `klotho verify`: what they show, and what they refuse."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from .conftest import GOOD, Run

PETS = Path(__file__).parents[2] / "examples" / "annotated-pets"


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    shutil.copytree(PETS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("compiled", "node_modules"))
    return tmp_path


def test_compile_shows_each_unit_and_writes_it_beside_the_templates(klotho: Run, pets: Path) -> None:
    done = klotho("compile")
    assert done.returncode == 0
    assert "unit main  3 files\n  pets-api  GET /api/pets\n" in done.stderr
    assert "  calls adoptions: adoptions.js adopt\n" in done.stderr
    assert done.stdout == f"{pets / 'compiled'}\n"
    assert (pets / "compiled/main/klotho/unit.cjs").is_file()
    assert (pets / "compiled/cloudformation/manifest.json").is_file()
    before = {path: path.read_bytes() for path in (pets / "compiled").rglob("*") if path.is_file()}
    assert klotho("compile").returncode == 0
    assert {path: path.read_bytes() for path in (pets / "compiled").rglob("*") if path.is_file()} == before
    assert klotho("check").returncode == 0  # which leaves the templates
    assert set(before) <= set((pets / "compiled").rglob("*"))


SHOWN = """\
unit adoptions  2 files, on lambda
  keeps adopted
    Databases.KeyValue, read and written  adoptions.js:7  `const adopted = new Map();`
  warning annotation-await  adoptions.js:15
  has adoptions.js
  has policies.json
unit main  3 files, on lambda
  pets-api  GET /api/pets  routes/pets.js:8
  pets-api  POST /api/pets  routes/pets.js:8
  pets-api  DELETE /api/pets/{name}  routes/pets.js:26
  pets-api  GET /api/pets/{name}  routes/pets.js:20
  pets-api  POST /api/pets/{name}/adoption  routes/pets.js:30
  pets-api  GET /  index.js:12
  pets-api  GET /api/adoptions  index.js:16
  pets-api  everything else  index.js:30
  keeps pets
    Databases.KeyValue, read and written  store.js:1  `const pets = new Map();`
  calls adoptions: adoptions.js adopt
  calls adoptions: adoptions.js adoptedSince
  has index.js
  has routes/pets.js
  has store.js
annotated-pets: 2 units, 29 resources, """


def test_compile_verbose_says_how_each_thing_was_found_and_where_with_warnings_at_their_unit(
    klotho: Run, pets: Path
) -> None:
    code = pets / "adoptions.js"
    code.write_text(code.read_text().replace("await adopted.set(pet.name", "adopted.set(pet.name"))
    shown = klotho("compile", "-v").stderr
    assert "warning[annotation-await]" in shown
    assert SHOWN in shown
    found = json.loads(klotho("compile", "-v", "--json").stdout)["units"][0]
    assert found["warnings"] == [{"code": "annotation-await", "at": "adoptions.js:15"}]
    assert found["found"][0]["statement"] == "const adopted = new Map();"


def test_what_two_languages_share_is_shown_where_each_of_them_asks_for_it(klotho: Run, tmp_path: Path) -> None:
    shutil.copytree(PETS.with_name("annotated-two-languages"), tmp_path, dirs_exist_ok=True)
    units = {unit["name"]: unit["found"] for unit in json.loads(klotho("compile", "-v", "--json").stdout)["units"]}
    found = {
        unit: next((item["at"], item["statement"]) for item in uses if item.get("uses") == "owners")
        for unit, uses in units.items()
    }
    assert found == {
        "main": ("index.js:13", "const owners = new Map();"),
        "reports": ("reports.py:18", "owners: dict[str, dict[str, Any]] = {}"),
    }


def test_a_static_unit_is_shown_with_what_it_serves(klotho: Run, tmp_path: Path) -> None:
    shutil.copytree(PETS.with_name("annotated-site"), tmp_path, dirs_exist_ok=True)
    done = klotho("compile", "-v")
    assert "  has views/card.html, embedded\nstatic unit site  5 files, beginning with index.html\n" in done.stderr
    assert "  serves /styles/site.css\nannotated-site: 1 unit, 1 static unit, " in done.stderr
    assert json.loads(klotho("compile", "--json").stdout)["static_units"][0]["name"] == "site"


def test_a_folder_without_a_command_is_told_what_can_be_done_with_it(klotho: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    done = klotho("shop")
    assert done.returncode == 2
    assert "see what Klotho makes of the folder: `klotho compile shop`" in done.stderr


def test_compile_takes_a_name_and_gives_json(klotho: Run, pets: Path) -> None:
    found = json.loads(klotho("compile", ".", "--app", "zoo", "--json").stdout)
    assert found["application"] == "zoo"
    assert [unit["name"] for unit in found["units"]] == ["adoptions", "main"]


def test_mistakes_are_shown_at_their_lines_and_nothing_is_written(klotho: Run, pets: Path) -> None:
    (pets / "store.js").write_text('// @klotho::persit { id = "pets" }\nconst pets = new Map();\n')
    (pets / "adoptions.js").write_text(
        '/* @klotho::persist {\n  id = "a"\n  versioned = true\n} */\nconst a = new Map();\n'
    )
    for command in ("compile", "up"):
        done = klotho(command)
        assert done.returncode == 1
        assert "error[annotation-unknown]" in done.stderr
        assert '1 | // @klotho::persit { id = "pets" }' in done.stderr
        assert "`versioned` of `@klotho::persist` is not supported: " in done.stderr
        assert not (pets / "compiled").exists()


@pytest.mark.parametrize("command", ["compile", "verify"])
def test_an_infra_py_is_no_annotated_code(command: str, klotho: Run, tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(GOOD)
    done = klotho(command)
    assert done.returncode == 2
    assert "error[program-not-annotated]" in done.stderr


def test_compile_takes_the_annotated_code_of_an_infra_py_that_takes_it_in(klotho: Run, pets: Path) -> None:
    (pets / "infra.py").write_text(
        'import klotho\nklotho.Application("zoo")\nklotho.Databases.KeyValue("t", key="id")\n'
    )
    done = klotho("compile")
    assert done.returncode == 2
    assert "add `code = klotho.Annotated()` to it" in done.stderr
    (pets / "infra.py").write_text('import klotho\nklotho.Application("zoo")\nklotho.Annotated()\n')
    done = klotho("compile")
    assert done.returncode == 0
    assert "unit adoptions" in done.stderr
    assert "\nzoo: 2 units" in done.stderr


def test_verify_refuses_what_holds_no_requests(klotho: Run, pets: Path) -> None:
    (pets / "requests.json").write_text("{")
    assert "error[requests-unreadable]" in klotho("verify").stderr


def test_verify_names_the_nearest_api_where_there_is_none_of_that_name(klotho: Run, pets: Path) -> None:
    done = klotho("verify", "--api", "pet-api")
    assert 'no annotation exposes an API "pet-api"' in done.stderr
    assert "did you mean `pets-api`?" in done.stderr


SERVER = """// @klotho::expose { id = "api" }
require("node:http").createServer((request, answer) => answer.end(request.url)).listen(process.env.PORT);
"""


def test_verify_record_runs_the_original_and_writes_what_it_was_asked_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(SERVER)
    command = [sys.executable, "-m", "klotho.cli", "verify", "--record"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        address = re.search(r"http://\S+:\d+", process.stderr.readline())
        assert address is not None
        with urllib.request.urlopen(f"{address[0]}/pets?page=1", timeout=10) as answer:
            assert answer.read() == b"/pets?page=1"
        assert process.stderr.readline() == "GET /pets?page=1 200\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == "1 request in requests.json\n"
    assert process.returncode == 0
    assert json.loads((tmp_path / "requests.json").read_text()) == [{"method": "GET", "path": "/pets?page=1"}]


def test_verify_record_writes_over_no_file(klotho: Run, pets: Path) -> None:
    done = klotho("verify", "--record")
    assert done.returncode == 1
    assert "error[requests-exist]: `requests.json` is there already" in done.stderr
