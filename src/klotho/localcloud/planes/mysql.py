"""MySQL servers behind AWS::RDS::DBInstance: MariaDB or MySQL as found on this machine.

Input: instance identifiers with credentials and settings, from the handler. Output: a server on 127.0.0.1 at a port
that stays the same, with TLS, logging to `/aws/rds/instance/<id>/error`. Refuses, as `MySqlError`: no server on this
machine (with what to install), a data folder of the other of the two.

The account `rdsadmin` has a random password that lies in the data folder and is let in from this machine only; there
is no Unix socket. Every commit is flushed (`innodb_flush_log_at_trx_commit=1`): what a client was told is committed
survives a kill -9 of everything. Modes of SQL are those of MySQL 8.4, also where MariaDB stands for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from klotho.localcloud.planes.database_servers import (
    HOST,
    START_TIMEOUT_S,
    DatabaseServers,
    Server,
    end_orphan,
    log_group_of,
)
from klotho.localcloud.planes.mysql_programs import (
    ADMIN,
    PASSWORD_FILE,
    REDO_LOG,
    MySqlError,
    Programs,
    check_maker,
    copy_template,
    programs,
)
from klotho.localcloud.planes.processes import Child, describe_exit
from klotho.localcloud.planes.server_certificate import issue, trusting
from klotho.localcloud.planes.server_files import cache_folder, give, write_private

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

__all__ = ["MySqlError", "MySqlServers"]

_SETTINGS: Mapping[str, str] = {
    "character-set-server": "utf8mb4",
    # MySQL 8.4's default; MariaDB's is laxer, and what runs here must run there.
    "sql-mode": "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    "innodb-flush-log-at-trx-commit": "1",
    # A laptop's share, not a server's: what RDS derives from the instance class.
    "innodb-buffer-pool-size": "32M",
    "max-connections": "100",
    "performance-schema": "OFF",
}
_MASTER_GRANTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
"""Of the master user, besides ending the sessions of others. Source: Amazon RDS User Guide, "Master user account
privileges", MySQL; what MariaDB lacks (roles as privileges, SUPER's other parts) is left out."""
_READY = "ready for connections"


@dataclass(slots=True, kw_only=True)
class MySqlServer(Server):
    programs: Programs

    @property
    def pidfile(self) -> Path:
        return self.data.parent / "server.pid"


class MySqlServers(DatabaseServers[MySqlServer]):
    """All MySQL servers of one local cloud."""

    kind: ClassVar[str] = "mysql"
    error = MySqlError

    def __init__(self, cloud: Cloud, cache: Path | None = None) -> None:
        """`cache`: where the template data folder is kept (default: Klotho's XDG cache folder)."""
        super().__init__(cloud)
        self._cache = cache or cache_folder()

    def _prepare(
        self, identifier: str, parameters: dict[str, str], engine_version: str | None, name: str
    ) -> MySqlServer:
        found = programs()
        folder = self._root / identifier
        data = folder / "data"
        if not data.exists():
            copy_template(found, data, self._cache)
        check_maker(found, data)
        give(folder)
        issued = issue(self._cloud.state)
        write_private(data / "klotho-server-cert.pem", issued.certificate)
        write_private(data / "klotho-server-key.pem", issued.key)
        return MySqlServer(
            identifier, name, data, self._port(identifier), found.title,
            log_group_of(identifier, "error"), parameters, programs=found,
        )  # fmt: skip

    async def _launch(self, server: MySqlServer) -> Child:
        await asyncio.to_thread(end_orphan, server.pidfile, server.programs.server.name, server.data, signal.SIGTERM)
        self._free_port(server)
        ready = asyncio.Event()

        def watch(line: str) -> None:
            if _READY in line:
                ready.set()

        child = await Child.start(
            self._cloud,
            server.programs.command(*_options(server), data=server.data),
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            log_group=server.log_group,
            log_stream=server.identifier,
            cwd=Path("/"),
            stop_signal=signal.SIGTERM,
            grace_s=10.0,
            on_line=watch,
        )
        await _until_ready(child, ready)
        if ready.is_set() and child.returncode is None:
            return child
        code = await child.stop(grace_s=1.0)
        lines = "\n".join(child.tail(8))
        raise MySqlError(f"{server.version} for {server.identifier} did not start ({describe_exit(code)}):\n{lines}")

    async def _make(self, server: MySqlServer, user: str, password: str, database: str | None) -> None:
        context = await asyncio.to_thread(trusting, self._cloud.state)
        await asyncio.to_thread(_make, server, context, user, password, database)


def _options(server: MySqlServer) -> list[str]:
    """Options of one life; the instance's parameters win over ours, and never over where the server is."""
    settings = {
        **_SETTINGS,
        **{name.replace("_", "-"): value for name, value in server.parameters.items()},
        "bind-address": HOST,
        "port": str(server.port),
        "socket": "",
        "pid-file": str(server.pidfile),
        "tmpdir": str(server.data.parent),
        "ssl-cert": str(server.data / "klotho-server-cert.pem"),
        "ssl-key": str(server.data / "klotho-server-key.pem"),
    }
    return [
        "--skip-name-resolve",
        "--skip-log-bin",
        *(() if server.programs.is_mariadb else ("--mysqlx=OFF",)),
        REDO_LOG,
        *(f"--{name}={value}" for name, value in settings.items()),
    ]


async def _until_ready(child: Child, ready: asyncio.Event) -> None:
    """Wait until the server takes connections or has ended, at most `START_TIMEOUT_S`."""
    waits = [asyncio.ensure_future(ready.wait()), asyncio.ensure_future(child.wait())]
    _, pending = await asyncio.wait(waits, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()


def _make(server: MySqlServer, context: ssl.SSLContext, user: str, password: str, database: str | None) -> None:
    """The master user and its database, by the account only the supervisor has."""
    import pymysql

    if user == ADMIN or user.startswith(("mysql.", "mariadb.")):
        raise MySqlError(f"`{user}` is reserved: choose another MasterUsername")
    try:
        with _admin(server, context) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, password))
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password))
            ends_sessions = "CONNECTION ADMIN" if server.programs.is_mariadb else "CONNECTION_ADMIN"
            cursor.execute(f"GRANT {_MASTER_GRANTS}, {ends_sessions} ON *.* TO %s@'%%' WITH GRANT OPTION", (user,))
            if database:
                quoted = database.replace("`", "``")
                cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{quoted}` CHARACTER SET utf8mb4")
    except pymysql.MySQLError as error:
        # The server's message repeats no value but names; a syntax error would quote the statement's text.
        raise MySqlError(f"{server.identifier}: MySQL error {error.args[0]} while making the master user") from error


def _admin(server: MySqlServer, context: ssl.SSLContext) -> Any:
    import pymysql

    return pymysql.connect(
        host=HOST,
        port=server.port,
        user=ADMIN,
        password=(server.data / PASSWORD_FILE).read_text(),
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=10,
        ssl=context,
    )
