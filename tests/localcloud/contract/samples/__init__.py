"""One sample per resource type of the registry."""

from __future__ import annotations

from ..sample import Sample
from . import identity, network, platform

SAMPLES: dict[str, Sample] = {
    sample.type_name: sample for module in (identity, network, platform) for sample in module.SAMPLES
}
