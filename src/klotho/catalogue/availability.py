"""Availability that is required, and what each implementation promises.

Input: the application's requirements. Output: for a construct, the percentage required of it, and whether it must be
spread over several availability zones to keep it. Refuses nothing: `weigh_requirements` (in the engine's passes)
reports what can't be kept. Each construct is weighed by itself: parts in a row multiply, and only the user knows which
are.
"""

from __future__ import annotations

from typing import NamedTuple

from klotho.application import Construct, Requirement
from klotho.catalogue.rules import Implementation, Setting
from klotho.catalogue.tables import table

AVAILABILITY = "availability"


class Promise(NamedTuple):
    """Percent of a month."""

    alone: float
    """As it is made by default."""
    best: float
    """Spread over several zones, where that makes a difference."""


def promise_of(implementation: Implementation) -> Promise | None:
    """What AWS promises; None where nothing can be said."""
    entry = table("availability").get(implementation.name)
    if entry is None:
        return None
    return Promise(float(entry["promised"]), float(entry.get("spread", entry["promised"])))


def required_of(construct: Construct, setting: Setting) -> Requirement | None:
    """The requirement that holds for a construct: its own, else the application's; the last one said of several."""
    found = [item for item in setting.application.requirements if item.name == AVAILABILITY]
    own = [item for item in found if item.subject == construct.id]
    whole = [item for item in found if item.subject is None]
    return own[-1] if own else whole[-1] if whole else None


def must_spread(construct: Construct, setting: Setting) -> bool:
    """Whether it keeps what is required of it only in several zones."""
    requirement = required_of(construct, setting)
    promise = promise_of(setting.implementation(construct))
    if requirement is None or promise is None or setting.adopted(construct) is not None:
        return False
    return promise.alone < float(str(requirement.value)) <= promise.best
