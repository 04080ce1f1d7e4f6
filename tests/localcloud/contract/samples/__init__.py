"""One sample per resource type of the registry."""

from __future__ import annotations

from ..sample import Sample
from . import (
    balancing,
    buckets,
    cache,
    cdn,
    clusters,
    domains,
    events,
    functions,
    http,
    identity,
    kubernetes,
    network,
    platform,
    queues,
    schedules,
    stores,
    topics,
    users,
)

_MODULES = (
    balancing,
    buckets,
    cache,
    cdn,
    clusters,
    domains,
    events,
    functions,
    http,
    identity,
    kubernetes,
    network,
    platform,
    queues,
    schedules,
    stores,
    topics,
    users,
)
SAMPLES: dict[str, Sample] = {sample.type_name: sample for module in _MODULES for sample in module.SAMPLES}
