"""How long a person waits: `klotho --help`, `import klotho`, and `up` of the starter, cold and unchanged.

Run: `python benchmarks/cli.py [--runs N]`. Prints medians in milliseconds. Uses temporary XDG folders, and stops what
it started.
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
        print(f"python -c pass        {bare:7.0f} ms")
        print(f"import klotho         {median(sys.executable, '-c', 'import klotho') - bare:7.0f} ms more (aim < 30)")
        print(f"klotho --help         {median(*klotho, '--help'):7.0f} ms (aim < 150)")
        print(f"klotho build          {median(*klotho, 'build'):7.0f} ms")
        try:
            print(f"klotho up, cold       {timed([*klotho, 'up'], folder, environment):7.0f} ms (one run)")
            print(f"klotho up, unchanged  {median(*klotho, 'up'):7.0f} ms (aim < 1500)")
        finally:
            subprocess.run([*klotho, "down", "--delete-data", "--yes"], cwd=folder, env=environment, check=False)


if __name__ == "__main__":
    main()
