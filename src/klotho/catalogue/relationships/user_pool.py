"""APIs that let in a pool's users, and code that knows a pool or administers its users.

Signing up and in needs no permission at all: whoever knows the client's id may ask. Source: Service Authorization
Reference, Amazon Cognito User Pools.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.catalogue.kinds.user_pool import KIND, client_key, issuer, pool_key
from klotho.catalogue.relationships.authenticate import by_token, check_token
from klotho.catalogue.relationships.connection import DATA_VERBS, access, connection
from klotho.catalogue.relationships.grants import grant
from klotho.catalogue.rules import Link, Need, Pair, ServiceNeed
from klotho.catalogue.tables import iam_actions
from klotho.resources import Ref
from klotho.resources.changes import Action

_ACTORS = ("Compute.Container", "Compute.Function")
_MEANINGS = {"reads_from": ("read",), "writes_to": ("write",), "read_writes_to": ("read", "write")}


def authenticate_by_user_pool(link: Link) -> Iterator[Action]:
    """A JWT authorizer: tokens of the pool that were given to its client."""
    yield from by_token(link, issuer(link.target), [Ref(client_key(link.target))])


def know_user_pool(link: Link) -> Iterator[Action]:
    """The pool's and the client's id, and the issuer."""
    facts = {"pool": Ref(pool_key(link.target)), "client": Ref(client_key(link.target)), "issuer": issuer(link.target)}
    verbs = {
        item.verb for item in link.setting.application.relationships_of(link.actor.id) if item.target == link.target.id
    }
    known = {"access": access(link)} if verbs & set(DATA_VERBS) else {}
    yield connection(link, "USERPOOL", link.target, {**facts, **known})


def administer_users(link: Link) -> Iterator[Action]:
    """The Admin actions of the verb, on exactly this pool."""
    for meaning in _MEANINGS[link.relationship.verb]:
        resources = [Ref(pool_key(link.target), "Arn")]
        yield from grant(link, f"{meaning} users of", iam_actions("cognito-idp", meaning), resources)


def _needs(link: Link) -> Iterator[Need]:
    yield ServiceNeed("cognito-idp")


AUTHENTICATE_WITH_USER_POOL = Pair(
    verbs=("authenticates_with",),
    actors=("API",),
    targets=(KIND,),
    creates="a JWT authorizer with the pool's issuer and its client, which the guarded routes name",
    connect=authenticate_by_user_pool,
    check=check_token,
)
KNOW_USER_POOL = Pair(
    verbs=("uses",),
    actors=_ACTORS,
    targets=(KIND,),
    creates="the pool's and the client's id and the issuer in the code's environment; no permission",
    connect=know_user_pool,
    needs=_needs,
)
USE_USER_POOL = Pair(
    verbs=DATA_VERBS,
    actors=_ACTORS,
    targets=(KIND,),
    creates="the actions to read, or to make and change, users and groups on the pool's ARN, and the pool's ids in the "
    "code's environment",
    connect=know_user_pool,
    grant=administer_users,
    needs=_needs,
)
