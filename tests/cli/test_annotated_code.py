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


def test_compile_takes_a_name_and_gives_json(klotho: Run, pets: Path) -> None:
    found = json.loads(klotho("compile", ".", "--app", "zoo", "--json").stdout)
    assert found["application"] == "zoo"
    assert [unit["name"] for unit in found["units"]] == ["adoptions", "main"]


def test_mistakes_are_shown_at_their_lines_and_nothing_is_written(klotho: Run, pets: Path) -> None:
    (pets / "store.js").write_text('// @klotho::persit { id = "pets" }\nconst pets = new Map();\n')
    (pets / "adoptions.js").write_text("// @klotho::execution_unit { keep_warm = true }\nf();\n")
    for command in ("compile", "up"):
        done = klotho(command)
        assert done.returncode == 1
        assert "error[annotation-unknown]" in done.stderr
        assert '1 | // @klotho::persit { id = "pets" }' in done.stderr
        assert "`keep_warm` of `@klotho::execution_unit` in JavaScript is not supported yet" in done.stderr
        assert not (pets / "compiled").exists()


@pytest.mark.parametrize("command", ["compile", "verify"])
def test_an_infra_py_is_no_annotated_code(command: str, klotho: Run, tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(GOOD)
    done = klotho(command)
    assert done.returncode == 2
    assert "error[program-not-annotated]" in done.stderr


def test_verify_refuses_what_holds_no_requests(klotho: Run, pets: Path) -> None:
    (pets / "requests.json").write_text("{")
    assert "error[requests-unreadable]" in klotho("verify").stderr


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
