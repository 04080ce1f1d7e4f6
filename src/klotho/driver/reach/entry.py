"""`exec`, `shell` and `tunnel` for the command line, the same words for this machine and for AWS.

Input: where a command looks, an environment, a service or database. Output: a `Command` to become, or a `Tunnel`.
Refuses protected environments (`access`), unknown names, and what the environment can't do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from klotho.diagnostics import Failure
from klotho.driver import local_cloud
from klotho.driver.access import Access, require_access
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.inspection import require_running
from klotho.driver.reach import databases, ecs_exec, local
from klotho.driver.reach.local import Command
from klotho.driver.reach.services import Service, service_named, services_of
from klotho.driver.session import Session


@dataclass(frozen=True)
class Opened:
    """An environment that may be reached into."""

    identity: Identity
    session: Session

    @cached_property
    def services(self) -> dict[str, Service]:
        return services_of(self.session, self.identity)


def opened(where: Where, environment: str | None, doing: Access) -> Opened:
    identity = identify(where, environment)
    require_access(identity.environment, doing)
    return Opened(identity, require_running(identity))


def command(found: Opened, service: str, words: Sequence[str] | None) -> Command:
    """`words` as the service; None: a shell in it."""
    if not isinstance(found.session, local_cloud.Session):
        wanted = service_named(found.services, service)
        return ecs_exec.command(found.session.clients, wanted, words, found.identity.environment.profile)
    application = found.identity.application
    try:
        running = local.running(found.session, application, service)
    except Failure:
        service_named(found.services, service)  # a name nobody has is the better reason
        raise
    return local.shell(running) if words is None else local.command(running, service, words)


def tunnel(found: Opened, database: str, service: str | None) -> databases.Tunnel:
    def variables(item: Service) -> dict[str, str]:
        if isinstance(found.session, local_cloud.Session):
            return dict(local.running(found.session, found.identity.application, item.name).variables)
        return ecs_exec.variables_of(found.session.clients, item)

    return databases.find(found.services, variables, database, service)


def through(found: Opened, tunnel: databases.Tunnel, port: int) -> Command:
    """On AWS: what opens the tunnel at this port, through a container that uses the database."""
    return ecs_exec.port_forwarding(
        found.session.clients,
        tunnel.service,
        tunnel.host,
        tunnel.port,
        port,
        found.identity.environment.profile,
    )
