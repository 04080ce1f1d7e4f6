"""Handlers in Go: their runtime, and the program that has to be in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError
from klotho.engine import resolve
from tests.conftest import RunProgram

PROGRAM = 'import klotho\nklotho.Application("shop")\nklotho.Compute.Function("pay", handler="{handler}")\n'
MAIN = (
    "/*\npackage pay says what is paid.\n*/\npackage main\n\nfunc handle() {}\n\nfunc main() { lambda.Start(handle) }\n"
)


def failure(run_program: RunProgram, folder: Path, handler: str, source: str) -> tuple[str, str]:
    """The code and the help of the one mistake."""
    application, report = run_program(PROGRAM.format(handler=handler), {"pay/main.go": source})
    assert application is not None
    with pytest.raises(ProgramError) as found:
        resolve(application, environment="local", files=ProgramFiles(folder), report=report)
    (item,) = found.value.diagnostics
    return item.code, item.helps[0]


def test_a_go_program_is_a_function_of_the_runtime_for_programs(run_program: RunProgram, tmp_path: Path) -> None:
    application, report = run_program(PROGRAM.format(handler="pay/main.main"), {"pay/main.go": MAIN})
    assert application is not None
    resolved = resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)
    function = resolved.graph["Compute.Function/pay:function"].properties
    assert (function["Runtime"], function["Handler"]) == ("provided.al2023", "pay/main.main")


def test_a_program_that_begins_with_a_byte_order_mark_is_one(run_program: RunProgram, tmp_path: Path) -> None:
    source = "\ufeffpackage main\n\nfunc main() {}\n"
    application, report = run_program(PROGRAM.format(handler="pay/main.main"), {"pay/main.go": source})
    assert application is not None
    resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)


def test_another_function_than_main_is_refused_with_what_to_write(run_program: RunProgram, tmp_path: Path) -> None:
    code, help = failure(run_program, tmp_path, "pay/main.handle", MAIN)
    assert code == "go-no-program"
    assert help == 'write `handler="pay/main.main"`: `main` hands `handle` to `lambda.Start`'


@pytest.mark.parametrize("source", ["package pay\n\nfunc main() {}\n", "package main\n\nfunc handle() {}\n", ""])
def test_a_file_that_starts_no_program_is_refused(run_program: RunProgram, tmp_path: Path, source: str) -> None:
    code, help = failure(run_program, tmp_path, "pay/main.main", source)
    assert code == "go-no-program" and help.startswith("name the file of `package main` that has `func main()`")


def test_a_file_named_with_its_ending_is_told_its_main(run_program: RunProgram) -> None:
    _, report = run_program(PROGRAM.format(handler="pay/main.go"))
    assert any('`"pay/main.main"`' in line for item in report.errors for line in (*item.helps, *item.notes))
