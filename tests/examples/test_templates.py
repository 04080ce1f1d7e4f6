"""What every example compiles to: templates without a finding of cfn-lint, and the same bytes each time."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.deployment import EXAMPLES, KLOTHO

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/infra.py"))


def build(name: str, out: Path, hash_seed: str = "random") -> dict[str, bytes]:
    """Every file that `klotho build` writes, by its path below `out`."""
    command = [str(KLOTHO), "build", str(EXAMPLES / name), "--out", str(out)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "CI": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_there_are_three_examples() -> None:
    assert NAMES == ["chicken-auction", "multi-tier", "users"]


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_finds_nothing(name: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    build(name, tmp_path)
    templates = sorted((tmp_path / "cloudformation").glob("*.template.json"))
    assert len(templates) >= 4
    command = [str(KLOTHO.parent / "cfn-lint"), "--format", "json", "--regions", "us-east-1", "eu-central-1", "--"]
    done = subprocess.run([*command, *map(str, templates)], capture_output=True, text=True, timeout=120, check=False)
    found = json.loads(done.stdout)
    assert found == [], [f"{item['Filename']}: {item['Rule']['Id']} {item['Message']}" for item in found]
    assert (done.returncode, done.stderr) == (0, "")
    types = Counter(
        resource["Type"]
        for template in templates
        for resource in json.loads(template.read_text(encoding="utf-8"))["Resources"].values()
    )
    figure = f"{name}: {types.total()} resources of {len(types)} types in {len(templates)} stacks"
    record_property("figure", figure)


@pytest.mark.parametrize("name", NAMES)
def test_building_gives_the_same_bytes_whatever_the_order_of_hashes(name: str, tmp_path: Path) -> None:
    first = build(name, tmp_path / "0", "0")
    assert {"application.json", "resources.json", "cloudformation/manifest.json"} <= set(first)
    for seed in ("1", "random"):
        assert build(name, tmp_path / seed, seed) == first
