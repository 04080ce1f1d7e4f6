"""Processes that contend for a lease, for the tests: `python -m tests.localcloud.leases.contender MODE STORE [N]`.

STORE is a folder, or the URL of an endpoint. `race N` forks N processes and prints their exit codes as JSON once all
but the winner have ended. `hold` prints `held` and stays. `write` writes objects, one after the other, under the lease.
Exit codes are the command line's: 0, or 10 when somebody else holds the lease.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

from klotho.deploy.lease import Claimant, Lease, Lives, Room, Timing, acquire, application_lease
from klotho.deploy.place import Clients, Place
from klotho.diagnostics import Failure
from klotho.driver.leases import bucket_room
from klotho.driver.machine import now_ms
from klotho.localcloud.identity import ACCOUNT
from klotho.stores import Store
from klotho.stores.folder import FolderStore

NAME = application_lease("acme", "staging", "shop")
WHAT = "`shop` in staging"
SECONDS = 2.0


def tell(line: str, stream: TextIO = sys.stdout) -> None:
    stream.write(f"{line}\n")
    stream.flush()


def clients_of(url: str) -> Clients:
    access, secret = os.environ["TEST_ACCESS_KEY"], os.environ["TEST_SECRET_KEY"]
    return Clients(Place("eu-west-1", ACCOUNT, url, access, secret))


def store_of(where: str) -> Store:
    if not where.startswith("http"):
        return FolderStore(Path(where))
    clients = clients_of(where)
    assert clients.s3  # what is slow to import and to make is done here, before a race begins
    return bucket_room(clients).store


def timing(seconds: float = SECONDS) -> Timing:
    return Timing(seconds, seconds / 5, 0.05, time.monotonic, time.sleep, now_ms)


def take(where: str, seconds: float = SECONDS, store: Store | None = None, machine: Path | None = None) -> Lease:
    """`machine`: where signs of life are kept; without it each process is on a machine of its own."""
    lives = Lives(machine or Path(tempfile.gettempdir()) / f"lives-{os.urandom(4).hex()}")
    room = Room(store or store_of(where), lives)
    by = Claimant("ann", "laptop", os.getpid(), "klotho up", now_ms())
    return acquire(room, NAME, WHAT, by, os.urandom(8).hex(), timing(seconds), lambda line: None)


def _contend(where: str, store: Store, start: int, held: int) -> int:
    """One process of a race; waits for the others at `start`, says at `held` that it has the lease."""
    os.read(start, 1)
    try:
        with take(where, 20.0, store):
            os.write(held, b"%d\n" % os.getpid())
            signal.pause()
    except Failure as failure:
        tell(json.dumps({"said": str(failure), "pid": failure.data["pid"]}), sys.stderr)
        return int(failure.exit_code)
    return 0


def race(where: str, number: int) -> None:
    start, go = os.pipe()
    held_read, held = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: None)
    store = store_of(where)
    children = []
    for _ in range(number):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os._exit(_contend(where, store, start, held))
        children.append(pid)
    os.close(start)
    os.write(go, b"x" * number)
    codes = []
    while len(codes) < number - 1:
        pid, status = os.wait()
        codes.append(os.waitstatus_to_exitcode(status))
        children.remove(pid)
    (winner,) = children
    os.kill(winner, signal.SIGTERM)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(winner, 0)[1]))
    os.close(held)
    with os.fdopen(held_read) as said:
        tell(json.dumps({"codes": codes, "held": [int(line) for line in said], "winner": winner}))


def hold(where: str, machine: str = "") -> None:
    with take(where, machine=Path(machine) if machine else None):
        tell("held")
        signal.pause()


def write(where: str) -> None:
    with take(where) as lease:
        s3 = clients_of(where).guarded(lease.guard).s3
        for number in range(10_000):
            s3.put_object(Bucket="plain", Key=f"written/{number}", Body=b"")
            tell(str(number))
            time.sleep(0.02)


if __name__ == "__main__":
    mode, place, *rest = sys.argv[1:]
    try:
        {"race": lambda: race(place, int(rest[0])), "hold": lambda: hold(place, *rest), "write": lambda: write(place)}[
            mode
        ]()
    except Failure as failed:
        tell(failed.diagnostic.code, sys.stderr)
        sys.exit(failed.exit_code)
