"""The programs in the documentation run as they are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.application import Application
from klotho.diagnostics import Report

DOCS = Path(__file__).parents[3] / "docs"


def blocks(name: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```", (DOCS / name).read_text(encoding="utf-8"), flags=re.S | re.M)
    assert found, f"docs/{name} has no python block"
    return found


@pytest.mark.parametrize("text", blocks("sdk.md") + blocks("sites.md"), ids=lambda text: str(len(text)))
def test_every_program_in_the_sdks_page_is_without_mistakes(
    run_program: Callable[..., tuple[Application | None, Report]], text: str
) -> None:
    application, report = run_program(text)
    assert not report.diagnostics
    assert application is not None
    assert application.constructs


@pytest.mark.parametrize("text", blocks("diagnostics.md"), ids=lambda text: str(len(text)))
def test_every_block_in_the_diagnostics_page_runs(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(text, "docs/diagnostics.md", "exec"), {})
    assert "error[name-taken]" in capsys.readouterr().out
