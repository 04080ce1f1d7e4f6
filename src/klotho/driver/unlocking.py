"""`unlock` for the command line: who holds the leases a command here would need, and removing those.

Input: an identity. Output: `Found` values. Refuses nothing by itself: whether one that lives may go is asked by the
command line.
"""

from __future__ import annotations

from dataclasses import dataclass

from klotho.deploy.lease import Claim, Room, Timing, application_lease, is_alive, project_lease
from klotho.deploy.lease.claim import claim_of
from klotho.driver import leases, session
from klotho.driver.identity import Identity


@dataclass(frozen=True, slots=True)
class Found:
    """A lease that somebody holds."""

    name: str
    what: str
    """What it is on, in words."""
    claim: Claim
    alive: bool
    """Its holder was seen to renew it, or may still do so."""


def room_of(identity: Identity) -> tuple[Room, Timing]:
    """Where the environment's leases are, and how long they last."""
    if identity.environment.target == "local":
        return leases.local_room(), leases.local_timing()
    opened = session.answering(identity.environment, identity.project)
    assert opened is not None
    return leases.bucket_room(opened.clients), leases.aws_timing()


def find(identity: Identity, room: Room, timing: Timing) -> list[Found]:
    """The application's lease and the project's, as far as held; each is watched until it is clear whether its holder
    lives."""
    project, environment, application = identity.project, identity.environment.name, identity.application
    names = {
        application_lease(project, environment, application): f"`{application}` in {environment}",
        project_lease(project, environment): f"what project {project} shares in {environment}",
    }
    found = []
    for name, what in names.items():
        alive = is_alive(room, name, timing)
        held = room.store.read(name)
        if held is not None:
            found.append(Found(name, what, claim_of(held.body), alive))
    return found


def remove(found: Found, room: Room) -> bool:
    """Remove it; False when it is gone by itself, or when somebody else has it by now."""
    while (held := room.store.read(found.name)) is not None and claim_of(held.body).id == found.claim.id:
        if room.store.delete(found.name, held.etag):
            room.lives.end(found.claim.id)
            return True
        # A heartbeat came in between.
    return False
