"""PostgreSQL servers behind AWS::RDS::DBInstance: one process and one data folder per instance.

Input: instance identifiers with credentials and settings, from the handler. Output: a server on 127.0.0.1 at a port
that stays the same, logging to `/aws/rds/instance/<id>/postgresql`. Refuses, as `PostgresError`: a port someone else
holds (named), a server that does not start (with its log's last lines), a data folder of another major version.

As on RDS the master user is no superuser but a member of `rds_superuser`, and passwords are SCRAM. The superuser
`rdsadmin` has a random password that lies in the data folder; there is no Unix socket. `fsync` and
`synchronous_commit` stay on: what a client was told is committed survives a kill -9 of everything.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.planes.postgres_programs import (
    ADMIN,
    PostgresError,
    Programs,
    admin_password,
    cache_folder,
    copy_folder,
    copy_template,
    programs,
)
from klotho.localcloud.planes.processes import Child, ProcessTable, Supervised, describe_exit
from klotho.localcloud.planes.reaper import end_groups, start_mark
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.ports import is_free
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

__all__ = ["PostgresError", "PostgresServers"]

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0
"""Recovery after a crash replays the log written since the last checkpoint, which takes its time."""
RETRY_S = 1.0
"""Between two looks whether the port of an instance that is to come back is free."""
_IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{0,62}")
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


class PortHeldError(PostgresError):
    """Somebody else listens on the instance's port."""


@dataclass(slots=True)
class _Server:
    identifier: str
    name: str
    data: Path
    port: int
    programs: Programs
    version: str
    parameters: Mapping[str, str]
    kept: Supervised
    application: str | None = None

    @property
    def log_group(self) -> str:
        return f"/aws/rds/instance/{self.identifier}/postgresql"


class PostgresServers:
    """All PostgreSQL servers of one local cloud."""

    def __init__(self, cloud: Cloud, cache: Path | None = None) -> None:
        """`cache`: where the template data folder is kept (default: Klotho's XDG cache folder)."""
        self._cloud = cloud
        self._cache = cache or cache_folder()
        self._root = cloud.state / "postgres"
        self._servers: dict[str, _Server] = {}
        self._failed: dict[str, UnitStatus] = {}
        """Identifier -> what `status` says of an instance that does not run."""
        self._waiting: dict[str, asyncio.Task[None]] = {}
        """Instances that are to come back as soon as their port is free."""
        self._locks: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Clear away what a killed supervisor left; servers start when their instance's record is resumed."""
        await asyncio.to_thread(ProcessTable.of, self._cloud.state)
        self._root.mkdir(parents=True, exist_ok=True)

    async def stop(self) -> None:
        """Shut all servers down cleanly, at the same time."""
        for identifier in list(self._waiting):
            self._stop_waiting(identifier)
        servers, self._servers = self._servers, {}
        await asyncio.gather(*(server.kept.stop() for server in servers.values()))

    def status(self) -> list[UnitStatus]:
        shown = [_status(server) for server in self._servers.values()]
        shown += [unit for identifier, unit in self._failed.items() if identifier not in self._servers]
        return sorted(shown, key=lambda unit: unit.name)

    async def ensure(
        self,
        identifier: str,
        *,
        master_user: str,
        master_password: str,
        database: str | None,
        parameters: Mapping[str, str] | None = None,
        engine_version: str | None = None,
        name: str | None = None,
        application: str | None = None,
    ) -> tuple[str, int]:
        """Make the instance exist, run and have this master user and database; returns (host, port). Idempotent.

        `database`: None makes none but `postgres`. `name`: what `status` calls it (default: the identifier).
        """
        address = await self.launch(
            identifier, parameters=parameters, engine_version=engine_version, name=name, application=application
        )
        server = self._servers[identifier]
        script = _master(master_user, master_password)
        await _query(server, script + (_database(database, master_user) if database else ""))
        return address

    async def launch(
        self,
        identifier: str,
        *,
        parameters: Mapping[str, str] | None = None,
        engine_version: str | None = None,
        name: str | None = None,
        application: str | None = None,
    ) -> tuple[str, int]:
        """Start the instance's server (again, if its parameters changed), creating its data folder when missing."""
        if _IDENTIFIER.fullmatch(identifier) is None:
            raise PostgresError(f"`{identifier}` is no DB instance identifier")
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            wanted = dict(parameters or {})
            running = self._servers.get(identifier)
            if running is not None and running.parameters == wanted:
                running.application = application
                return HOST, running.port
            if running is not None:
                await self._halt(identifier)
            try:
                server = await asyncio.to_thread(self._prepare, identifier, wanted, engine_version, name or identifier)
                server.application = application
                server.kept = Supervised(lambda: _launch(self._cloud, server))
                await server.kept.start()
            except Exception as error:
                self._failed[identifier] = UnitStatus(
                    name or identifier, "postgres", "failed", detail=str(error), application=application
                )
                raise
            self._failed.pop(identifier, None)
            self._servers[identifier] = server
            return HOST, server.port

    async def bring_back(
        self,
        identifier: str,
        *,
        parameters: Mapping[str, str],
        engine_version: str | None,
        name: str,
        application: str | None,
    ) -> None:
        """`launch` for an instance that ran before: while somebody else has its port it waits, shown as failed."""
        self._stop_waiting(identifier)

        async def launch() -> bool:
            try:
                await self.launch(
                    identifier, parameters=parameters, engine_version=engine_version, name=name, application=application
                )
            except PortHeldError:
                return False
            return True

        async def wait() -> None:
            while True:
                await asyncio.sleep(RETRY_S)
                if is_free(self._cloud.ports.of(f"postgres/{identifier}")) and await launch():
                    return

        if not await launch():
            self._waiting[identifier] = asyncio.get_running_loop().create_task(wait())

    async def suspend(self, identifier: str) -> None:
        """Stop the server and leave its data for `bring_back`. Idempotent."""
        self._stop_waiting(identifier)
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            await self._halt(identifier)
            self._failed.pop(identifier, None)

    def _stop_waiting(self, identifier: str) -> None:
        task = self._waiting.pop(identifier, None)
        if task is not None:
            task.cancel()

    async def set_password(self, identifier: str, user: str, password: str) -> None:
        """Give the master user a new password; open connections stay."""
        await _query(self._running(identifier), _master(user, password))

    async def delete(self, identifier: str, keep_data: bool = False) -> None:
        """Stop the server and remove its data (or leave the data folder where it is). Idempotent."""
        self._stop_waiting(identifier)
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            await self._halt(identifier)
            self._failed.pop(identifier, None)
            if not keep_data:
                await asyncio.to_thread(shutil.rmtree, self._root / identifier, ignore_errors=True)
                self._cloud.ports.release(f"postgres/{identifier}")

    async def snapshot(self, identifier: str, snapshot: str) -> Path:
        """Copy the data folder to `state/postgres/snapshots/<snapshot>` with the server stopped; returns the copy.

        The server is left stopped: snapshots are taken just before a deletion. Done once per name.
        """
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            target = self._root / "snapshots" / snapshot
            if not target.exists():
                await self._halt(identifier)
                await asyncio.to_thread(copy_folder, self._root / identifier / "data", target)
            return target

    def server_version(self, identifier: str) -> str:
        """The version of the local server that stands for this instance (`18.4`)."""
        return self._running(identifier).version

    def major_version(self, identifier: str) -> int | None:
        """The major version of an instance's data folder; None when there is none yet."""
        marker = self._root / identifier / "data" / "PG_VERSION"
        return int(marker.read_text()) if marker.exists() else None

    def _running(self, identifier: str) -> _Server:
        server = self._servers.get(identifier)
        if server is None:
            failed = self._failed.get(identifier)
            why = failed.detail if failed is not None else "it was never started, or its application is stopped"
            raise PostgresError(f"the server of DB instance {identifier} is not running: {why}")
        return server

    async def _halt(self, identifier: str) -> None:
        server = self._servers.pop(identifier, None)
        if server is not None:
            await server.kept.stop()

    def _prepare(self, identifier: str, parameters: dict[str, str], engine_version: str | None, name: str) -> _Server:
        data = self._root / identifier / "data"
        major = self.major_version(identifier)
        found = programs(engine_version if major is None else str(major))
        if major is None:
            copy_template(found, data, self._cache)
        elif major != found.major:
            raise PostgresError(f"{data} was written by PostgreSQL {major}, which is not installed here any more")
        return _Server(
            identifier, name, data, self._cloud.ports.of(f"postgres/{identifier}"),
            found, found.version(), parameters, Supervised(_never),
        )  # fmt: skip


async def _never() -> Child:
    raise AssertionError("replaced before the first start")  # pragma: no cover


def _status(server: _Server) -> UnitStatus:
    state = server.kept.state
    running = state == "running"
    return UnitStatus(
        name=server.name,
        kind="postgres",
        state=state,
        address=f"{HOST}:{server.port}",
        log_group=server.log_group,
        restarts=server.kept.restarts,
        detail=f"PostgreSQL {server.version}" if running else server.kept.detail,
        pid=server.kept.child.pid if running and server.kept.child else None,
        application=server.application,
    )


async def _launch(cloud: Cloud, server: _Server) -> Child:
    """One life of the server, ready for connections."""
    await asyncio.to_thread(_end_orphan, server.data)
    # Sets it in folders of an earlier Klotho, which needs the server down.
    await asyncio.to_thread(admin_password, server.programs, server.data)
    if not is_free(server.port):
        holder = holder_of(server.port) or "another program"
        raise PortHeldError(f"port {server.port} of DB instance {server.identifier} is in use by {holder}")
    settings = {
        **_SETTINGS,
        **server.parameters,
        "port": str(server.port),
        "unix_socket_directories": "",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    for attempt in range(20):
        child = await Child.start(
            cloud,
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


def _end_orphan(data: Path) -> None:
    """Deal with a `postmaster.pid` that a kill -9 left: end the server it names, or clear a stranger's pid.

    The pid may be another program's by now, which would keep PostgreSQL from starting for ever.
    """
    pidfile = data / "postmaster.pid"
    try:
        pid = int(pidfile.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    command = shown.stdout.strip()
    if not command:
        return
    if "postgres" not in command or str(data) not in command:
        pidfile.unlink(missing_ok=True)
        return
    mark = start_mark(pid)
    if mark is not None:
        end_groups({pid: (signal.SIGINT, 5.0, mark)})


async def _query(server: _Server, script: str) -> str:
    """Run SQL as the superuser through psql; the script goes through standard input, so no password is in `ps`."""
    password = await asyncio.to_thread(admin_password, server.programs, server.data)
    process = await asyncio.create_subprocess_exec(
        str(server.programs.folder / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
        "-h", HOST, "-p", str(server.port), "-U", ADMIN, "-d", "postgres", "-f", "-",
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
