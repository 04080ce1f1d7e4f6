"""Code that uses a cache: through a user of its own, who may do what its verbs say."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.adoption import fact_of
from klotho.catalogue.kinds.redis import entrance, is_cluster, login_arn, member, port_of, user
from klotho.catalogue.relationships.connection import DATA_VERBS, access, check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, PathTo, ServiceNeed
from klotho.catalogue.tables import iam_actions, table
from klotho.diagnostics import Report
from klotho.resources import Value
from klotho.resources.changes import Action


def use_redis(link: Link) -> Iterator[Action]:
    """The user, and in the code's environment where the cache is and which secret is the user's."""
    target, setting = link.target, link.setting
    adopted = setting.adopted(target) is not None
    if not adopted:
        yield from user(target, setting, _owner(link), access_string(access(link)))
        yield member(target, _owner(link))
    yield connection(
        link,
        "DATASTORE",
        target,
        {
            "host": entrance(target, setting, "Address"),
            "port": entrance(target, setting, "Port"),
            "secret": _secret(link),
            "tls": fact_of(target, setting, "tls") if adopted else True,
            "cluster": is_cluster(target, setting),
            "access": access(link),
        },
    )


def access_string(allowed: str) -> str:
    """What a user may do: `read`, `write` or `read_write`, on all keys and channels."""
    rules = table("elasticache")["access"]
    words = " ".join(rules[part] for part in allowed.split("_"))
    return f"on ~* &* -@all {words} +@transaction -@admin -@dangerous {' '.join(rules['connect'].split())}"


def read_login(link: Link) -> Iterator[Action]:
    """The code's own secret, and no other."""
    yield from grant(link, "login to", iam_actions("secretsmanager", "read"), [_secret(link)])


def _secret(link: Link) -> Value:
    """Of a user of its own; in a cache that is there already, of the one that is told for what it does."""
    if link.setting.adopted(link.target) is None:
        return login_arn(link.target, _owner(link))
    for_reading = fact_of(link.target, link.setting, "read_secret") if access(link) == "read" else None
    return for_reading or fact_of(link.target, link.setting, "secret")


def _owner(link: Link) -> str:
    """Who uses it: a container and a function may have the same name."""
    kind = link.actor.kind.rpartition(".")[2].lower()
    return f"{kind}-{link.actor.name}"


def _needs(link: Link) -> Iterator[Need]:
    yield PathTo(port_of(link.target, link.setting))
    yield ServiceNeed("secretsmanager")


def _check(link: Link, report: Report) -> None:
    check_name(link, report)
    adopted = link.setting.adopted(link.target)
    if adopted is not None and access(link) == "read" and "read_secret" not in adopted.facts:
        report.warning(
            "existing-not-narrowed",
            f"{link.actor.title} only reads {link.target.title}, and gets the login of `secret`, which may do more",
            link.relationship.span,
            helps=[f'give a login that may only read: `existing=Existing("{adopted.id}", read_secret="arn:…", …)`'],
        )


USE_REDIS = Pair(
    verbs=DATA_VERBS,
    actors=("Compute.Container", "Compute.Function"),
    targets=("Databases.Redis",),
    creates="a user of the cache with these categories of commands and a generated secret of its own, read access to "
    "that secret, a rule for TCP 6379 between the two security groups, and the connection in the code's environment",
    connect=use_redis,
    grant=read_login,
    needs=_needs,
    check=_check,
)
