"""Every diagnostic's page: its example gives the code it explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError
from klotho.diagnostics.codes import PAGES
from klotho.engine import resolve
from klotho.sdk.program import run


def diagnose(program: Path) -> list[str]:
    application, report = run(program)
    if application is not None and not report.errors:
        try:
            resolve(application, environment="local", files=ProgramFiles(program.parent), report=report)
        except ProgramError:
            return [item.code for item in report.diagnostics]
    return [item.code for item in report.diagnostics]


@pytest.mark.parametrize("code", [code for code, page in PAGES.items() if page.example])
def test_the_example_of_a_page_gives_its_code(code: str, tmp_path: Path) -> None:
    program = tmp_path / "infra.py"
    program.write_text(PAGES[code].example)
    assert code in diagnose(program)


def test_a_correct_program_gives_no_code(tmp_path: Path) -> None:
    program = tmp_path / "infra.py"
    program.write_text('import klotho\nklotho.Application("shop")\nklotho.Databases.KeyValue("carts")\n')
    assert diagnose(program) == []
