"""Every diagnostic's page: its example gives the code it explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application.files import ProgramFiles
from klotho.diagnostics import Diagnostic, ProgramError, Severity
from klotho.diagnostics.codes import PAGES
from klotho.engine import resolve
from klotho.sdk.program import run


def diagnose(program: Path) -> list[Diagnostic]:
    application, report = run(program)
    if application is not None:
        try:
            resolve(
                application, environment="local", files=ProgramFiles(program.parent), report=report, region="us-east-1"
            )
        except ProgramError:
            return report.diagnostics
    return report.diagnostics


@pytest.mark.parametrize("code", [code for code, page in PAGES.items() if page.example])
def test_the_example_of_a_page_gives_its_code(code: str, tmp_path: Path) -> None:
    program = tmp_path / "infra.py"
    program.write_text(PAGES[code].example)
    assert code in [item.code for item in diagnose(program)]


@pytest.mark.parametrize("code", [code for code, page in PAGES.items() if page.example])
def test_every_mistake_says_what_to_do(code: str, tmp_path: Path) -> None:
    program = tmp_path / "infra.py"
    program.write_text(PAGES[code].example)
    for item in diagnose(program):
        if item.severity is Severity.ERROR:
            assert item.helps or " must be " in item.message, item.message


def test_a_correct_program_gives_no_code(tmp_path: Path) -> None:
    program = tmp_path / "infra.py"
    program.write_text('import klotho\nklotho.Application("shop")\nklotho.Databases.KeyValue("carts")\n')
    assert diagnose(program) == []
