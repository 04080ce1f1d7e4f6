"""Code that uses a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.postgres import PORT, database_key, secret_arn
from klotho.catalogue.relationships.connection import DATA_VERBS, access, check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, PathTo, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.resources import Ref
from klotho.resources.changes import Action
from klotho.resources.naming import database_name


def use_postgres(link: Link) -> Iterator[Action]:
    """Host, port, database name and the secret's ARN."""
    key = database_key(link.target)
    yield connection(
        link,
        "DATASTORE",
        link.target,
        {
            "host": Ref(key, "Endpoint.Address"),
            "port": Ref(key, "Endpoint.Port"),
            "database": database_name(link.target.name),
            "secret": secret_arn(link.target),
            "access": access(link),
        },
    )


def read_secret(link: Link) -> Iterator[Action]:
    """The database's own secret, and no other."""
    yield from grant(link, "secret of", iam_actions("secretsmanager", "read"), [secret_arn(link.target)])


def _needs(link: Link) -> Iterator[Need]:
    yield PathTo(PORT)
    yield ServiceNeed("secretsmanager")


USE_POSTGRES = Pair(
    verbs=DATA_VERBS,
    actors=("Compute.Container", "Compute.Function"),
    targets=("Databases.Postgres",),
    creates="a rule for TCP 5432 between the two security groups, read access to the database's secret, "
    "and the connection in the code's environment",
    connect=use_postgres,
    grant=read_secret,
    needs=_needs,
    check=check_name,
)
