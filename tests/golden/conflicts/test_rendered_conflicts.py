"""What a user sees when the applications of a project do not fit together, whole: one folder is one case.

`here/` is the program at hand and `before/` what it has published (alone: it is taken down); `elsewhere/` is published
in another environment, every other folder in this one. `pytest --bless` writes `expected.txt`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.application import Application
from klotho.diagnostics import Diagnostic, render_text
from klotho.registry import Entry, Origin, Snapshot, join, leave
from klotho.sdk.program import run
from tests.unit.registry.applications import entry

CASES = sorted({path.parents[1] for path in Path(__file__).parent.glob("*/*/infra.py")})
_ROLES = ("here", "before", "elsewhere")


def read(folder: Path) -> Application:
    application, report = run(folder / "infra.py")
    assert application is not None and not report.errors, report.errors
    return application


def published(folder: Path, environment: str = "prod") -> Entry:
    return entry(read(folder), environment, Origin("", f"github.com/kentoso/{folder.name}"))


def found(case: Path) -> list[Diagnostic]:
    entries = [published(path.parent) for path in sorted(case.glob("*/infra.py")) if path.parent.name not in _ROLES]
    before, here = case / "before", case / "here"
    if before.is_dir():
        entries.append(published(before))
    snapshot = Snapshot("kentoso", "prod", tuple(entries))
    if not here.is_dir():
        name = read(before).name
        return [item.diagnostic for item in leave(snapshot, name, f"/home/ann/{name}")]
    local = read(here)
    elsewhere = [published(path.parent, "staging") for path in sorted(case.glob("elsewhere/*/infra.py"))]
    conflicts = join(snapshot, local, f"/home/ann/{local.name}", elsewhere=elsewhere)
    assert all(item.concerns(local.name) for item in conflicts)
    return [item.diagnostic for item in conflicts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_project_that_does_not_fit_together_is_told_like_this(
    case: Path, golden: Callable[[Path, str], None]
) -> None:
    diagnostics = found(case)
    assert diagnostics
    golden(case / "expected.txt", render_text(diagnostics, case / "here") + "\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_refusal_names_the_line_of_the_one_at_hand_and_what_to_do(case: Path) -> None:
    for item in found(case):
        assert item.helps
        assert any(note.startswith("in `") and "infra.py:" in note for note in item.notes)


def test_there_are_cases() -> None:
    assert len(CASES) > 20
