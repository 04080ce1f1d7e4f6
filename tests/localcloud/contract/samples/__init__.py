"""One sample per resource type of the registry."""

from __future__ import annotations

from ..sample import Sample
from . import functions, http, identity, network, platform, queues, schedules, stores

SAMPLES: dict[str, Sample] = {
    sample.type_name: sample
    for module in (functions, http, identity, network, platform, queues, schedules, stores)
    for sample in module.SAMPLES
}
