"""A way to a database, with the login of a service that uses it: exactly what that service may do, and no more.

Input: a session, who is meant, a database, a service. Output: a `Tunnel`: where it is, and whose login it is with.
Failure: a database that no deployed service uses (`database-unknown`, exit 6), a service that does not use it.

Which services use a database, and by which secret, is in the `KLOTHO_DATASTORE_…` variables they are deployed with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from klotho.deploy.place import Clients, translated
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of
from klotho.driver.machine import state_root
from klotho.driver.reach.services import Service
from klotho.localcloud.services.acm.authority import CERTIFICATE, FOLDER

_PREFIX = "KLOTHO_DATASTORE_"
_SCHEMES = {"Databases.Postgres": "postgresql", "Databases.MySQL": "mysql", "Databases.Redis": "rediss"}

_AUTHORITIES = {"Databases.Postgres": "sslmode=verify-full&sslrootcert", "Databases.Redis": "ssl_ca_certs"}
"""What the address calls the file of authorities; drivers of MySQL have no common word."""


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A database as one service sees it."""

    database: str
    kind: str
    """`Databases.Postgres`."""
    service: Service
    host: str
    port: int
    name: str
    """Of the database inside the server; empty for Redis."""
    secret: str
    """The ARN of the service's login; empty when there is none."""

    def url(self, port: int, login: Login | None) -> str:
        """For the near end at 127.0.0.1; with the password only when a login is given."""
        scheme = _SCHEMES.get(self.kind, "tcp")
        who = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@" if login else ""
        address = f"{scheme}://{who}127.0.0.1:{port}/{quote(self.name, safe='')}"
        return address if self.is_far else address + self._verified()

    def _verified(self) -> str:
        """How a client is told to verify a server of this machine."""
        name = _AUTHORITIES.get(self.kind)
        file = quote(str(state_root() / FOLDER / CERTIFICATE), safe="/")
        return f"?{name}={file}" if name else ""

    @property
    def is_far(self) -> bool:
        """Whether it is on AWS: its certificate names the far host then, not 127.0.0.1."""
        return self.host not in ("127.0.0.1", "localhost")


def find(
    services: Mapping[str, Service],
    variables: Callable[[Service], Mapping[str, str]],
    database: str,
    wanted: str | None,
) -> Tunnel:
    """`wanted`: the service whose login it is; without it, the only or the first container that uses the database."""
    users: dict[str, Tunnel] = {}
    known: set[str] = set()
    for service in services.values():
        for grant in _grants(variables(service)):
            if "host" not in grant:
                continue  # a table is no server
            known.add(str(grant["name"]))
            if grant["name"] == database:
                users[service.name] = _tunnel(service, grant)
    if not users:
        raise Failure(
            "database-unknown",
            f"no deployed service uses a database `{database}`",
            notes=(f"there is {one_of(sorted(known))}" if known else "nothing deployed uses a database server",),
            helps=(did_you_mean(database, known),),
            exit_code=ExitCode.NOT_FOUND,
        )
    if wanted is not None and wanted not in users:
        raise Failure(
            "service-unknown",
            f"`{wanted}` does not use `{database}`",
            notes=(f"it is used by {one_of(sorted(users))}",),
            helps=(did_you_mean(wanted, users),),
            exit_code=ExitCode.NOT_FOUND,
        )
    ordered = sorted(users.values(), key=lambda tunnel: (tunnel.service.kind != "container", tunnel.service.name))
    return users[wanted] if wanted is not None else ordered[0]


def login_of(clients: Clients, tunnel: Tunnel) -> Login | None:
    """The service's login; None for a database that asks for none."""
    if not tunnel.secret:
        return None
    with translated(f"reading the login of {tunnel.service.name}"):
        found = json.loads(clients.secrets.get_secret_value(SecretId=tunnel.secret)["SecretString"])
    return Login(str(found["username"]), str(found["password"]))


def _grants(variables: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for name, value in variables.items():
        if name.startswith(_PREFIX):
            grant = json.loads(value)
            if isinstance(grant, dict) and "name" in grant:
                found.append(grant)
    return found


def _tunnel(service: Service, grant: Mapping[str, Any]) -> Tunnel:
    return Tunnel(
        database=str(grant["name"]),
        kind=str(grant.get("kind", "")),
        service=service,
        host=str(grant["host"]),
        port=int(grant["port"]),
        name=str(grant.get("database", "")),
        secret=str(grant.get("secret", "")),
    )
