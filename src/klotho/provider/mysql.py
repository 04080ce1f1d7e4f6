r"""Login roles in MySQL (and MariaDB): one account each, with privileges on its database.

In MySQL tables have no owner and a grant on `database.*` covers what comes later, so that nothing else is needed. What
has one is views, routines, triggers and events: they run as their definer, so an account that is one is locked instead
of dropped. Source: MySQL 8.4 Reference Manual, "GRANT Statement" (`_` and `%` in a database's name are wildcards there
and need a backslash), "Stored Object Access Control", "DROP USER Statement"; Amazon RDS User Guide, "mysql.rds_kill".
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from klotho.provider.role import Role, RoleError
from klotho.runtime.authority import database_context

if TYPE_CHECKING:
    from pymysql.connections import Connection

NAME_CHARACTERS = 32
_ACCESS_DENIED = 1045
_NO_DATABASE = 1049
_WRITES = ("INSERT", "UPDATE", "DELETE")
_MIGRATES = (
    "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES", "CREATE VIEW", "TRIGGER", "CREATE ROUTINE", "ALTER ROUTINE",
    "EXECUTE", "EVENT", "CREATE TEMPORARY TABLES", "LOCK TABLES",
)  # fmt: skip
_READS = ("SELECT", "SHOW VIEW")
PRIVILEGES = {"read": _READS, "write": _WRITES, "read_write": (*_READS, *_WRITES, *_MIGRATES)}
_WITH_DEFINER = ("views", "routines", "triggers", "events")


@contextmanager
def connected(role: Role, user: str, password: str) -> Iterator[Connection[Any]]:
    """A connection of the master user, to a server whose certificate is verified."""
    import pymysql

    connection = pymysql.connect(
        host=role.host, port=role.port, user=user, password=password, database=role.database, charset="utf8mb4",
        connect_timeout=10, read_timeout=60, write_timeout=60, autocommit=True, ssl=database_context(),
    )  # fmt: skip
    try:
        yield connection
    finally:
        connection.close()


def ensure(connection: Connection[Any], role: Role, password: str | None) -> None:
    """The account with its password and exactly the privileges of its access; RoleError without one."""
    if password is None:
        raise RoleError(f"{role.user} has no password, and accounts of MySQL log in by nothing else here")
    account, where = _account(role.user), f"{quoted(_literally(role.database))}.*"
    _run(connection, f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY %s", password)
    _run(connection, f"ALTER USER {account} IDENTIFIED BY %s ACCOUNT UNLOCK", password)
    wanted = PRIVILEGES[role.access]
    # What is wanted comes first: an account that changes is never without what it keeps.
    _run(connection, f"GRANT {', '.join(wanted)} ON {where} TO {account}")
    others = [name for name in PRIVILEGES["read_write"] if name not in wanted]
    if others:
        _run(connection, f"REVOKE {', '.join(others)} ON {where} FROM {account}")


def drop(connection: Connection[Any], role: Role) -> None:
    """Lock it, end its sessions, and drop it unless stored objects run as it."""
    if not _run(connection, "SELECT 1 FROM mysql.user WHERE user = %s AND host = '%%'", role.user):
        return
    account = _account(role.user)
    # Nobody knows this password, wherever the account was kept.
    _run(connection, f"ALTER USER {account} IDENTIFIED BY %s ACCOUNT LOCK", secrets.token_urlsafe(24))
    for (number,) in _run(connection, "SELECT id FROM information_schema.processlist WHERE user = %s", role.user):
        _kill(connection, int(number))
    if not _defines(connection, role):
        _run(connection, f"DROP USER IF EXISTS {account}")


def is_refused(error: Exception) -> bool:
    """Whether the login was not taken."""
    return bool(error.args) and error.args[0] == _ACCESS_DENIED


def is_missing(error: Exception) -> bool:
    """Whether there is no such database."""
    return bool(error.args) and error.args[0] == _NO_DATABASE


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    if "\0" in name:
        raise RoleError("MySQL takes no NUL in a name")
    return "`" + name.replace("`", "``") + "`"


def _account(user: str) -> str:
    if not 0 < len(user) <= NAME_CHARACTERS or not user.replace("_", "").isalnum():
        raise RoleError(f"{user!r} is no user name for MySQL: up to {NAME_CHARACTERS} letters, digits and _")
    return f"'{user}'@'%%'"  # `%` doubled: the driver fills in values


def _literally(database: str) -> str:
    """The database's name where MySQL expects a pattern; `%` doubled for the driver."""
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%%")


def _defines(connection: Connection[Any], role: Role) -> bool:
    """Whether anything on the server runs as this account."""
    definer = f"{role.user}@%"
    return any(
        _run(connection, f"SELECT 1 FROM information_schema.{table} WHERE definer = %s LIMIT 1", definer)
        for table in _WITH_DEFINER
    )


def _kill(connection: Connection[Any], number: int) -> None:
    """End a session; on RDS only its procedure may. One that ended by itself is fine."""
    import pymysql

    with suppress(pymysql.err.MySQLError):
        try:
            _run(connection, "KILL %s", number)
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] == 1094:  # no such session any more
                return
            _run(connection, "CALL mysql.rds_kill(%s)", number)


def _run(connection: Connection[Any], statement: str, *values: object) -> tuple[tuple[Any, ...], ...]:
    with connection.cursor() as cursor:
        # With values always: the statements are written for the driver, which halves every `%%`.
        cursor.execute(statement, values)
        return tuple(cursor.fetchall())
