"""`[environment_variables]`: values of a database or cache under the user's own names, the code as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.annotations.test_compiling import APP, EXPOSE, good, relations, told
from tests.unit.annotations.test_python_libraries import SERVE


def mark(comment: str, *lines: str) -> str:
    body = ("@klotho::persist {", 'id = "it"', "[environment_variables]", *lines, "}")
    return "".join(f"{comment} {line}\n" for line in body)


URL = 'IT_URL = "orm.connection_string"'


def test_python_keeps_its_statement_and_finds_the_variables_before_it_is_loaded(tmp_path: Path) -> None:
    both = mark("#", 'A = "redis_node.host"', 'B = "redis_node.port"')
    code = f"import redis\n{both}it = redis.Redis()\n"
    made = good(tmp_path, {"main.py": SERVE + code, "requirements.txt": "fastapi\n"})
    assert made.files["main/main.py"].decode() == SERVE + code
    assert ("read_writes_to", "Compute.Function/main", "Databases.Redis/it") in relations(made)
    unit = made.files["main/klotho_unit/unit.py"].decode()
    assert unit.index('given({"A": ["datastores", "it", "host"], "B": ["datastores", "it", "port"]})') < unit.index(
        'import_module("main")'
    )
    assert "password" not in str(made.application)


def test_javascript_keeps_its_statement_and_finds_the_variables_before_it_is_loaded(tmp_path: Path) -> None:
    code = f"{APP}{mark('//', URL)}const url = process.env.IT_URL;\n{EXPOSE}"
    made = good(tmp_path, {"index.js": code, "package.json": '{"dependencies": {"express": "4"}}'})
    assert made.files["main/index.js"].decode() == code
    assert ("read_writes_to", "Compute.Function/main", "Databases.Postgres/it") in relations(made)
    assert (
        b'require("./environment.cjs")({"IT_URL": ["datastores", "it", "url"]})' in made.files["main/klotho/unit.cjs"]
    )


def test_a_cluster_is_a_cache_in_cluster_mode(tmp_path: Path) -> None:
    code = mark("#", 'A = "redis_cluster.password"')
    made = good(tmp_path, {"main.py": f"{SERVE}{code}it = 1\n"})
    assert [item.properties for item in made.application.constructs if item.name == "it"] == [{"cluster": True}]


@pytest.mark.parametrize(
    "line",
    [
        'A = "orm.shards"',
        'A = "mongo.url"',
        "A = 1",
        'KLOTHO_UNIT = "orm.host"',
        '"a-b" = "orm.host"',
        'A = "orm.host"\n# B = "redis_node.host"',
        "",
    ],
)
def test_what_is_no_value_or_no_name_is_refused_once_at_the_annotation(tmp_path: Path, line: str) -> None:
    assert told(tmp_path, {"main.py": f"{SERVE}{mark('#', line)}it = 1\n"}) == [("annotation-directive", "main.py:4")]


def test_one_variable_of_two_stores_in_a_unit_is_refused(tmp_path: Path) -> None:
    other = mark("#", URL).replace('"it"', '"other"')
    code = f"{SERVE}{mark('#', URL)}it = 1\n{other}that = 1\n"
    assert told(tmp_path, {"main.py": code}) == [("annotation-directive", "main.py:10")]


@pytest.mark.parametrize("line", ['environment_variables = "orm.host"', "environment_variables = 1", "secret = true"])
def test_what_is_no_table_or_a_secret_is_refused(tmp_path: Path, line: str) -> None:
    body = mark("#", URL) if line.startswith("secret") else mark("#").replace("[environment_variables]", "")
    code = body.replace('id = "it"', f'id = "it"\n# {line}')
    assert told(tmp_path, {"main.py": f"{SERVE}{code}it = 1\n"})[0][0] == "annotation-directive"
