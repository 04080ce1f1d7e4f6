"""What a user sees for a wrong program, whole: one folder is one case. `pytest --bless` writes `expected.txt`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.diagnostics import render_text
from klotho.sdk.program import run

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/infra.py"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_program_is_shown_like_this(case: Path, golden: Callable[[Path, str], None]) -> None:
    _, report = run(case / "infra.py")
    assert report.errors
    golden(case / "expected.txt", render_text(report.diagnostics, case) + "\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_program_is_told_what_to_do_about_every_mistake(case: Path) -> None:
    for item in run(case / "infra.py")[1].errors:
        assert item.helps or " must be " in item.message, item.message


def test_there_are_cases() -> None:
    assert len(CASES) > 10
