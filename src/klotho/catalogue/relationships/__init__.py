"""What relationships between constructs mean: every pair that makes sense, in one tuple."""

from __future__ import annotations

from itertools import product

from klotho.catalogue.relationships.ask_container import AUTHENTICATE_WITH_CONTAINER
from klotho.catalogue.relationships.attach import CONTAINER_ROUTE, FUNCTION_ROUTE
from klotho.catalogue.relationships.authenticate import AUTHENTICATE_WITH_FUNCTION, AUTHENTICATE_WITH_OIDC
from klotho.catalogue.relationships.bucket import (
    HANDED_OVER_BY_BUCKET,
    SUBSCRIBE_TO_BUCKET,
    TOLD_BY_BUCKET,
    TRIGGERED_BY_BUCKET,
    USE_BUCKET,
)
from klotho.catalogue.relationships.calls import (
    CALL_API,
    CALL_CONTAINER,
    CALL_CONTAINER_FROM_FUNCTION,
    CALL_CONTAINER_ON_LAMBDA,
    CALL_FUNCTION,
)
from klotho.catalogue.relationships.expose import EXPOSE_API, EXPOSE_SITE
from klotho.catalogue.relationships.instead import INSTEAD
from klotho.catalogue.relationships.keyvalue import USE_KEYVALUE
from klotho.catalogue.relationships.on_eks import CALL_ON_EKS, ROUTE_TO_EKS
from klotho.catalogue.relationships.queue import (
    CONSUME_BY_CONTAINER,
    CONSUME_BY_FUNCTION,
    CONSUME_BY_STEADY_FUNCTION,
    SEND_TO_QUEUE,
)
from klotho.catalogue.relationships.redis import USE_REDIS
from klotho.catalogue.relationships.schedule import HANDLED_BY_STEADY_FUNCTION, TOLD_BY_SCHEDULE, TRIGGERED_BY_SCHEDULE
from klotho.catalogue.relationships.secret import USE_SECRET
from klotho.catalogue.relationships.sql import USE_SQL
from klotho.catalogue.relationships.table_changes import TRIGGERED_BY_TABLE
from klotho.catalogue.relationships.topic import (
    PUBLISH_TO_TOPIC,
    SUBSCRIBE_BY_CONTAINER,
    SUBSCRIBE_BY_FUNCTION,
    SUBSCRIBE_BY_QUEUE,
    SUBSCRIBE_BY_STEADY_FUNCTION,
)
from klotho.catalogue.relationships.user_pool import AUTHENTICATE_WITH_USER_POOL, KNOW_USER_POOL, USE_USER_POOL
from klotho.catalogue.rules import Implementation, Pair

__all__ = ["INSTEAD", "PAIRS", "find_pair", "pairs_of"]

PAIRS: tuple[Pair, ...] = (
    USE_SQL,
    USE_REDIS,
    USE_KEYVALUE,
    USE_BUCKET,
    TRIGGERED_BY_BUCKET,
    HANDED_OVER_BY_BUCKET,
    TOLD_BY_BUCKET,
    SUBSCRIBE_TO_BUCKET,
    USE_SECRET,
    KNOW_USER_POOL,
    USE_USER_POOL,
    TRIGGERED_BY_SCHEDULE,
    HANDLED_BY_STEADY_FUNCTION,
    TOLD_BY_SCHEDULE,
    TRIGGERED_BY_TABLE,
    SEND_TO_QUEUE,
    CONSUME_BY_FUNCTION,
    CONSUME_BY_STEADY_FUNCTION,
    CONSUME_BY_CONTAINER,
    PUBLISH_TO_TOPIC,
    SUBSCRIBE_BY_FUNCTION,
    SUBSCRIBE_BY_STEADY_FUNCTION,
    SUBSCRIBE_BY_QUEUE,
    SUBSCRIBE_BY_CONTAINER,
    CALL_CONTAINER,
    CALL_CONTAINER_FROM_FUNCTION,
    CALL_CONTAINER_ON_LAMBDA,
    CALL_ON_EKS,
    CALL_FUNCTION,
    CALL_API,
    FUNCTION_ROUTE,
    CONTAINER_ROUTE,
    ROUTE_TO_EKS,
    AUTHENTICATE_WITH_OIDC,
    AUTHENTICATE_WITH_USER_POOL,
    AUTHENTICATE_WITH_FUNCTION,
    AUTHENTICATE_WITH_CONTAINER,
    EXPOSE_API,
    EXPOSE_SITE,
)

_BY_ENDS: dict[tuple[str, str, str], tuple[Pair, ...]] = {}
for _pair in PAIRS:
    for _ends in product(_pair.verbs, _pair.actors, _pair.targets):
        _BY_ENDS[_ends] = (*_BY_ENDS.get(_ends, ()), _pair)


def pairs_of(verb: str, actor: str, target: str) -> tuple[Pair, ...]:
    """Every pair for these kinds, whatever they are made of; empty when the relationship makes no sense."""
    return _BY_ENDS.get((verb, actor, target), ())


def find_pair(
    verb: str,
    actor: str,
    target: str,
    made_of: tuple[Implementation | None, Implementation | None] = (None, None),
) -> Pair | None:
    """The pair for these kinds, made of these implementations (None: of any). None when the relationship makes no
    sense, or none between such implementations."""
    return next((pair for pair in pairs_of(verb, actor, target) if pair.carried_by(*made_of)), None)
