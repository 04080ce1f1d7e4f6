"""`klotho up` of large applications in the local cloud: 500 resources from nothing, 100 and 1,000 unchanged.

    python benchmarks/deploy.py [--resources 500] [--unchanged 100 1000]

The application is functions behind one API, a stack each; no function is called. Each figure comes from the command as
users run it, with an empty state folder; `calls` are requests to the cloud's API, of which none changes anything in an
unchanged `up`. Peak memory is that of the command, not of the local cloud.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from figures import line

COUNTING = """
import sys
from klotho.cli import run
from klotho.driver import local_cloud

made = local_cloud._session
calls = []


def counted(*arguments, **named):
    session = made(*arguments, **named)
    session.clients.events.register("before-call", lambda model, **rest: calls.append(model.name))
    return session


local_cloud._session = counted
code = run.run(["up", "--yes", "--json"])
sys.stderr.write(f"\\nCALLS {len(calls)}\\n")
sys.exit(code)
"""
HANDLER = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"
FIXED, EACH = 3, 8
"""Resources of the application without a function, and of each function with its route, roughly; counted below."""


def program(functions: int) -> str:
    lines = [
        "import klotho",
        "from klotho import API, Compute",
        f'klotho.Application("large", project="bench-{functions}")',
        'api = API(name="front")',
        f"for number in range({functions}):",
        '    work = Compute.Function(name=f"work{number:03}", handler="work.handler")',
        '    api.attach_service(work, route=f"/work{number:03}")',
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def application(resources: int) -> Iterator[Path]:
    """The folder of an application of about so many resources; taken down at the end."""
    with tempfile.TemporaryDirectory(prefix="klotho-bench-") as place:
        folder = Path(place) / "large"
        folder.mkdir()
        (folder / "infra.py").write_text(program(max(1, round((resources - FIXED) / EACH))))
        (folder / "work.py").write_text(HANDLER)
        try:
            yield folder
        finally:
            command(folder, [sys.executable, "-m", "klotho.cli", "down", "--delete-data", "large"])


@dataclass(frozen=True, slots=True)
class Done:
    """How a command went."""

    seconds: float
    processor: float
    """Seconds of processor time of the command itself: what a busy machine does not change."""
    memory: float
    """Peak, in MB."""
    said: str
    """On stderr."""


def command(folder: Path, words: list[str]) -> Done:
    home = folder.parent
    environment = {
        **os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache"), "CI": "",
        "NO_COLOR": "1",
    }  # fmt: skip
    began = time.perf_counter()
    with (home / "out").open("w") as out, (home / "err").open("w") as err:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=out, stderr=err)
        # wait4 tells the memory of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    said = (home / "err").read_text() + ((home / "out").read_text() if status else "")
    if status:
        raise SystemExit(f"{' '.join(words[1:4])} failed:\n{said[-2000:]}")
    return Done(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def measured(what: str, folder: Path) -> None:
    """One `klotho up`."""
    done = command(folder, [sys.executable, "-c", COUNTING])
    line(what, done.seconds, " s")
    line(f"{what}, processor time of the command", done.processor, " s")
    line(f"{what}, API calls", int(done.said.rpartition("CALLS ")[2]), "")
    line(f"{what}, peak memory of the command", done.memory, " MB")


def deployed(folder: Path) -> int:
    """How many resources the templates hold."""
    out = folder.parent / "compiled"
    command(folder, [sys.executable, "-m", "klotho.cli", "build", "--out", str(out)])
    templates = (out / "cloudformation").glob("*.template.json")
    return sum(len(json.loads(path.read_text())["Resources"]) for path in templates)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=500)
    parser.add_argument("--unchanged", type=int, nargs="*", default=[100, 1000])
    options = parser.parse_args()
    with application(options.resources) as folder:
        measured(f"up of {deployed(folder)} resources from nothing", folder)
    for wanted in options.unchanged:
        with application(wanted) as folder:
            command(folder, [sys.executable, "-m", "klotho.cli", "up", "--yes"])
            measured(f"up of {deployed(folder)} resources unchanged", folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
