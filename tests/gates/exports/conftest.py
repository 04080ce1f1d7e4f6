"""Every example and every row of the table of pairs, compiled once, as the exporters read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from klotho.catalogue.foreign import ForeignConstruct
from klotho.driver.build import build
from klotho.driver.exports import refuse_unsayable
from klotho.driver.program import find_program
from klotho.emit import Bundle
from klotho.emit.exported import Export, exported
from tests.gates.programs import EXAMPLES, PROTECTED, application, bundle, names

OWNER, USER = "project/user-service", "project/billing-service"
ANNOTATED = tuple(sorted(path.name for path in EXAMPLES.iterdir() if path.name.startswith("annotated-")))


class Exported(NamedTuple):
    name: str
    bundle: Bundle
    export: Export


@pytest.fixture(scope="session")
def all_exports(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    """The pairs as a protected environment with alarms has them; the examples both ways."""
    found = []
    for name, made in _bundles(tmp_path_factory.mktemp("exports")):
        found.append(Exported(name, made, exported(made.files, made.manifest)))
        refuse_unsayable(found[-1].export)  # as the commands do: what is looked at here can be had
    return found


def _bundles(folder: Path) -> Iterator[tuple[str, Bundle]]:
    for name in names():
        if (EXAMPLES / name).is_dir():
            yield name, bundle(name, folder / name)
        yield f"{name}-protected", bundle(name, folder / f"{name}-protected", PROTECTED)
    for name in ANNOTATED:
        annotated = build(find_program(EXAMPLES / name, "klotho build"), None)
        yield name, Bundle(annotated.files, annotated.manifest)
    owner = bundle(OWNER, folder / OWNER)
    yield OWNER.replace("/", "-"), owner
    said = application(OWNER, folder)
    foreign = {
        item: ForeignConstruct(said, said.construct(item), shared) for item, shared in owner.manifest.shared.items()
    }
    yield USER.replace("/", "-"), bundle(USER, folder / USER, foreign=foreign)
