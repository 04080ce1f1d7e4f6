"""`klotho explain TYPE`: every parameter of every construct is told, from the one place it is written."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from klotho.catalogue.kinds import IMPLEMENTATIONS, candidates
from klotho.driver.construct_page import construct_page, kinds
from klotho.sdk.construct import KINDS
from tests.conftest import CompareGolden

COMMON = {"name", "stack", "from_project", "existing", "was"}


def test_every_kind_the_catalogue_makes_has_a_page() -> None:
    assert kinds() == sorted({item.kind for item in IMPLEMENTATIONS})


@pytest.mark.parametrize("kind", sorted({item.kind for item in IMPLEMENTATIONS}))
def test_parameters_of_the_construct_and_of_the_catalogue_are_the_same(kind: str) -> None:
    page = construct_page(kind)
    assert page is not None
    assert page.about
    signature = set(inspect.signature(KINDS[kind].__init__).parameters) - COMMON - {"self"}
    assert signature == set(candidates(kind)[0].parameters)
    for line in page.parameters:
        assert len(line.about) > 5, line
        assert "None" not in line.type, line


def test_a_page_is_found_by_the_last_part_in_any_case_and_nothing_else_is() -> None:
    assert construct_page("postgres") == construct_page("Databases.Postgres") is not None
    assert construct_page("DATABASES.POSTGRES") is not None
    assert construct_page("Postgress") is None
    assert construct_page("") is None


def test_the_page_of_a_queue(klotho_says: str, golden: CompareGolden) -> None:
    golden(Path(__file__).parent / "explain_queue.txt", klotho_says)


@pytest.fixture
def klotho_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    from klotho.cli.commands.explain import run

    monkeypatch.setenv("NO_COLOR", "1")
    run("queue", as_json=False)
    return capsys.readouterr().out
