"""What database servers have in common, SQL or not: one process, one data folder and one port each.

Input: identifiers with settings, from a handler. Output: servers on 127.0.0.1 that are started, stopped,
copied and deleted, and keep their port and data. Refuses, as `DatabaseError`: a port someone else holds (named), a
server that does not start (with its log's last lines). What differs between engines is in a subclass.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from klotho.localcloud.planes.processes import Child, ProcessTable, Supervised
from klotho.localcloud.planes.reaper import end_groups, start_mark
from klotho.localcloud.planes.server_certificate import serving
from klotho.localcloud.planes.server_files import DatabaseError, copy_folder
from klotho.localcloud.planes.sockets import holder_of
from klotho.localcloud.planes.tls_front import Introduction, Opening, TlsFront
from klotho.localcloud.ports import is_free
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0
"""Recovery after a crash replays the log written since the last checkpoint, which takes its time."""
RETRY_S = 1.0
"""Between two looks whether the port of an instance that is to come back is free."""
_IDENTIFIER = re.compile(r"(?:cluster--)?[a-z][a-z0-9-]{0,62}")


def cluster_server(identifier: str) -> str:
    """The server of an Aurora cluster: no instance has two hyphens in a row in its name (CreateDBInstance)."""
    return f"cluster--{identifier}"


def log_group_of(server: str, log: str) -> str:
    """As RDS names it."""
    kind, name = ("cluster", server[9:]) if server.startswith("cluster--") else ("instance", server)
    return f"/aws/rds/{kind}/{name}/{log}"


async def never() -> Child:
    raise AssertionError("replaced before the first start")  # pragma: no cover


class PortHeldError(DatabaseError):
    """Somebody else listens on the instance's port."""


@dataclass(slots=True)
class Server:
    """One instance's server; a subclass adds what its engine needs."""

    identifier: str
    name: str
    data: Path
    port: int
    """Where clients connect."""
    version: str
    """As people read it: `PostgreSQL 18.4`."""
    log_group: str
    parameters: Mapping[str, str]
    kept: Supervised = field(default_factory=lambda: Supervised(never))
    application: str | None = None
    inner: int = 0
    """Where the process itself listens, when `front` has the port; 0 when it has the port itself."""
    front: TlsFront | None = None

    @property
    def own_port(self) -> int:
        return self.inner or self.port


S = TypeVar("S", bound=Server)


class Servers(ABC, Generic[S]):
    """All servers of one kind in one local cloud."""

    kind: ClassVar[str]
    """The engine as `klotho status` shows it; also the name of its state folder and of its ports."""
    error: ClassVar[type[DatabaseError]] = DatabaseError
    noun: ClassVar[str] = "DB instance"
    """What AWS calls one of them, for messages."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._root = cloud.state / self.kind
        self._servers: dict[str, S] = {}
        self._failed: dict[str, UnitStatus] = {}
        """Identifier -> what `status` says of an instance that does not run."""
        self._waiting: dict[str, asyncio.Task[None]] = {}
        """Instances that are to come back as soon as their port is free."""
        self._locks: dict[str, asyncio.Lock] = {}
        self._context: ssl.SSLContext | None = None

    @abstractmethod
    def _prepare(self, identifier: str, parameters: dict[str, str], engine_version: str | None, name: str) -> S:
        """The instance's server, its data folder made when missing. Blocks."""

    @abstractmethod
    async def _launch(self, server: S) -> Child:
        """One life of the server, ready for connections."""

    async def start(self) -> None:
        """Clear away what a killed supervisor left; servers start when their instance's record is resumed."""
        await asyncio.to_thread(ProcessTable.of, self._cloud.state)
        self._root.mkdir(parents=True, exist_ok=True)

    async def stop(self) -> None:
        """Shut all servers down cleanly, at the same time."""
        for identifier in list(self._waiting):
            self._stop_waiting(identifier)
        servers, self._servers = self._servers, {}
        await asyncio.gather(*(_end(server) for server in servers.values()))

    def status(self) -> list[UnitStatus]:
        shown = [self._status(server) for server in self._servers.values()]
        shown += [unit for identifier, unit in self._failed.items() if identifier not in self._servers]
        return sorted(shown, key=lambda unit: unit.name)

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
            raise self.error(f"`{identifier}` is no {self.noun} identifier")
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
                server.kept = Supervised(lambda: self._launch(server))
                await self._begin(server)
            except Exception as error:
                self._failed[identifier] = UnitStatus(
                    name or identifier, self.kind, "failed", detail=str(error), application=application
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
                if is_free(self._port(identifier)) and await launch():
                    return

        if not await launch():
            self._waiting[identifier] = asyncio.get_running_loop().create_task(wait())

    async def suspend(self, identifier: str) -> None:
        """Stop the server and leave its data for `bring_back`. Idempotent."""
        self._stop_waiting(identifier)
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            await self._halt(identifier)
            self._failed.pop(identifier, None)

    async def delete(self, identifier: str, keep_data: bool = False) -> None:
        """Stop the server and remove its data (or leave the data folder where it is). Idempotent."""
        self._stop_waiting(identifier)
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            await self._halt(identifier)
            self._failed.pop(identifier, None)
            if not keep_data:
                await asyncio.to_thread(shutil.rmtree, self._root / identifier, ignore_errors=True)
                self._cloud.ports.release(f"{self.kind}/{identifier}")
                self._cloud.ports.release(f"{self.kind}/{identifier}/inner")

    async def snapshot(self, identifier: str, snapshot: str) -> Path:
        """Copy the data folder to `state/<kind>/snapshots/<snapshot>` with the server stopped; returns the copy.

        The server is left stopped: snapshots are taken just before a deletion. Done once per name.
        """
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            target = self._root / "snapshots" / snapshot
            if not target.exists():
                await self._halt(identifier)
                await asyncio.to_thread(copy_folder, self._root / identifier / "data", target)
            return target

    def server_version(self, identifier: str) -> str:
        """The local server that stands for this instance (`PostgreSQL 18.4`)."""
        return self._running(identifier).version

    def _port(self, identifier: str) -> int:
        """Where clients connect."""
        return self._cloud.ports.of(f"{self.kind}/{identifier}")

    def _free_port(self, server: Server) -> None:
        """`PortHeldError` when somebody else listens on the server's port."""
        self._require_free(server, server.own_port)

    def _require_free(self, server: Server, port: int) -> None:
        if not is_free(port):
            holder = holder_of(port) or "another program"
            raise PortHeldError(f"port {port} of {self.noun} {server.identifier} is in use by {holder}")

    async def _begin(self, server: Server) -> None:
        """Start the server behind its front, if it has one; nothing is left of either when it does not start."""
        if server.front is not None:
            self._require_free(server, server.port)
            await server.front.start()
        try:
            await server.kept.start()
        except BaseException:
            if server.front is not None:
                await server.front.stop()
            raise

    def _front(
        self, port: int, inner: int, opening: Opening | None = None, introduction: Introduction | None = None
    ) -> TlsFront:
        """TLS for a server that has none."""
        if self._context is None:
            self._context = serving(self._cloud.state)
        return TlsFront(port, inner, self._context, opening, introduction)

    def _stop_waiting(self, identifier: str) -> None:
        task = self._waiting.pop(identifier, None)
        if task is not None:
            task.cancel()

    def _running(self, identifier: str) -> S:
        server = self._servers.get(identifier)
        if server is None:
            failed = self._failed.get(identifier)
            why = failed.detail if failed is not None else "it was never started, or its application is stopped"
            raise self.error(f"the server of {self.noun} {identifier} is not running: {why}")
        return server

    async def _halt(self, identifier: str) -> None:
        server = self._servers.pop(identifier, None)
        if server is not None:
            await _end(server)

    def _status(self, server: S) -> UnitStatus:
        state = server.kept.state
        running = state == "running"
        return UnitStatus(
            name=server.name,
            kind=self.kind,
            state=state,
            address=f"{HOST}:{server.port}",
            log_group=server.log_group,
            restarts=server.kept.restarts,
            detail=server.version if running else server.kept.detail,
            pid=server.kept.child.pid if running and server.kept.child else None,
            application=server.application,
        )


class DatabaseServers(Servers[S]):
    """Servers behind AWS::RDS::DBInstance: each has a master user, and a database of its own."""

    @abstractmethod
    async def _make(self, server: S, user: str, password: str, database: str | None) -> None:
        """Make this master user, with this password, and a database that is its own. Idempotent."""

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

        `database`: None makes none. `name`: what `status` calls it (default: the identifier).
        """
        address = await self.launch(
            identifier, parameters=parameters, engine_version=engine_version, name=name, application=application
        )
        await self._make(self._servers[identifier], master_user, master_password, database)
        return address

    async def set_password(self, identifier: str, user: str, password: str) -> None:
        """Give the master user a new password; open connections stay."""
        await self._make(self._running(identifier), user, password, None)


async def _end(server: Server) -> None:
    await server.kept.stop()
    if server.front is not None:
        await server.front.stop()


def end_orphan(pidfile: Path, program: str, data: Path, stop_signal: int) -> None:
    """Deal with a pid file that a kill -9 left: end the server it names, or clear a stranger's pid.

    The pid may be another program's by now, which would keep some servers from starting for ever. `program` is a part
    of the server's command line, beside the path of its data folder.
    """
    try:
        pid = int(pidfile.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    command = shown.stdout.strip()
    if not command:
        return
    if program not in command or str(data) not in command:
        pidfile.unlink(missing_ok=True)
        return
    mark = start_mark(pid)
    if mark is not None:
        end_groups({pid: (stop_signal, 5.0, mark)})
