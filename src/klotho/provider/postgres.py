"""Login roles in PostgreSQL.

Three roles without login per database hold all permissions, and login roles are members of exactly one of them:

* the *owner* owns every object. Who may read and write is a member and acts as it from the first statement on
  (`ALTER ROLE … SET role`), so that what a writer creates belongs to the owner, and all other writers may change it.
* *readers* may SELECT what the owner has now and will have later (default privileges bind to the creating role, hence
  FOR the owner), and use its schemas.
* *appenders* (`writes_to`) may INSERT, UPDATE and DELETE, and neither read nor create. PostgreSQL wants SELECT for the
  columns an `UPDATE … WHERE` or a RETURNING names, so most of them only insert.

An adopted database (`Role.adopted`) that Klotho has not made has other groups, of guests: `postgres_guests`.

Everything is one transaction under an advisory lock: two roles made at once wait for each other. The password goes over
as a SCRAM verifier, so that no log of the server can hold it. Source: PostgreSQL documentation, "Predefined roles",
"ALTER DEFAULT PRIVILEGES", "ALTER ROLE", "REASSIGN OWNED"; Amazon RDS User Guide, "Master user account privileges".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from klotho.provider.postgres_guests import GUESTS, see_off, welcome
from klotho.provider.postgres_names import exists, group, quoted, text
from klotho.provider.role import Role, RoleError
from klotho.runtime.authority import database_context

if TYPE_CHECKING:
    from pg8000.native import Connection

LOCK = 0x6B6C6F74686F
"""`klotho` as a number."""
_ITERATIONS = 4096
_NO_DATABASE = "3D000"
_REFUSED = ("28000", "28P01")
_GROUP = {"read": "readers", "write": "appenders", "read_write": "owner"}


@contextmanager
def connected(role: Role, user: str, password: str) -> Iterator[Connection]:
    """A connection of the master user, to a server whose certificate is verified."""
    import pg8000.native

    connection = pg8000.native.Connection(
        user, host=role.host, port=role.port, database=role.database, password=password, timeout=60,
        ssl_context=database_context(),
    )  # fmt: skip
    try:
        yield connection
    finally:
        connection.close()


def ensure(connection: Connection, role: Role, password: str | None) -> None:
    """The login role with its access, and the database prepared for it."""
    version = int(_value(connection, "SHOW server_version_num"))
    with _transaction(connection):
        groups = _groups(connection, role)
        if not role.adopted:
            _prepare(connection, role.database, version)
        elif groups is GUESTS:
            welcome(connection, role.database)
        if not exists(connection, role.user):
            connection.run(f"CREATE ROLE {quoted(role.user)}")
        secret = "NULL" if password is None else text(verifier(password))
        connection.run(f"ALTER ROLE {quoted(role.user)} LOGIN PASSWORD {secret}")
        _by_tokens(connection, role.user, password is None)
        _join(connection, role, groups)
    if not role.adopted:
        _check_narrow(connection, role)


def _groups(connection: Connection, role: Role) -> Mapping[str, str]:
    """By access: a database of Klotho's has its own groups, also for applications that adopt it."""
    made = not role.adopted or exists(connection, group(role.database, "owner"))
    return _GROUP if made else GUESTS


def drop(connection: Connection, role: Role) -> None:
    """End its sessions, give what it owns to the owner, and remove it."""
    with _transaction(connection):
        if not exists(connection, role.user):
            return
        connection.run(f"ALTER ROLE {quoted(role.user)} NOLOGIN")
        connection.run(f"GRANT {quoted(role.user)} TO CURRENT_USER")
    connection.run(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {text(role.user)} "
        "AND pid <> pg_backend_pid()"
    )
    owner = group(role.database, "owner")
    with _transaction(connection):
        if not exists(connection, role.user):
            return
        heir = quoted(owner) if exists(connection, owner) else "CURRENT_USER"
        connection.run(f"REASSIGN OWNED BY {quoted(role.user)} TO {heir}")
        connection.run(f"DROP OWNED BY {quoted(role.user)}")
        connection.run(f"DROP ROLE {quoted(role.user)}")
        if role.adopted:
            see_off(connection, role.database)


def _by_tokens(connection: Connection, user: str, wanted: bool) -> None:
    """Members of `rds_iam` log in by tokens, and by nothing else. There is no such role where nobody asked for it."""
    if wanted:
        connection.run(f"GRANT rds_iam TO {quoted(user)}")
    elif exists(connection, "rds_iam") and _is_member(connection, user, "rds_iam"):
        connection.run(f"REVOKE rds_iam FROM {quoted(user)}")


def is_refused(error: Exception) -> bool:
    """Whether the login was not taken: a wrong password, or one where a token is wanted."""
    return bool(error.args) and isinstance(error.args[0], dict) and error.args[0].get("C") in _REFUSED


def is_missing(error: Exception) -> bool:
    """Whether there is no such database."""
    return bool(error.args) and isinstance(error.args[0], dict) and error.args[0].get("C") == _NO_DATABASE


def verifier(password: str) -> str:
    """What the server keeps of a password (RFC 5803), so that the password itself need not be sent.

    For passwords of ASCII, which SASLprep leaves as they are; generated ones are.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (base64.b64encode(item).decode() for item in (salt, client, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """All or nothing, and one at a time in this database."""
    connection.run("BEGIN")
    try:
        connection.run(f"SELECT pg_advisory_xact_lock({LOCK})")
        yield
    except BaseException:
        connection.run("ROLLBACK")
        raise
    connection.run("COMMIT")


def _prepare(connection: Connection, database: str, version: int) -> None:
    """The owner and the two groups, what they may do now and with what comes later."""
    owner, readers, appenders = (group(database, what) for what in ("owner", "readers", "appenders"))
    is_new = not exists(connection, owner)
    for name in (owner, readers, appenders):
        if not exists(connection, name):
            connection.run(f"CREATE ROLE {quoted(name)} NOLOGIN")
    # Who makes a role may not yet act as it (since PostgreSQL 16).
    connection.run(f"GRANT {quoted(owner)} TO CURRENT_USER")
    if is_new:
        # What the master user made before there was an owner; the database itself stays the master's.
        connection.run(f"REASSIGN OWNED BY CURRENT_USER TO {quoted(owner)}")
        connection.run(f"ALTER DATABASE {quoted(database)} OWNER TO CURRENT_USER")
    connection.run(f"REVOKE ALL ON DATABASE {quoted(database)} FROM PUBLIC")
    connection.run(f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {quoted(database)} TO {quoted(owner)}")
    connection.run(f"GRANT CONNECT ON DATABASE {quoted(database)} TO {quoted(readers)}, {quoted(appenders)}")
    _public_schema(connection, owner, version)
    for later in _grants(readers, appenders):
        kind, what, to = later
        connection.run(f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(owner)} GRANT {what} ON {kind} TO {quoted(to)}")
        names = _owned(connection, owner, kind)
        if names:
            connection.run(f"GRANT {what} ON {_NOUN[kind]} {', '.join(names)} TO {quoted(to)}")


_NOUN = {"SCHEMAS": "SCHEMA", "TABLES": "TABLE", "SEQUENCES": "SEQUENCE"}
_KINDS = {"TABLES": "'r','p','v','m','f'", "SEQUENCES": "'S'"}


def _grants(readers: str, appenders: str) -> Iterator[tuple[str, str, str]]:
    """Kind of object, privileges, and who gets them."""
    for name in (readers, appenders):
        yield "SCHEMAS", "USAGE", name
    yield "TABLES", "SELECT", readers
    yield "SEQUENCES", "SELECT", readers
    yield "TABLES", "INSERT, UPDATE, DELETE", appenders
    yield "SEQUENCES", "USAGE", appenders


def _owned(connection: Connection, owner: str, kind: str) -> list[str]:
    """The owner's objects of a kind, as SQL names them."""
    holder = f"(SELECT oid FROM pg_roles WHERE rolname = {text(owner)})"
    if kind == "SCHEMAS":
        query = f"SELECT format('%I', nspname) FROM pg_namespace WHERE nspowner = {holder}"
    else:
        query = (
            "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            f"WHERE relowner = {holder} AND relkind IN ({_KINDS[kind]})"
        )
    return sorted(str(row[0]) for row in connection.run(query) or ())


def _public_schema(connection: Connection, owner: str, version: int) -> None:
    """The owner's, if it is there; nobody else creates in it."""
    if _value(connection, "SELECT to_regnamespace('public')::text") is None:
        return
    if version >= 150000:
        connection.run(f"ALTER SCHEMA public OWNER TO {quoted(owner)}")
    else:
        # Before 15 it belongs to the server's superuser, and everybody may create in it.
        connection.run(f"GRANT USAGE, CREATE ON SCHEMA public TO {quoted(owner)}")
    connection.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _join(connection: Connection, role: Role, groups: Mapping[str, str]) -> None:
    """Member of the one group of its access; a writer acts as the owner in every session."""
    wanted = groups[role.access]
    user = quoted(role.user)
    for what in groups.values():
        if what != wanted and _is_member(connection, role.user, group(role.database, what)):
            connection.run(f"REVOKE {quoted(group(role.database, what))} FROM {user}")
    connection.run(f"GRANT {quoted(group(role.database, wanted))} TO {user}")
    if role.access == "read_write":
        connection.run(f"ALTER ROLE {user} SET role TO {quoted(group(role.database, wanted))}")
    else:
        connection.run(f"ALTER ROLE {user} RESET role")


def _check_narrow(connection: Connection, role: Role) -> None:
    """A warning of PostgreSQL's is easily passed over: look whether only writers may create."""
    asked = f"SELECT has_schema_privilege({text(role.user)}, oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'"
    may = _value(connection, asked)
    if may and role.access != "read_write":
        raise RoleError(
            f"everybody may create tables in the schema public of {role.database}, and its owner does not let that be "
            "changed: PostgreSQL 15 and newer have no such grant"
        )


def _is_member(connection: Connection, user: str, of: str) -> bool:
    query = (
        "SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member "
        f"WHERE g.rolname = {text(of)} AND u.rolname = {text(user)}"
    )
    return bool(connection.run(query))


def _value(connection: Connection, query: str) -> Any:
    rows = connection.run(query)
    return rows[0][0] if rows else None
