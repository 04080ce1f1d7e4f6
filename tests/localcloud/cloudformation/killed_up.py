"""A process that brings the forty resources up, in a child that is killed after a given API call.

    killed_up.py PORT

Reads lines `VERSION CALL` (0: is not killed) and answers each with the child's exit status and how many calls it made.
The child is a fork, so that importing is paid for once; it is killed by SIGKILL, as a machine that loses power is.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parent.parent))

from cloudformation.deployer import Deployer
from cloudformation.forty import forty
from klotho.deploy.place import Clients, Pace

PACE = Pace(monotonic, sleep, fastest=0.1, slowest=0.1, patience=20.0)
"""Few polls: to be killed after one is like being killed after the other."""


def child(port: int, version: int, last: int, report: int, run: str, session: Any) -> None:
    calls = 0

    def answered(**arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            os.write(report, f"{calls}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(clients: Clients) -> None:
        clients.events.register("after-call", answered)

    done = Deployer(port, watch, session).up(*forty(version), run=run, pace=PACE)
    os.write(report, f"{calls}\n".encode())
    os._exit(0 if done.ok and not done.left else 1)


def main(port: int) -> None:
    clients = Clients(Deployer(port).place)
    assert clients.cloudformation  # the service's model is read once, before the forks
    for number, line in enumerate(sys.stdin):
        version, last = map(int, line.split())
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child(port, version, last, writer, f"run{number}", clients._session)
            finally:
                os._exit(70)
        os.close(writer)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(reader) as report:
            calls = report.read().strip() or "0"
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {calls}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
