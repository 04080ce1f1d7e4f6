"""Unchanged `klotho preview` and `klotho up` of applications of about 100 and 1,000 resources.

    python benchmarks/preview.py [--sizes 100,1000] [--runs 5]

Functions with a table and two routes each, brought up in a local cloud first. Prints the median of the whole process
and the number of calls to AWS's APIs, a line each (`figures.line`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from figures import line

KLOTHO = str(Path(sys.executable).with_name("klotho"))
PER_FUNCTION = 9
"""Resources of one function with its table and routes."""
AIMS_S = {100: 1.0, 1000: 4.0}
PROGRAM = """
import klotho
from klotho import API, Compute, Databases

klotho.Application("bench", project="bench-{size}")
api = API(name="api")
for i in range({n}):
    table = Databases.KeyValue(name=f"table{{i}}", key="id")
    work = Compute.Function(name=f"work{{i}}", handler="work.handler")
    work.read_writes_to(table)
    api.attach_service(work, route=f"/work{{i}}")
"""


def klotho(folder: Path, *words: str) -> tuple[float, str]:
    """Seconds of the whole process, and its stdout."""
    # Without compiled modules every start would compile botocore again, which no installation does.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    result = subprocess.run([KLOTHO, *words], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if result.returncode:
        raise SystemExit(f"klotho {' '.join(words)} failed:\n{result.stderr[-2000:]}")
    return seconds, result.stdout


@contextlib.contextmanager
def deployed(size: int) -> Iterator[tuple[Path, int, float]]:
    """The folder of a program that is up, how many resources it has, and the seconds that took."""
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as place:
        os.environ |= {"XDG_STATE_HOME": f"{place}/state", "XDG_CACHE_HOME": f"{place}/cache"}
        folder = Path(place) / "bench"
        folder.mkdir()
        (folder / "infra.py").write_text(PROGRAM.format(n=max(1, size // PER_FUNCTION), size=size))
        (folder / "work.py").write_text("def handler(event, context):\n    return event\n")
        klotho(folder, "build")
        templates = (folder / "compiled" / "cloudformation").glob("*.template.json")
        resources = sum(len(json.loads(path.read_text())["Resources"]) for path in templates)
        seconds, _ = klotho(folder, "up", "--yes")
        try:
            yield folder, resources, seconds
        finally:
            klotho(folder, "down", "--delete-data", "bench")


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """The calls that are made meanwhile in this process."""
    from klotho.deploy.place import Clients

    calls: list[str] = []
    make = Clients._make

    def made(self: Clients, service: str) -> Any:
        client = make(self, service)
        client.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
        return client

    Clients._make = made  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Clients._make = make  # type: ignore[method-assign]


def calls_of(folder: Path, act: Callable[[Any], Any]) -> int:
    from klotho.driver.program import find_program

    with counted() as calls:
        act(find_program(folder))
    return len(calls)


def measure(size: int, runs: int) -> None:
    from klotho.driver.deployment import up
    from klotho.driver.previewing import preview_up

    def quiet(event: object) -> None:
        """Nobody watches."""

    with deployed(size) as (folder, resources, first):
        line(f"up of {resources} resources, from nothing", first, " s")
        for name, arguments, act in (
            ("preview", ("preview",), lambda program: preview_up(program, None, quiet)),
            ("up", ("up", "--yes"), lambda program: up(program, None, quiet)),
        ):
            klotho(folder, *arguments)
            seconds = statistics.median(klotho(folder, *arguments)[0] for _ in range(runs))
            aim = AIMS_S.get(size) if name == "preview" else None
            line(f"{name} of {resources} resources, unchanged", seconds, " s", less_than=aim)
            line(f"{name} of {resources} resources, unchanged: calls", calls_of(folder, act), "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for size in map(int, options.sizes.split(",")):
        measure(size, options.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
