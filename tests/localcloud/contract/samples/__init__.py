"""One sample per resource type of the registry."""

from __future__ import annotations

from ..sample import Sample
from . import cdn, events, functions, http, identity, network, platform, queues, schedules, stores, topics

SAMPLES: dict[str, Sample] = {
    sample.type_name: sample
    for module in (cdn, events, functions, http, identity, network, platform, queues, schedules, stores, topics)
    for sample in module.SAMPLES
}
