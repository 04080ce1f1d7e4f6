"""PostgreSQL servers behind AWS::RDS::DBInstance: one process and one data folder per instance.

Input: instance identifiers with credentials and settings, from the handler. Output: a server on 127.0.0.1 at a port
that stays the same, logging to `/aws/rds/instance/<id>/postgresql`. Refuses, as `PostgresError`: a port someone else
holds (named), a server that does not start (with its log's last lines), a data folder of another major version.

As on RDS the master user is no superuser but a member of `rds_superuser`, and passwords are SCRAM. The superuser
`rdsadmin` has a random password that lies in the data folder; there is no Unix socket. `fsync` and
`synchronous_commit` stay on: what a client was told is committed survives a kill -9 of everything. Nobody connects
without TLS, as with `rds.force_ssl`: the server has none, so a front of ours speaks it (`tls_front`).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from klotho.localcloud.planes.database_servers import (
    HOST,
    START_TIMEOUT_S,
    DatabaseServers,
    Server,
    end_orphan,
    log_group_of,
)
from klotho.localcloud.planes.postgres_programs import (
    ADMIN,
    PostgresError,
    Programs,
    admin_password,
    copy_template,
    programs,
)
from klotho.localcloud.planes.processes import Child, describe_exit
from klotho.localcloud.planes.server_files import cache_folder
from klotho.localcloud.planes.tls_front import Introduction, open_postgres
from klotho.localcloud.planes.token_logins import TokenCheck, token_logins

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

__all__ = ["PostgresError", "PostgresServers"]

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A laptop's share, not a server's: what RDS derives from the instance class.
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "max_connections": "100",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "jit": "off",
    # In the data folder: a killed server leaves nothing in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
}
_MASTER_GRANTS = ("pg_monitor", "pg_signal_backend", "pg_checkpoint")
"""What `rds_superuser` may do (RDS user guide, "Understanding the rds_superuser role"), as far as it exists here."""


@dataclass(slots=True, kw_only=True)
class PostgresServer(Server):
    programs: Programs


class PostgresServers(DatabaseServers[PostgresServer]):
    """All PostgreSQL servers of one local cloud."""

    kind: ClassVar[str] = "postgres"
    error = PostgresError

    def __init__(self, cloud: Cloud, cache: Path | None = None) -> None:
        """`cache`: where the template data folder is kept (default: Klotho's XDG cache folder)."""
        super().__init__(cloud)
        self._cache = cache or cache_folder()
        self._tokens: dict[str, str] = {}
        """Servers that take tokens of IAM, with the ids of their databases."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def major_version(self, identifier: str) -> int | None:
        """The major version of an instance's data folder; None when there is none yet."""
        marker = self._root / identifier / "data" / "PG_VERSION"
        return int(marker.read_text()) if marker.exists() else None

    def _prepare(
        self, identifier: str, parameters: dict[str, str], engine_version: str | None, name: str
    ) -> PostgresServer:
        data = self._root / identifier / "data"
        major = self.major_version(identifier)
        found = programs(engine_version if major is None else str(major))
        if major is None:
            copy_template(found, data, self._cache)
        elif major != found.major:
            raise PostgresError(f"{data} was written by PostgreSQL {major}, which is not installed here any more")
        return PostgresServer(
            identifier, name, data, self._port(identifier), f"PostgreSQL {found.version()}",
            log_group_of(identifier, "postgresql"), parameters, programs=found,
            inner=(inner := self._cloud.ports.of(f"{self.kind}/{identifier}/inner")),
            front=self._front(self._port(identifier), inner, open_postgres, self._introduction(identifier)),
        )  # fmt: skip

    def take_tokens(self, identifier: str, resource_id: str | None) -> None:
        """Take logins by tokens for the database of this id (`db-…`, `cluster-…`); None: take none."""
        if resource_id is None:
            self._tokens.pop(identifier, None)
        else:
            self._tokens[identifier] = resource_id

    def _introduction(self, identifier: str) -> Introduction:
        """Fronts run on a thread of their own; what is asked of the server is asked on this one's loop."""

        async def password(user: str) -> str | None:
            if identifier not in self._tokens or user == ADMIN:
                return None
            assert self._loop is not None, identifier
            asked = asyncio.run_coroutine_threadsafe(self._password_of(identifier, user), self._loop)
            return await asyncio.wrap_future(asked)

        def check(user: str, token: str) -> str | None:
            cloud, address = self._cloud, f"{HOST}:{self._port(identifier)}"
            place = (cloud.region, cloud.account)
            return TokenCheck(cloud.credentials, cloud.decide, place, address, self._tokens.get(identifier, ""))(
                user, token
            )

        return token_logins(password, check)

    async def _password_of(self, identifier: str, user: str) -> str | None:
        """One that nobody else knows, set for a user of tokens; None for a user that is none."""
        password = secrets.token_urlsafe(24)
        answer = await _query(self._running(identifier), _token_password(user, password))
        return password if answer.strip().endswith("1") else None

    async def _make(self, server: PostgresServer, user: str, password: str, database: str | None) -> None:
        tokens = _TOKEN_ROLE.format(user=_identifier(user)) if server.identifier in self._tokens else ""
        await _query(server, _master(user, password) + tokens + (_database(database, user) if database else ""))

    async def _launch(self, server: PostgresServer) -> Child:
        """One life of the server, ready for connections."""
        self._loop = asyncio.get_running_loop()
        pidfile = server.data / "postmaster.pid"
        await asyncio.to_thread(end_orphan, pidfile, "postgres", server.data, signal.SIGINT)
        # Sets it in folders of an earlier Klotho, which needs the server down.
        await asyncio.to_thread(admin_password, server.programs, server.data)
        self._free_port(server)
        settings = {
            **_SETTINGS,
            **server.parameters,
            "port": str(server.own_port),
            "unix_socket_directories": "",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        for attempt in range(20):
            child = await Child.start(
                self._cloud,
                server.programs.command("postgres", "-D", str(server.data), *options, data=server.data),
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                log_group=server.log_group,
                log_stream=server.identifier,
                cwd=Path("/"),
                stop_signal=signal.SIGINT,  # "fast shutdown": ends connections, writes a checkpoint
                grace_s=10.0,
            )
            if await _ready(child, server.data):
                return child
            lines = "\n".join(child.tail(6))
            # Backends of a killed server need a moment to notice that it is gone.
            if attempt == 19 or ("still in use" not in lines and "lock file" not in lines):
                raise PostgresError(
                    f"PostgreSQL for {server.identifier} did not start ({describe_exit(await child.wait())}):\n{lines}"
                )
            await asyncio.sleep(0.25)
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover


async def _ready(child: Child, data: Path) -> bool:
    """Wait until the server takes connections; False when it ended instead."""
    pidfile = data / "postmaster.pid"
    for _ in range(int(START_TIMEOUT_S / 0.01)):
        if child.returncode is not None:
            return False
        # The eighth line is the server's own word on its state (pidfile.h, LOCK_FILE_LINE_PM_STATUS).
        lines = pidfile.read_text().splitlines() if pidfile.exists() else []
        if len(lines) >= 8 and lines[0].strip() == str(child.pid) and lines[7].strip() == "ready":
            return True
        await asyncio.sleep(0.01)
    await child.stop(grace_s=1.0)
    return False


async def _query(server: PostgresServer, script: str) -> str:
    """Run SQL as the superuser through psql; the script goes through standard input, so no password is in `ps`."""
    password = await asyncio.to_thread(admin_password, server.programs, server.data)
    process = await asyncio.create_subprocess_exec(
        str(server.programs.folder / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
        "-h", HOST, "-p", str(server.own_port), "-U", ADMIN, "-d", "postgres", "-f", "-",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8", "PGCONNECT_TIMEOUT": "10",
             "PGPASSWORD": password},
    )  # fmt: skip
    output, errors = await process.communicate(script.encode())
    if process.returncode != 0:
        # psql repeats the failing statement only in the server's log; its own message names no value.
        raise PostgresError(f"{server.identifier}: {errors.decode(errors='replace').strip()}")
    return output.decode()


def _master(user: str, password: str) -> str:
    """SQL that makes the master user as RDS does, or gives an existing one this password. May run twice."""
    if user in (ADMIN, "rds_superuser") or user.startswith("pg_"):
        raise PostgresError(f"`{user}` is reserved: choose another MasterUsername")
    name, secret = _identifier(user), _literal(password)
    return f"""
SET log_statement = 'none'; SET log_min_error_statement = 'panic';
SELECT 'CREATE ROLE rds_superuser NOLOGIN'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') \\gexec
GRANT {", ".join(_MASTER_GRANTS)} TO rds_superuser WITH ADMIN OPTION;
SELECT {_literal(f"CREATE ROLE {name}")}
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {_literal(user)}) \\gexec
ALTER ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD {secret};
GRANT rds_superuser TO {name};
"""


_TOKEN_ROLE = """
SELECT 'CREATE ROLE rds_iam NOLOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') \\gexec
GRANT rds_iam TO {user} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
"""
"""The master user may let others log in by tokens, and is none of them."""


def _token_password(user: str, password: str) -> str:
    """SQL that gives a user of tokens this password, and answers 1; 0 for a user that is none."""
    of_tokens = (
        "EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member "
        f"WHERE g.rolname = 'rds_iam' AND NOT m.admin_option AND u.rolname = {_literal(user)})"
    )
    change = f"ALTER ROLE {_identifier(user)} PASSWORD {_literal(password)}"
    return f"""
SET log_statement = 'none'; SET log_min_error_statement = 'panic';
SELECT {_literal(change)} WHERE {of_tokens} \\gexec
SELECT count(*) FROM (SELECT 1) one WHERE {of_tokens};
"""


def _database(database: str, owner: str) -> str:
    """SQL that makes the instance's database, owned by the master user. May run twice."""
    create = f"CREATE DATABASE {_identifier(database)} OWNER {_identifier(owner)}"
    return f"""
SELECT {_literal(create)} WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {_literal(database)}) \\gexec
"""


def _identifier(text: str) -> str:
    return '"' + _clean(text).replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + _clean(text).replace("'", "''") + "'"


def _clean(text: str) -> str:
    if "\0" in text:
        raise PostgresError("PostgreSQL takes no NUL character in a name or password")
    return text
