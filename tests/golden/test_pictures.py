"""Whole pictures of examples. `pytest --bless`, then look at them in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.driver.build import build
from klotho.driver.pictures import rendered, topology_of
from klotho.driver.program import find_program

ROOT = Path(__file__).parents[2]
PICTURES = Path(__file__).parent / "pictures"


def picture(example: str, view: str, format_: str) -> str:
    built = build(find_program(ROOT / "examples" / example), None)
    return rendered(topology_of(built, view), format_, "auto").decode()  # type: ignore[arg-type]


def test_the_picture_of_the_users_example(golden: Callable[[Path, str], None]) -> None:
    golden(PICTURES / "users.svg", picture("users", "dataflow", "svg"))


@pytest.mark.parametrize("format_", ["mermaid", "json"])
def test_the_guestbook_as_text(format_: str, golden: Callable[[Path, str], None]) -> None:
    ending = {"mermaid": "mmd", "json": "json"}[format_]
    golden(PICTURES / f"guestbook.{ending}", picture("guestbook", "dataflow", format_))


def test_the_picture_in_the_docs_is_what_its_command_writes(golden: Callable[[Path, str], None]) -> None:
    """`klotho graph examples/multi-tier --out docs/multi-tier.svg`, as docs/graph.md says."""
    golden(ROOT / "docs" / "multi-tier.svg", picture("multi-tier", "dataflow", "svg"))
