"""Shared by all tests: golden files and running a program from text."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from klotho.application import Application
from klotho.diagnostics import Report
from tests.dotnet_sdk import dotnet_on_path
from tests.go_modules import go_on_path

# The modules of all tests live to the end: looking for garbage among them often takes a tenth of a run.
gc.set_threshold(100_000, 20, 20)

# Under CI the command line wants its environment named; tests say CI themselves where that is what they test.
os.environ.pop("CI", None)

# The same cases every time, so that a red build is a change's doing; `HYPOTHESIS_PROFILE=explore make quick` looks for
# new ones.
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

_LONGEST = "test_killed_command.py"

RunProgram = Callable[..., tuple[Application | None, Report]]
CompareGolden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="write golden files from what the code says now")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file begins first: else one process ends with it and the other one waits."""
    items.sort(key=lambda item: item.path.name != _LONGEST)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> CompareGolden:
    """Compares text with a file kept beside the test; `pytest --bless` writes the file instead."""
    bless = bool(request.config.getoption("--bless"))

    def compare(file: Path, text: str) -> None:
        if bless:
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"{file} is missing: run `pytest --bless` and read what it wrote"
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="module")
def dotnet() -> Iterator[Path]:
    """The program `dotnet` of the SDK that `make dotnet` sets up, on the PATH while this module's tests run."""
    with dotnet_on_path() as program:
        yield program


@pytest.fixture(scope="module")
def go() -> Iterator[Path]:
    """The program `go`, on the PATH while this module's tests run, with the modules that `make go` sets up."""
    with go_on_path() as program:
        yield program


@pytest.fixture
def run_program(tmp_path: Path) -> RunProgram:
    """Runs the text of a program as `infra.py` in a folder of its own; `files` are written beside it."""
    from klotho.sdk.program import run

    def run_text(text: str, files: dict[str, str] | None = None) -> tuple[Application | None, Report]:
        for name, content in {**(files or {}), "infra.py": text}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content, encoding="utf-8")
        return run(tmp_path / "infra.py")

    return run_text
