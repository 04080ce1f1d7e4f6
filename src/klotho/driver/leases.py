"""Which lease a command needs, and where it is kept.

Input: project, environment, application, the command's name. Output: a held `Lease`, or where leases are. Refuses what
`klotho.deploy.lease` refuses.

Leases of local environments lie in a folder of their own beside the local clouds: what `down --delete-data` deletes is
deleted under the lease. Those of AWS lie in the environment's artifact bucket.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable

from klotho.deploy.lease import Claimant, Lease, Lives, Room, Timing, acquire, application_lease, project_lease
from klotho.deploy.place import Clients, translated
from klotho.diagnostics import Failure
from klotho.driver.machine import local_pace, now_ms, state_root
from klotho.stores.bucket import BucketStore
from klotho.stores.folder import FolderStore

_FOLDER = ".leases"
"""In the state root; no project has a name that begins with a dot."""
_LIVES = ".alive"
_SAY_EVERY_S = 10.0


def local_room() -> Room:
    """Leases of the environments on this machine."""
    return Room(FolderStore(state_root() / _FOLDER), _lives())


def bucket_room(clients: Clients) -> Room:
    """Leases of an environment on AWS; `clients` without a guard."""
    bucket = clients.place.artifact_bucket
    store = BucketStore(lambda: clients.s3, bucket, "leases/", what="a lease", translated=translated)
    return Room(store, _lives())


def local_timing() -> Timing:
    """This machine answers at once, and knows when a process has ended: the time only matters for one that hangs."""
    pace = local_pace()
    return Timing(10.0, 1.0, 0.1, pace.clock, pace.sleep, now_ms)


def aws_timing() -> Timing:
    """Three renewals may fail before anybody may take over."""
    pace = local_pace()
    return Timing(20.0, 5.0, 1.0, pace.clock, pace.sleep, now_ms)


def held(
    room: Room,
    timing: Timing,
    command: str,
    say: Callable[[str], None],
    *,
    project: str,
    environment: str,
    application: str | None,
) -> Lease:
    """A lease on one application in one environment; without `application` the short one on what the project shares.

    Enter it for as long as it is needed. Failure (`locked`, exit 10) when somebody else has it.
    """
    if application is None:
        name, what = project_lease(project, environment), f"what project {project} shares in {environment}"
    else:
        name, what = application_lease(project, environment, application), f"`{application}` in {environment}"
    return acquire(room, name, what, claimant(command), os.urandom(12).hex(), timing, say)


def waited_for(take: Callable[[], Lease], timing: Timing, patience: float, say: Callable[[str], None]) -> Lease:
    """A lease, once whoever holds it is done. Failure (`locked`) when that takes longer than `patience` seconds.

    `say` is told every ten seconds who is waited for.
    """
    begun = told = timing.clock()
    while True:
        try:
            return take()
        except Failure as failure:
            now = timing.clock()
            if failure.diagnostic.code != "locked" or now - begun > patience:
                raise
            if now - told >= _SAY_EVERY_S:
                say(f"waiting: {failure}")
                told = now
        timing.sleep(timing.poll)


def claimant(command: str) -> Claimant:
    """This process, for whoever meets its lease."""
    return Claimant(user_name(), socket.gethostname(), os.getpid(), command, now_ms())


def user_name() -> str:
    """Who runs this; the number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _lives() -> Lives:
    return Lives(state_root() / _FOLDER / _LIVES)
