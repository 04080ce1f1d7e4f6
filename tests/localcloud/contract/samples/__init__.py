"""One sample per resource type of the registry."""

from __future__ import annotations

from ..sample import Sample
from . import (
    buckets,
    cdn,
    domains,
    events,
    functions,
    http,
    identity,
    network,
    platform,
    queues,
    schedules,
    stores,
    topics,
)

_MODULES = (
    buckets, cdn, domains, events, functions, http, identity, network, platform, queues, schedules, stores, topics,
)  # fmt: skip
SAMPLES: dict[str, Sample] = {sample.type_name: sample for module in _MODULES for sample in module.SAMPLES}
