"""No command line gives a traceback or an exit code that is not in the list."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.cli.run import run
from klotho.diagnostics import ExitCode

WORDS = st.sampled_from(
    [
        "build",
        "preview",
        "up",
        "down",
        "status",
        "outputs",
        "logs",
        "diff",
        "--json",
        "--env",
        "-e",
        "--yes",
        "-y",
        "--program",
        "-p",
        "--since",
        "--follow",
        "--delete-data",
        "--move",
        "a=b",
        "--out",
        "-h",
        "--version",
        "--",
        "-",
        "local",
    ]
)
TEXTS = st.text(
    st.characters(exclude_characters="\0", categories=None, exclude_categories=["Cs"]), max_size=12
) | st.just("x" * 300)


@pytest.fixture(scope="module", autouse=True)
def empty_folder() -> Iterator[Path]:
    """Every run happens in an empty folder with its own XDG folders."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", f"{name}/state")
        patch.setenv("XDG_CACHE_HOME", f"{name}/cache")
        (Path(name) / "work").mkdir()
        os.chdir(f"{name}/work")
        try:
            yield Path(name)
        finally:
            os.chdir(before)


@settings(max_examples=80, deadline=None)
@given(st.lists(WORDS | TEXTS, max_size=5).filter(lambda words: "init" not in words))
def test_any_arguments_end_with_a_known_code_and_no_bug(empty_folder: Path, arguments: list[str]) -> None:
    assert run(arguments) in set(ExitCode)
    assert not (empty_folder / "state").exists(), "a crash log was written, or something was started"
    assert list((empty_folder / "work").iterdir()) == []
