"""Code that uses a cache: through a user of its own, who may do what its verbs say."""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.redis import PORT, access_string, entrance, guest, is_cluster, login_arn, member, user
from klotho.catalogue.relationships.connection import DATA_VERBS, access, check_name, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, PathTo, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.resources.changes import Action


def use_redis(link: Link) -> Iterator[Action]:
    """The user, and in the code's environment where the cache is and which secret is the user's."""
    target, setting = link.target, link.setting
    if setting.foreign(target) is None:
        yield from user(target, setting, _owner(link), access_string(access(link)))
        yield member(target, _owner(link))
    yield connection(
        link,
        "DATASTORE",
        target,
        {
            "host": entrance(target, setting, "Address"),
            "port": entrance(target, setting, "Port"),
            "secret": login_arn(target, _owner(link)),
            "tls": True,
            "cluster": is_cluster(target, setting),
            "access": access(link),
        },
    )


def read_login(link: Link) -> Iterator[Action]:
    """The code's own secret, and no other."""
    secret = login_arn(link.target, _owner(link))
    yield from grant(link, "login to", iam_actions("secretsmanager", "read"), [secret])


def _owner(link: Link) -> str:
    """Whose user it is: a container and a function may have the same name. In another application's cache services
    share a user with those of other applications that may do the same."""
    if link.setting.foreign(link.target) is not None:
        return guest(access(link))
    kind = link.actor.kind.rpartition(".")[2].lower()
    return f"{kind}-{link.actor.name}"


def _needs(link: Link) -> Iterator[Need]:
    yield PathTo(PORT)
    yield ServiceNeed("secretsmanager")


USE_REDIS = Pair(
    verbs=DATA_VERBS,
    actors=("Compute.Container", "Compute.Function"),
    targets=("Databases.Redis",),
    creates="a user of the cache with these categories of commands and a generated secret of its own, read access to "
    "that secret, a rule for TCP 6379 between the two security groups, and the connection in the code's environment",
    connect=use_redis,
    grant=read_login,
    needs=_needs,
    check=check_name,
)
