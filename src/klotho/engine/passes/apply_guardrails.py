"""The organisation's defaults and enforced values, handed to the engine as data by the driver.

No guardrail source exists in this version, so there is nothing to yield; a rule's changes will carry the precedence
`GUARDRAIL`, which wins over every other in the fold.
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.engine.context import Context
from klotho.resources import Change, ResourceGraph


def apply_guardrails(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """Nothing yet."""
    yield from ()
