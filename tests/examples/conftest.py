"""Examples brought up by the real `klotho` command, each in a folder and a local cloud of its own.

Input: the name of an example. Output: a `Deployment`: its commands, its URLs, its processes. However a test ends, the
deployment is taken down with its data, and a process that is left over fails the test. Reads /proc: Linux only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests.examples.deployment import Deployment


class Deploy(Protocol):
    """`deploy("users")`; with `files` what is made of them, by path."""

    def __call__(self, name: str, files: Mapping[str, str] | None = None) -> Deployment: ...


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """None for the cache of whoever runs the tests when it is warm, else a new one for the session."""
    warm = Path.home() / ".cache" / "klotho"
    return None if warm.is_dir() else tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def deploy(tmp_path_factory: pytest.TempPathFactory, cache_home: Path | None) -> Iterator[Deploy]:
    """`deploy("users")`: a copy of the example that is not up yet."""
    left: list[str] = []

    with contextlib.ExitStack() as ends:  # so that one that can't be taken down does not keep the others up

        def make(name: str, files: Mapping[str, str] | None = None) -> Deployment:
            deployment = Deployment.of(name, tmp_path_factory.mktemp(name), cache_home, files)
            ends.callback(lambda: left.extend(deployment.end()))
            return deployment

        yield make
    assert left == [], "processes are left after `klotho down`"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests recorded as figures, once at the end (works across workers, unlike printing)."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "nodeid")]
    figures = {
        f"{value}" for report in reports for name, value in getattr(report, "user_properties", ()) if name == "figure"
    }
    for figure in sorted(figures):
        terminalreporter.write_line(figure)
