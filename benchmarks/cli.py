"""How long a person waits: `klotho --help`, `import klotho`, and `up` of the starter, cold and unchanged.

Run: `python benchmarks/cli.py [--runs N]`. Prints medians, a line each (`figures.line`). Uses
temporary XDG folders, and stops what it started.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import line

from klotho.cli.starter import starter_files


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    klotho = [sys.executable, "-m", "klotho.cli"]
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as name:
        folder = Path(name)
        for path, text in starter_files("bench").items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        environment = {**os.environ, "XDG_STATE_HOME": f"{name}/state", "XDG_CACHE_HOME": f"{name}/cache", "CI": ""}

        def median(*command: str) -> float:
            return statistics.median(timed(list(command), folder, environment) for _ in range(runs))

        bare = median(sys.executable, "-c", "pass")
        line("python -c pass", bare, " ms")
        imported = median(sys.executable, "-c", "import klotho") - bare
        line("import klotho, beyond that", imported, " ms", less_than=30)
        line("klotho --help", median(*klotho, "--help"), " ms", less_than=150)
        line("klotho build of the starter", median(*klotho, "build"), " ms")
        try:
            line("klotho up of the starter, cold, one run", timed([*klotho, "up"], folder, environment), " ms")
            line("klotho up of the starter, unchanged", median(*klotho, "up"), " ms", less_than=1500)
        finally:
            down = [*klotho, "down"]
            subprocess.run(down, cwd=folder, env=environment, check=False, capture_output=True)


if __name__ == "__main__":
    main()
