"""A requirement in klotho.yaml changes what an example is made of, and no line of its code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from klotho.driver.build import build
from klotho.driver.program import find_program

EXAMPLES = Path(__file__).parents[3] / "examples"
CASES = [
    ("users", "users", "requires: {always_on: false}", "lambda-container"),
    ("users", "users", "requires: {always_on: false, max_duration_s: 3600}", "fargate-spot"),
    ("users", "users", "requires: {always_on: true}", "fargate"),
    ("users", "users_db", "requires: {availability: 99.99}", "aurora"),
    ("users", "users_db", "requires: {always_on: false}, expects: {requests_per_month: 100}", "aurora-serverless"),
    ("users", "users_db", "requires: {availability: 99.9}", "rds"),
    ("guestbook", "book", "requires: {max_duration_s: 1800}", "fargate"),
    ("guestbook", "book", "requires: {cold_start: false}", "fargate"),
    ("guestbook", "book", "use: lambda-image", "lambda-image"),
    ("guestbook", "entries", "expects: {requests_per_month: 500000000}", "dynamodb-provisioned"),
    ("users", "users-api", "requires: {max_duration_s: 120}", "public-alb"),
]


@pytest.mark.parametrize(("example", "construct", "said", "chosen"), CASES, ids=[f"{c[1]}-{c[3]}" for c in CASES])
def test_what_is_required_in_klotho_yaml_chooses(
    tmp_path: Path, example: str, construct: str, said: str, chosen: str
) -> None:
    folder = tmp_path / example
    shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns("compiled", "__pycache__"))
    (folder / "klotho.yaml").write_text(f"constructs:\n  {construct}: {{{said}}}\n")
    found = build(find_program(folder), "local").graph.choices
    assert next(item.implementation for name, item in found.items() if name.endswith(f"/{construct}")) == chosen
