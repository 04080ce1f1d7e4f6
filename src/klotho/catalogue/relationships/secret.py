"""Code that uses a secret."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.secret import secret_arn
from klotho.catalogue.relationships.connection import connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.resources.changes import Action


def use_secret(link: Link) -> Iterator[Action]:
    """The secret's ARN: a reference, never the value."""
    yield connection(link, "SECRET", link.target, {"secret": secret_arn(link.target)})


def read_value(link: Link) -> Iterator[Action]:
    """Read exactly this secret; writing it is nobody's but the deployer's."""
    yield from grant(link, "read secret", iam_actions("secretsmanager", "read"), [secret_arn(link.target)])


def _needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("secretsmanager")


USE_SECRET = Pair(
    verbs=("uses",),
    actors=("Compute.Container", "Compute.Function"),
    targets=("Secret",),
    creates="read access to the secret's ARN, and the ARN in the code's environment",
    connect=use_secret,
    grant=read_value,
    needs=_needs,
)
