"""What rules can be about, a function each: `vocabulary.SUBJECTS` says the same names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from klotho.guardrails.bundle import Rule
from klotho.guardrails.finding import Finding
from klotho.guardrails.judged import Judged
from klotho.guardrails.matching.model import constructs, relationships, technologies
from klotho.guardrails.matching.paths import paths
from klotho.guardrails.matching.resources import resources
from klotho.guardrails.matching.totals import cost, count, regions

MATCHING: Mapping[str, Callable[[Rule, Judged], Iterable[Finding]]] = {
    "resources": resources,
    "constructs": constructs,
    "relationships": relationships,
    "path": paths,
    "count": count,
    "cost": cost,
    "regions": regions,
    "technologies": technologies,
}
