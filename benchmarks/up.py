"""`klotho up` of examples: users to the first 200 and once more unchanged, search-the-deck from nothing.

    python benchmarks/up.py [--runs 3]

Each run has an empty state folder and an empty environment cache, so there is no database and no virtual environment;
the package caches of pip, uv and npm are the machine's own. Prints the medians, a line each (`figures.line`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import line, missing

ROOT = Path(__file__).resolve().parent.parent
KLOTHO = str(Path(sys.executable).with_name("klotho"))
DECK = "search-the-deck"
DECK_AIM_S = 15.0


def klotho(folder: Path, environment: dict[str, str], *words: str) -> tuple[float, str]:
    """Seconds and stdout of one command."""
    began = time.perf_counter()
    result = subprocess.run([KLOTHO, *words], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if result.returncode:
        raise SystemExit(f"klotho {' '.join(words)} failed:\n{result.stderr[-2000:]}")
    return seconds, result.stdout


def first_answer(url: str) -> None:
    """Waits for the first 200."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.status == 200


@contextmanager
def example(name: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of the example with empty state and caches; what runs of it is taken down at the end."""
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as place:
        folder = Path(place) / name
        leave = shutil.ignore_patterns("compiled", "node_modules", "__pycache__")
        shutil.copytree(ROOT / "examples" / name, folder, ignore=leave)
        environment = {
            **os.environ,
            "XDG_STATE_HOME": f"{place}/state",
            "XDG_CACHE_HOME": f"{place}/cache",
            "UV_CACHE_DIR": uv_cache(),
        }
        try:
            yield folder, environment
        finally:
            klotho(folder, environment, "down")


def users() -> tuple[float, float]:
    """Seconds to the first 200 from nothing, and of an unchanged `up`."""
    with example("users") as (folder, environment):
        began = time.perf_counter()
        klotho(folder, environment, "up", "--yes")
        _, text = klotho(folder, environment, "outputs", "--json")
        first_answer(json.loads(text)["outputs"]["users-api.url"] + "/users")
        cold = time.perf_counter() - began
        warm, _ = klotho(folder, environment, "up", "--yes")
    return cold, warm


def deck() -> float:
    """Seconds of `up` from nothing."""
    with example(DECK) as (folder, environment):
        return klotho(folder, environment, "up", "--yes")[0]


def uv_cache() -> str:
    """The machine's package cache, which stays warm although Klotho's own cache is empty."""
    home = os.environ.get("UV_CACHE_DIR")
    return home or str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "uv")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    results = [users() for _ in range(options.runs)]
    cold, warm = (statistics.median(values) for values in zip(*results, strict=True))
    line("up of users, from nothing to the first 200", cold, " s")
    line("up of users, unchanged", warm, " s")
    if (ROOT / "examples" / DECK).exists():
        seconds = statistics.median(deck() for _ in range(options.runs))
        line(f"up of {DECK}, from nothing", seconds, " s", less_than=DECK_AIM_S)
    else:
        missing(f"up of {DECK}, from nothing", "the example is not here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
