"""`make bench`: every measurement, one after the other, each runnable by itself.

python benchmarks/run.py [NAME ...]

Ends with what missed its aim and what failed. Exit code 1 when a part failed; a missed aim is no failure, because it
says something of the machine as well. The others run whatever happens to one.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALL = {
    "cli": "start-up: klotho --help and import klotho",
    "up": "klotho up of examples",
    "preview": "unchanged preview and up of 100 and 1,000 resources",
    "dev": "klotho dev: from save to serving, and an up of code only",
    "deploy": "klotho up of 500 resources, and of 100 and 1,000 unchanged",
    "gateway": "requests through API and function",
    "keyvalue": "key-value puts and gets, beside moto's server and dynalite",
    "bucket": "objects put and got, beside moto's server",
    "permissions": "the permission check of a call",
    "queues": "messages sent, received and handled by one function, beside moto's server",
    "topics": "messages published, each to two queues",
    "registry": "a project of 50 applications: joined, published to and read from S3 in the local cloud",
    "exports": "a large application as Pulumi programs, Terraform modules and templates",
    "choosing": "what constructs are made of: 10, 500 and 2,000 services, each alone or sharing",
    "annotations": "annotated code: cold starts, warm requests, compiling 1,000 files",
    "synth": "klotho build beside cdk synth of the same application",
}
PATIENCE_S = 1200.0
"""A part that takes longer has failed."""


def run(name: str) -> tuple[str | None, list[str]]:
    """Why the part failed, if it did; and its lines with a missed aim. All it prints is shown as it comes."""
    command = [sys.executable, "-u", str(HERE / f"{name}.py")]
    missed: list[str] = []
    overdue = threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:

        def end() -> None:
            overdue.set()
            process.send_signal(signal.SIGINT)  # it still stops the servers that it started

        late = threading.Timer(PATIENCE_S, end)
        late.start()
        try:
            assert process.stdout is not None
            for text in process.stdout:
                print(text, end="", flush=True)
                if text.rstrip().endswith("  missed"):
                    missed.append(text.rstrip())
            code = process.wait()
        finally:
            late.cancel()
    if code == 0:
        return None, missed
    why = f"did not end within {PATIENCE_S:.0f} s" if overdue.is_set() else f"exit code {code}"
    return f"{why} (python benchmarks/{name}.py)", missed


def main() -> int:
    wanted = sys.argv[1:] or list(ALL)
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, load before {load}")
    failed: dict[str, str] = {}
    missed: list[str] = []
    for name in wanted:
        print(f"\n== {ALL[name]} (python benchmarks/{name}.py)", flush=True)
        failure, late = run(name)
        missed += late
        if failure is not None:
            failed[name] = failure
    print("\n== aims missed" if missed else "\n== no aim was missed")
    for text in missed:
        print(text)
    for name, failure in failed.items():
        print(f"FAILED {name}: {failure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
