"""`klotho build` beside `cdk synth` of the same application, in the same run.

    python benchmarks/synth.py [--sizes 10,100,500] [--runs 3]

One VPC, one Postgres, N functions each with a table and a route, N/5 Fargate services that use the database. Prints
the median wall time of the whole process, its peak memory, the number of resources, and the ratio. aws-cdk-lib comes
from npm into the user's cache folder the first time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
KLOTHO = str(Path(sys.executable).with_name("klotho"))
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "klotho" / "benchmark-cdk"

PROGRAM = """
import klotho
from klotho import API, Compute, Databases

klotho.Application("bench", project="bench")
db = Databases.Postgres(name="db")
api = API(name="api")
for i in range({n}):
    table = Databases.KeyValue(name=f"table{{i}}", key="id")
    work = Compute.Function(name=f"work{{i}}", handler="work.handler")
    work.read_writes_to(table)
    api.attach_service(work, route=f"/work{{i}}")
    if i % 5 == 0:
        service = Compute.Container(name=f"service{{i}}", image="nginx")
        service.reads_from(db)
"""


class Measured(NamedTuple):
    seconds: float
    megabytes: float
    resources: int


def run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak megabytes of one whole process."""
    began = time.perf_counter()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder / 'output.txt').read_text()[-2000:]}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss / unit


def count_resources(templates: list[Path]) -> int:
    return sum(len(json.loads(path.read_text())["Resources"]) for path in templates)


def measure_klotho(n: int, runs: int, folder: Path) -> Measured:
    (folder / "infra.py").write_text(PROGRAM.format(n=n))
    (folder / "work.py").write_text("def handler(event, context):\n    return event\n")
    results = [run([KLOTHO, "build"], folder, {}) for _ in range(runs)]
    templates = sorted((folder / "compiled" / "cloudformation").glob("*.template.json"))
    return median(results, count_resources(templates))


def measure_cdk(n: int, runs: int, folder: Path) -> Measured:
    (folder / "code").mkdir()
    (folder / "code" / "work.py").write_text("def handler(event, context):\n    return event\n")
    shutil.copy(CACHE / "app.js", folder / "app.js")
    (folder / "node_modules").symlink_to(CACHE / "node_modules")
    command = [str(CACHE / "node_modules" / ".bin" / "cdk"), "synth", "--quiet", "--app", "node app.js", "--no-notices"]
    environment = {"N": str(n), "CODE": str(folder / "code"), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
    results = []
    for _ in range(runs):
        shutil.rmtree(folder / "cdk.out", ignore_errors=True)
        results.append(run(command, folder, environment))
    return median(results, count_resources(sorted((folder / "cdk.out").glob("*.template.json"))))


def median(results: list[tuple[float, float]], resources: int) -> Measured:
    return Measured(statistics.median(r[0] for r in results), max(r[1] for r in results), resources)


def install_cdk() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("app.js", "package.json"):
        shutil.copy(HERE / "cdk" / name, CACHE / name)
    if not (CACHE / "node_modules" / "aws-cdk-lib").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=CACHE, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100,500")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    sizes = [int(text) for text in options.sizes.split(",")]
    install_cdk()
    print(f"{'N':>5} {'':8} {'seconds':>8} {'MB':>6} {'resources':>10}   ratio")
    klotho_times = []
    for n in sizes:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            ours, theirs = measure_klotho(n, options.runs, Path(one)), measure_cdk(n, options.runs, Path(other))
        klotho_times.append(ours.seconds)
        for name, it in (("klotho", ours), ("cdk", theirs)):
            ratio = f"{theirs.seconds / ours.seconds:.1f}x faster" if it is ours else ""
            print(f"{n:>5} {name:8} {it.seconds:>8.2f} {it.megabytes:>6.0f} {it.resources:>10}   {ratio}", flush=True)
    if len(sizes) > 1:
        exponent = math.log(klotho_times[-1] / klotho_times[0]) / math.log(sizes[-1] / sizes[0])
        print(f"klotho grows with N to the power of {exponent:.2f} from {sizes[0]} to {sizes[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
