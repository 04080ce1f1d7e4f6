"""What pictures a build writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.driver import pictures
from klotho.driver.build import build, compiled_files
from klotho.driver.program import find_program


def test_a_build_draws_no_application_that_is_too_large_for_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["import klotho", "from klotho import Databases", 'klotho.Application("shop")']
    lines += [f'Databases.KeyValue(name="table{number}", key="id")' for number in range(3)]
    (tmp_path / "infra.py").write_text("\n".join(lines) + "\n")
    built = build(find_program(tmp_path), None)
    written = {name for name in compiled_files(built) if name.startswith("topology.")}
    assert written == {"topology.svg", "topology.mmd", "topology.json"}
    monkeypatch.setattr(pictures, "DRAWN_AT_MOST", 2)
    assert "topology.svg" not in compiled_files(built) and "topology.mmd" in compiled_files(built)
