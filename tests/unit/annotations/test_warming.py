"""`keep_warm`: a schedule calls the function that an execution unit is."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.annotations.hosting import Hosting, Said
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import APP, EXPOSE, good, relations, told

UNIT = '/* @klotho::execution_unit {\n *   id = "work"\n *   keep_warm = true\n * }\n */\n'
FILES = {
    "index.js": f'const {{ work }} = require("./work");\n{APP}{EXPOSE}work();\n',
    "work.js": f"{UNIT}exports.work = async function work() {{}};\n",
}


def test_a_function_is_called_every_five_minutes(tmp_path: Path) -> None:
    made = good(tmp_path, FILES)
    assert ("triggered_by", "Compute.Function/work", "Schedule/warm-work") in relations(made)
    (times,) = (item for item in made.application.constructs if item.kind == "Schedule")
    assert times.properties == {"every": "5 minutes"}
    assert made.application.name == "shop"
    assert times.span is not None and times.span.file == "work.js"


def test_without_an_id_it_is_the_unit_that_the_file_begins(tmp_path: Path) -> None:
    files = {"main.py": "from fastapi import FastAPI\n# @klotho::execution_unit { keep_warm = true }\nimport os\n"
             '# @klotho::expose { id = "api" }\napp = FastAPI()\n'}  # fmt: skip
    assert ("triggered_by", "Compute.Function/main", "Schedule/warm-main") in relations(good(tmp_path, files))


@pytest.mark.parametrize("directives", ["", '  id = "x"\n  all_units = true\n'])
def test_about_no_unit_it_is_told(tmp_path: Path, directives: str) -> None:
    files = {
        "index.js": f'require("./more");\n{APP}{EXPOSE}',
        "more.js": f"/* @klotho::execution_unit {{\n{directives}  keep_warm = true\n}} */\nexports.more = 1;\n",
    }
    assert told(tmp_path, files) == [("annotation-without-effect", "more.js:1")]


@pytest.mark.parametrize(
    ("type_", "wanted"),
    [("fargate", "warning annotation-without-effect"), ("lambda-container", "error annotation-not-yet")],
)
def test_in_a_container_it_is_told_what_it_means(tmp_path: Path, type_: str, wanted: str) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    report = Report()
    made = compile_code(tmp_path, "shop", report, Hosting(types={"work": Said(type_)}))
    assert [f"{item.severity.value} {item.code}" for item in report.diagnostics] == [wanted]
    assert not any(item.kind == "Schedule" for item in made.application.constructs)
