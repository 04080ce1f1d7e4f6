"""Every example and every row of the table of pairs, compiled once, as the exporters read it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from klotho.emit import Bundle
from klotho.emit.exported import Export, exported
from tests.gates.programs import EXAMPLES, PROTECTED, bundle, names


class Exported(NamedTuple):
    name: str
    bundle: Bundle
    export: Export


@pytest.fixture(scope="session")
def all_exports(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    """The pairs as a protected environment with alarms has them; the examples both ways."""
    folder, found = tmp_path_factory.mktemp("exports"), []
    for name in names():
        plain = [(name, None)] if (EXAMPLES / name).is_dir() else []
        for title, policy in [*plain, (f"{name}-protected", PROTECTED)]:
            made = bundle(name, folder / title, policy)
            found.append(Exported(title, made, exported(made.files, made.manifest)))
    return found
