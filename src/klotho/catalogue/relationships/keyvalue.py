"""Code that uses a key-value table."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.keyvalue import has_indexes, table_key
from klotho.catalogue.relationships.connection import DATA_VERBS, access, check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.resources import Ref, join
from klotho.resources.changes import Action


def use_keyvalue(link: Link) -> Iterator[Action]:
    """The table's name."""
    yield connection(link, "DATASTORE", link.target, {"table": Ref(table_key(link.target)), "access": access(link)})


def use_items(link: Link) -> Iterator[Action]:
    """The item actions of the verb, on this table and, when it has some, its indexes."""
    meanings = {"reads_from": ("read",), "writes_to": ("write",), "read_writes_to": ("read", "write")}
    arn = Ref(table_key(link.target), "Arn")
    resources = [arn]
    if has_indexes(link.target, link.setting):
        resources.append(join(arn, "/index/*"))
    for meaning in meanings[link.relationship.verb]:
        yield from grant(link, meaning, iam_actions("dynamodb", meaning), resources)


def _needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("dynamodb")


USE_KEYVALUE = Pair(
    verbs=DATA_VERBS,
    actors=("Compute.Container", "Compute.Function"),
    targets=("Databases.KeyValue",),
    creates="the read or write item actions on the table's ARN, and the table's name in the code's environment",
    connect=use_keyvalue,
    grant=use_items,
    needs=_needs,
    check=check_name,
)
