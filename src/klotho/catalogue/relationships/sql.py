"""Code that uses a SQL database on RDS: through a login role of its own, with a secret of its own."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.relationships.connection import DATA_VERBS, access, check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, PathTo, ServiceNeed
from klotho.catalogue.sql_roles import (
    ENGINES,
    TOKEN,
    by_iam,
    consumer_role,
    database_key,
    database_of,
    is_clustered,
    login_secret,
    port_of,
    user_arn,
    user_of,
)
from klotho.catalogue.tables import iam_actions
from klotho.resources import Ref, Value
from klotho.resources.changes import Action


def use_sql(link: Link) -> Iterator[Action]:
    """The role, and in the code's environment where the database is and which secret is the role's."""
    key = database_key(link.target, link.setting)
    yield from consumer_role(link, access(link))
    yield connection(
        link,
        "DATASTORE",
        link.target,
        {
            "host": Ref(key, "Endpoint.Address"),
            "port": Ref(key, "Endpoint.Port"),
            "database": database_of(link.target, link.setting),
            **_login(link),
            "access": access(link),
            **({"read_host": Ref(key, "ReadEndpoint.Address")} if is_clustered(link.target, link.setting) else {}),
            **ENGINES[link.target.kind].connection,
        },
    )


def _login(link: Link) -> dict[str, Value]:
    """Which secret is the role's; or its name, for which the code makes tokens."""
    if by_iam(link.target, link.setting):
        return {"login": TOKEN, "user": user_of(link)}
    return {"secret": login_secret(link)}


def read_login(link: Link) -> Iterator[Action]:
    """The code's own login, and no other: its secret, or connecting as its own user."""
    if by_iam(link.target, link.setting):
        arn = user_arn(link.target, link.setting, user_of(link))
        yield from grant(link, "connect to", iam_actions("rds-db", "connect"), [arn])
        return
    yield from grant(link, "login to", iam_actions("secretsmanager", "read"), [login_secret(link)])


def _needs(link: Link) -> Iterator[Need]:
    yield PathTo(port_of(link.target, link.setting))
    if not by_iam(link.target, link.setting):
        yield ServiceNeed("secretsmanager")


USE_SQL = Pair(
    verbs=DATA_VERBS,
    actors=("Compute.Container", "Compute.Function"),
    targets=tuple(sorted(ENGINES)),
    creates="a login role in the database with these permissions and a generated secret of its own, read access to "
    "that secret, a rule for the database's port between the two security groups, and the connection in the code's "
    "environment",
    connect=use_sql,
    grant=read_login,
    needs=_needs,
    check=check_name,
)
