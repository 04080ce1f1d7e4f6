"""Groups of guests in a PostgreSQL database that somebody else made, while applications of Klotho's use it.

Who owns what there stays as it is, and so do the permissions of everybody else. Three roles without login get the
guests' permissions: on what is in the schemas now and, by default privileges of those who own it, on what they make
later. Writers act as one of them, so that what a guest makes is the guests' together; tables of others they can't
alter, which only their owner may. With the last guest the three go, and what guests made belongs to the admin.

Refuses, by RoleError, a database with tables whose owner the admin can't act for: it could not hand out their
permissions, and a login that sees half of the tables would fail somewhere else. Source: PostgreSQL documentation,
"GRANT", "ALTER DEFAULT PRIVILEGES" (only for oneself and roles one is a member of), "DROP OWNED".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from klotho.provider.postgres_names import exists, group, quoted
from klotho.provider.role import RoleError

if TYPE_CHECKING:
    from pg8000.native import Connection

GUESTS = {"read": "guest_readers", "write": "guest_appenders", "read_write": "guest_owner"}
"""The group of each access."""
_TABLES = {
    "guest_readers": "SELECT",
    "guest_appenders": "INSERT, UPDATE, DELETE",
    "guest_owner": "SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER, TRUNCATE",
}
_SEQUENCES = {"guest_readers": "SELECT", "guest_appenders": "USAGE", "guest_owner": "SELECT, USAGE, UPDATE"}
_OBJECTS = """
    SELECT n.nspname, c.relname, c.relkind::text, o.rolname, pg_has_role(current_user, c.relowner, 'USAGE')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2
"""
"""Tables, views and sequences of people: those of extensions (`e`) have permissions of their own."""
_MEMBERS = """
    SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
    WHERE g.rolname = :name AND u.rolname <> current_user LIMIT 1
"""


class _Object(NamedTuple):
    schema: str
    name: str
    kind: str
    owner: str
    ours: bool
    """Whether the admin may act for its owner."""


def welcome(connection: Connection, database: str) -> None:
    """The groups, with permissions on everything that is there."""
    for what in GUESTS.values():
        if not exists(connection, group(database, what)):
            connection.run(f"CREATE ROLE {quoted(group(database, what))} NOLOGIN")
    # Who makes a role may not yet act as it (since PostgreSQL 16).
    connection.run(f"GRANT {quoted(group(database, 'guest_owner'))} TO CURRENT_USER")
    found = [_Object(*row) for row in connection.run(_OBJECTS) or ()]
    foreign = next((item for item in found if not item.ours), None)
    if foreign is not None:
        raise RoleError(
            f"the admin may not hand out permissions on {foreign.schema}.{foreign.name}, which {foreign.owner} owns: "
            f"run `GRANT {quoted(foreign.owner)} TO` the admin, or give the secret of a user who may"
        )
    schemas = sorted({item.schema for item in found} | _public(connection))
    owners = sorted({item.owner for item in found} | {_admin(connection), group(database, "guest_owner")})
    for what in GUESTS.values():
        _grant(connection, database, what, schemas, owners, found)
    if _public(connection):
        connection.run(f"GRANT CREATE ON SCHEMA public TO {quoted(group(database, 'guest_owner'))}")


def _grant(
    connection: Connection, database: str, what: str, schemas: list[str], owners: list[str], found: list[_Object]
) -> None:
    to = quoted(group(database, what))
    connection.run(f"GRANT CONNECT ON DATABASE {quoted(database)} TO {to}")
    for schema in schemas:
        connection.run(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {to}")
    for item in found:
        kind, allowed = ("SEQUENCE", _SEQUENCES) if item.kind == "S" else ("TABLE", _TABLES)
        connection.run(f"GRANT {allowed[what]} ON {kind} {quoted(item.schema)}.{quoted(item.name)} TO {to}")
    for owner in owners:
        later = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(owner)} GRANT"
        connection.run(f"{later} {_TABLES[what]} ON TABLES TO {to}")
        connection.run(f"{later} {_SEQUENCES[what]} ON SEQUENCES TO {to}")


def see_off(connection: Connection, database: str) -> None:
    """Remove the groups once nobody is in them; nothing where there are none."""
    names = [group(database, what) for what in GUESTS.values()]
    names = [name for name in names if exists(connection, name)]
    if any(connection.run(_MEMBERS, name=name) for name in names):
        return
    for name in names:
        connection.run(f"GRANT {quoted(name)} TO CURRENT_USER")
        connection.run(f"REASSIGN OWNED BY {quoted(name)} TO CURRENT_USER")
        connection.run(f"DROP OWNED BY {quoted(name)}")
        connection.run(f"DROP ROLE {quoted(name)}")


def _admin(connection: Connection) -> str:
    return str((connection.run("SELECT current_user") or [[""]])[0][0])


def _public(connection: Connection) -> set[str]:
    """The schema `public`, where it is there."""
    return {"public"} if connection.run("SELECT 1 FROM pg_namespace WHERE nspname = 'public'") else set()
