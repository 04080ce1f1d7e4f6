"""`data_residency=`: an environment elsewhere is refused at the line, and what is everywhere is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.catalogue.residency import regions_in
from klotho.diagnostics import ProgramError
from klotho.driver.build import build
from klotho.driver.program import find_program

HEAD = 'import klotho\nfrom klotho import Databases, Site\napp = klotho.Application("shop")\n'
CARTS = 'Databases.KeyValue("carts", key="id")\n'


def codes(folder: Path, program: str, region: str, settings: str = "") -> list[tuple[str, str]]:
    (folder / "infra.py").write_text(HEAD + CARTS + program)
    (folder / "klotho.yaml").write_text(
        f"{settings}environments:\n  prod: {{target: aws, account: '123456789012', region: {region}}}\n"
    )
    try:
        found = build(find_program(folder), "prod").diagnostics
    except ProgramError as error:
        found = tuple(error.diagnostics)
    return [(item.code, str(item.span)) for item in found if item.code.startswith("residency")]


def test_an_environment_outside_is_refused_at_the_line(tmp_path: Path) -> None:
    line = 'app.requires(data_residency="eu")\n'
    assert codes(tmp_path, line, "us-east-1") == [("residency-broken", "infra.py:5")]
    assert codes(tmp_path, line, "eu-central-1") == []


def test_klotho_yaml_may_require_it_of_the_whole_application(tmp_path: Path) -> None:
    found = codes(tmp_path, "", "us-east-1", "requires: {data_residency: de}\n")
    assert found == [("residency-broken", "klotho.yaml:1")]


def test_a_place_nobody_knows_is_an_error_with_the_nearest(tmp_path: Path) -> None:
    assert codes(tmp_path, 'app.requires(data_residency="atlantis")\n', "eu-west-1") == [
        ("residency-unknown", "infra.py:5")
    ]


def test_a_site_is_everywhere_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<p>")
    line = 'Site("page", directory="page")\napp.requires(data_residency="eu")\n'
    assert codes(tmp_path, line, "eu-west-1") == [("residency-worldwide", "infra.py:6")]


@pytest.mark.parametrize(
    ("place", "region"), [("eu", "eu-north-1"), ("de", "eu-central-1"), ("GB", "eu-west-2"), ("eu-west-9", "eu-west-9")]
)
def test_places_are_regions_countries_and_areas(place: str, region: str) -> None:
    assert region in (regions_in(place) or ())
    assert "eu-west-2" not in (regions_in("eu") or ())
