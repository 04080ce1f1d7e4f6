"""Every example and every row of the table of pairs, compiled once, as the exporters read it."""

from __future__ import annotations

import json
import os
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


@pytest.fixture(scope="session")
def covering_exports(all_exports: list[Exported]) -> list[Exported]:
    """Programs that together have every property of every type and every value that is no text, for tools that take
    long. `make gates` gives them all."""
    if os.environ.get("KLOTHO_TESTS") == "all":
        return all_exports
    said = {item.name: _said(item.bundle) for item in all_exports}
    missing, chosen = frozenset[object]().union(*said.values()), set[str]()
    while missing:
        best = max(said, key=lambda name: (len(said[name] & missing), name))
        chosen.add(best)
        missing -= said[best]
    return [item for item in all_exports if item.name in chosen]


def _said(bundle: Bundle) -> frozenset[object]:
    """What a program's templates have in them: types with their properties, and the functions in these."""
    found: set[object] = set()
    for stack in bundle.manifest.stacks:
        template = json.loads(bundle.files[f"cloudformation/{stack.template}"])
        for resource in template["Resources"].values():
            for name, value in resource.get("Properties", {}).items():
                found.add((resource["Type"], name))
                found |= {(resource["Type"], name, function) for function in _functions(value)}
    return frozenset(found)


def _functions(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inside in value.items():
            if name == "Ref" or name.startswith("Fn::"):
                yield name
            yield from _functions(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _functions(inside)


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
