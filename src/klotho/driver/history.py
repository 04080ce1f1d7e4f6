"""`history` for the command line.

Input: where a command looks, an environment, a sink. Output: revisions.
"""

from __future__ import annotations

from klotho.deploy.events import Sink
from klotho.deploy.revisions import Revision, Revisions
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.session import Session, for_a_question


def history(where: Where, environment: str | None, sink: Sink) -> tuple[Identity, list[Revision]]:
    """Newest first. A local cloud that is stopped is started for the question."""
    identity = identify(where, environment)
    with for_a_question(identity.environment, identity.project, sink) as opened:
        return identity, [] if opened is None else revisions_of(identity, opened).all()


def revisions_of(identity: Identity, opened: Session) -> Revisions:
    return Revisions(opened.clients, identity.project, identity.environment.name, identity.application)
