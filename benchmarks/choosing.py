"""What constructs are made of: the time to resolve, and the solver alone where everything is open and shared.

python benchmarks/choosing.py
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from figures import line

from klotho.application import Application, Construct, Relationship, Requirement
from klotho.application.files import ProgramFiles
from klotho.diagnostics import Report
from klotho.engine import resolve
from klotho.engine.choosing import Option, Problem, Variable, solve

RUNS = 3
AIMS = {10: 0.15, 500: 1.5, 2000: 8.0}
CLUSTERS = 4


def application(size: int) -> Application:
    """Containers, each with a table, all choices open."""
    services = [Construct("Compute.Container", f"service{i}", {"image": "nginx", "port": 80}) for i in range(size)]
    tables = [Construct("Databases.KeyValue", f"table{i}", {}) for i in range(size)]
    uses = [Relationship("reads_from", a.id, b.id) for a, b in zip(services, tables, strict=True)]
    open_ = (Requirement(None, "always_on", False), Requirement(None, "internet", False))
    return Application("bench", constructs=(*services, *tables), relationships=tuple(uses), requirements=open_)


def problem(size: int) -> Problem:
    """Every service alone or on a shared cluster, each cluster behind one of two ways out."""
    variables = [Variable("egress", (Option("none"), Option("nat", 36)))]
    for number in range(size):
        options = [Option("alone", 9 + number % 3)]
        for cluster in range(CLUSTERS):
            needs = {"egress": frozenset({"nat"})} if cluster % 2 else {}
            options.append(
                Option(f"on{cluster}", 2 + (number * 7 + cluster * 3) % 5, frozenset({f"cluster{cluster}"}), needs)
            )
        variables.append(Variable(f"service{number}", tuple(options)))
    return Problem(tuple(variables), {f"cluster{number}": size // 4 + number for number in range(CLUSTERS)})


def seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def main() -> None:
    whole, alone = {}, {}
    for size, aim in AIMS.items():
        app, files = application(size), ProgramFiles(Path(os.devnull))
        whole[size] = seconds(
            lambda app=app, files=files: resolve(app, environment="local", files=files, report=Report())
        )  # type: ignore[misc]
        line(f"resolve {size} services, each with a table", whole[size], "s", less_than=aim)
    for size in AIMS:
        open_problem = problem(size)
        alone[size] = seconds(lambda given=open_problem: solve(given))  # type: ignore[misc]
        found = solve(open_problem)
        assert found is not None
        proven = "proven" if found.proven else "NOT proven"
        line(f"solver alone, {size} services on {CLUSTERS} clusters: {found.steps} steps, {proven}", alone[size], "s")
    for name, times in (("resolve", whole), ("solver", alone)):
        growth = math.log(times[2000] / times[500]) / math.log(4)
        line(f"{name}: growth exponent from 500 to 2,000", growth, "", less_than=1.3)


if __name__ == "__main__":
    main()
