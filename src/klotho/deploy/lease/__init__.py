"""One at a time: leases on an application's environment, and on what a project shares.

A lease is an object in a `Store` (in a folder of this machine, or in the artifact bucket), `acquire` gets one, and a
held `Lease` is a guard that every mutating call of its holder passes. See docs/locking.md.
"""

from klotho.deploy.lease.claim import Claim, Claimant, application_lease, project_lease
from klotho.deploy.lease.lease import Lease, Room, Timing, acquire, is_alive
from klotho.deploy.lease.lives import Lives

__all__ = [
    "Claim",
    "Claimant",
    "Lease",
    "Lives",
    "Room",
    "Timing",
    "acquire",
    "application_lease",
    "is_alive",
    "project_lease",
]
