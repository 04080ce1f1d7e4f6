"""Every row of the table of pairs is deployed and used by a test that says so, and says so truly."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from klotho.catalogue.relationships import PAIRS
from tests.conftest import RunProgram
from tests.localcloud.pairs import harness

FOLDER = Path(harness.__file__).parent
MODULES = sorted(file.stem for file in FOLDER.glob("test_pairs_*.py"))
ROWS = {
    (verb, actor, target) for pair in PAIRS for verb in pair.verbs for actor in pair.actors for target in pair.targets
}


def load(module: str) -> object:
    return import_module(f"tests.localcloud.pairs.{module}")


def test_every_pair_is_deployed_and_used_by_a_test() -> None:
    for module in MODULES:
        load(module)
    claimed = {claim[:3] for claim in harness.CLAIMS}
    assert sorted(ROWS - claimed) == [], "pairs that no test of tests/localcloud/pairs deploys and uses"
    assert sorted(claimed - ROWS) == [], "tests of pairs that the catalogue does not have"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_deploys_the_pairs_it_claims(module: str, run_program: RunProgram) -> None:
    loaded = load(module)
    files = harness.files_of(loaded.PROGRAM, getattr(loaded, "FILES", None))  # type: ignore[attr-defined]
    application, report = run_program(files.pop("infra.py"), files)
    assert application is not None and not report.errors, report.errors
    kinds = {construct.id: construct.kind for construct in application.constructs}
    stated = {(item.verb, kinds[item.actor], kinds[item.target]) for item in application.relationships}
    claimed = {claim[:3] for claim in harness.CLAIMS if claim.module == loaded.__name__}  # type: ignore[attr-defined]
    assert claimed, "the module claims no pair"
    assert claimed <= stated, sorted(claimed - stated)
