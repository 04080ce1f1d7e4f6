"""`klotho up` of examples/users, from nothing to the first 200 and once more unchanged.

    python benchmarks/up.py [--runs 3]

Each run has an empty state folder and an empty environment cache, so there is no database and no virtual environment;
the package caches of pip, uv and npm are the machine's own. Prints every run and the median.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KLOTHO = str(Path(sys.executable).with_name("klotho"))


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


def measure() -> tuple[float, float]:
    """Seconds to the first 200 from nothing, and of an unchanged `up`."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "users"
        shutil.copytree(ROOT / "examples" / "users", folder, ignore=shutil.ignore_patterns("compiled"))
        environment = {
            **os.environ,
            "XDG_STATE_HOME": f"{place}/state",
            "XDG_CACHE_HOME": f"{place}/cache",
            "UV_CACHE_DIR": uv_cache(),
        }
        try:
            began = time.perf_counter()
            klotho(folder, environment, "up", "--yes")
            _, text = klotho(folder, environment, "outputs", "--json")
            first_answer(json.loads(text)["outputs"]["users-api.url"] + "/users")
            cold = time.perf_counter() - began
            warm, _ = klotho(folder, environment, "up", "--yes")
        finally:
            klotho(folder, environment, "down", "--yes", "--delete-data")
    return cold, warm


def uv_cache() -> str:
    """The machine's package cache, which stays warm although Klotho's own cache is empty."""
    home = os.environ.get("UV_CACHE_DIR")
    return home or str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "uv")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    results = [measure() for _ in range(options.runs)]
    for cold, warm in results:
        print(f"up from nothing to the first 200 {cold:6.2f} s   unchanged up {warm:6.2f} s")
    cold, warm = (statistics.median(values) for values in zip(*results, strict=True))
    print(f"median                           {cold:6.2f} s                {warm:6.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
