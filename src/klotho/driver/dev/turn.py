"""One `klotho dev` at a time of an application in an environment: two would undo each other's swaps.

Input: who the application is, whether to take over. Output: a held lease of its own beside that of deployments, which
`dev` holds only while it deploys. Refuses (`locked`, exit 10), naming the other one, unless it is taken over: then the
other one ends at its next look (`lease-lost`) and leaves everything as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from klotho.deploy.lease import Claimant, Lease, acquire, application_lease
from klotho.deploy.lease.claim import claim_of
from klotho.diagnostics import Failure
from klotho.driver import leases
from klotho.driver.identity import Identity
from klotho.driver.machine import new_run_id
from klotho.driver.unlocking import Found, remove, room_of


def taken(identity: Identity, say: Callable[[str], None], *, take_over: bool) -> Lease:
    """The turn. On AWS it lies in the artifact bucket, so that there has to be one."""
    room, timing = room_of(identity)
    application, environment = identity.application, identity.environment.name
    name = f"{application_lease(identity.project, environment, application)}.dev"
    what = f"`{application}` in {environment}"
    claimant: Claimant = leases.claimant("klotho dev")
    held = room.store.read(name) if take_over else None
    if held is not None and remove(Found(name, what, claim_of(held.body), alive=True), room):
        say(f"took {what} over from {claim_of(held.body).who()}, which ends now")
    try:
        return acquire(room, name, what, claimant, new_run_id(), timing, say)
    except Failure as failure:
        if failure.diagnostic.code == "locked":
            ways = ("end that one with Ctrl-C", "or run `klotho dev --take-over`: then that one ends by itself")
            failure.diagnostic = replace(failure.diagnostic, helps=ways)
        raise
