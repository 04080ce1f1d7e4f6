"""Mutated sources of every annotated example, in every language: a result or diagnostics, never a traceback."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.annotations.languages import NOT_YET, SUFFIXES
from klotho.annotations.reading import has_annotations
from klotho.diagnostics import Report
from tests.unit.annotations.mutations import mutated

ROOT = Path(__file__).parents[3] / "examples"
SHOP = ROOT.parent / "tests/examples/go_shop"
EXAMPLES = [*sorted(path for path in ROOT.glob("annotated-*") if has_annotations(path)), SHOP]
SOURCES = 10_000
"""In all rounds of the long test."""
_READ = (
    *SUFFIXES,
    *NOT_YET,
    "go.mod",
    "tsconfig.json",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    ".csproj",
    "appsettings.json",
)


class Mutants:
    """A copy of an example whose files change each round."""

    def __init__(self, example: Path, place: Path, seed: int) -> None:
        ignored = shutil.ignore_patterns("compiled", "node_modules", ".*", "__pycache__", "tests")
        self.folder = Path(shutil.copytree(example, place / example.name, ignore=ignored))
        self._chance = random.Random(f"{example.name} {seed}")
        self._seeds = {
            path: path.read_text(encoding="utf-8")
            for path in sorted(self.folder.rglob("*"))
            if path.name.endswith(_READ)
        }

    def change(self, share: float = 1.0) -> int:
        """Another change of each file, or of a share of them; how many that are."""
        changed = 0
        for path, text in self._seeds.items():
            is_changed = self._chance.random() < share
            changed += is_changed
            content = mutated(text, self._chance) if is_changed else text
            path.write_bytes(content.encode("utf-8", "surrogatepass"))
        return changed


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_mutated_programs_give_diagnostics_and_no_traceback(example: Path, tmp_path: Path) -> None:
    mutants = Mutants(example, tmp_path, 1)
    for _ in range(20):
        mutants.change(share=0.5)
        compile_code(mutants.folder, None, Report())


@pytest.mark.examples
def test_ten_thousand_mutated_sources_give_diagnostics_and_no_traceback(tmp_path: Path) -> None:
    examples, tried = [Mutants(example, tmp_path, 2) for example in EXAMPLES], 0
    while tried < SOURCES:
        for mutants in examples:
            tried += mutants.change()
            compile_code(mutants.folder, None, Report())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_is_remembered_is_what_would_be_read(example: Path, tmp_path: Path) -> None:
    """Each compile finds the pages of the one before: some files have changed since, others have not."""
    mutants, memory = Mutants(example, tmp_path, 3), tmp_path / "memory"
    for _ in range(12):
        mutants.change(share=0.3)
        fresh, known, again = Report(), Report(), Report()
        made = compile_code(mutants.folder, None, fresh)
        assert compile_code(mutants.folder, None, known, memory=memory) == made
        assert compile_code(mutants.folder, None, again, memory=memory) == made
        assert known.diagnostics == again.diagnostics == fresh.diagnostics
