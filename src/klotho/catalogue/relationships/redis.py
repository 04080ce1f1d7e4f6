"""Code that uses a cache: through a user of its own, who may do what its verbs say."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.adoption import fact_of
from klotho.catalogue.kinds.redis import access_string, entrance, guest, is_cluster, login_arn, member, port_of, user
from klotho.catalogue.relationships.connection import DATA_VERBS, access, check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, PathTo, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.diagnostics import Report
from klotho.resources import Value
from klotho.resources.changes import Action


def use_redis(link: Link) -> Iterator[Action]:
    """The user, and in the code's environment where the cache is and which secret is the user's."""
    target, setting = link.target, link.setting
    adopted = setting.adopted(target) is not None
    if not adopted and setting.foreign(target) is None:
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
    """Whose user it is: a container and a function may have the same name. In another application's cache services
    share a user with those of other applications that may do the same."""
    if link.setting.foreign(link.target) is not None:
        return guest(access(link))
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
