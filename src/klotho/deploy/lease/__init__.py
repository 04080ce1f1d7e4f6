"""One at a time: leases on an application's environment, and on what a project shares.

`Store` is where a lease is kept (a folder of this machine, or the artifact bucket), `acquire` gets one, and a held
`Lease` is a guard that every mutating call of its holder passes. See docs/locking.md.
"""

from klotho.deploy.lease.claim import Claim, Claimant, application_lease, project_lease
from klotho.deploy.lease.lease import Lease, Room, Timing, acquire, is_alive
from klotho.deploy.lease.lives import Lives
from klotho.deploy.lease.store import Kept, Store

__all__ = [
    "Claim",
    "Claimant",
    "Kept",
    "Lease",
    "Lives",
    "Room",
    "Store",
    "Timing",
    "acquire",
    "application_lease",
    "is_alive",
    "project_lease",
]
