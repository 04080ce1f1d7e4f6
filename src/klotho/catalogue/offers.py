"""What a construct could be made of, weighed: what each candidate costs a month, and why it can't be.

Input: a construct and the application's requirements. Output: an `Offer` for each candidate of the kind, in the
catalogue's order. Facts are in `tables/candidates.toml`. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from klotho.application import Application, Construct, Requirement
from klotho.catalogue.carrying import not_carried
from klotho.catalogue.kinds import candidates
from klotho.catalogue.rules import Implementation
from klotho.catalogue.tables import table

LIMITS = {"max_duration_s": "s", "max_payload_mb": "MB"}
"""Requirements a candidate keeps when its limit is not below them, and their units."""
WEIGHED = (*LIMITS, "always_on", "cold_start")
MICRO = 1_000_000


class Cost(NamedTuple):
    """Millionths of a US dollar a month."""

    fixed: int
    usage: int

    @property
    def total(self) -> int:
        return self.fixed + self.usage


class Unfit(NamedTuple):
    """Why a candidate can't be it."""

    reason: str
    by: Requirement | None = None
    """None where no requirement asks for it."""
    rule: str | None = None
    """The guardrail that does not allow it."""


class Offer(NamedTuple):
    """One candidate."""

    implementation: Implementation
    cost: Cost | None
    """None where nobody knows."""
    unfit: tuple[Unfit, ...]


def offers(construct: Construct, application: Application) -> tuple[Offer, ...]:
    """Every candidate of the construct's kind."""
    required = application.requirements_of(construct.id)
    expected = expected_requests(construct, application)
    return tuple(
        Offer(item, monthly(item, expected), tuple(_unfit(item, construct, required, application)))
        for item in candidates(construct.kind)
    )


def monthly(implementation: Implementation, requests: float) -> Cost | None:
    """What it costs with so many requests a month; None for what the table says nothing of."""
    facts = table("candidates").get(implementation.name, {})
    if "fixed_usd" not in facts and "million_requests_usd" not in facts:
        return None
    per_request = facts.get("million_requests_usd", 0)
    return Cost(round(facts.get("fixed_usd", 0) * MICRO), round(per_request * requests))


def expected_requests(construct: Construct, application: Application) -> float:
    """A month; 0 where nobody has said it."""
    said = application.requirements_of(construct.id).get("requests_per_month")
    return float(str(said.value)) if said else 0.0


def unavailable(kind: str) -> dict[str, str]:
    """Names of what Klotho never chooses, with the reason."""
    found: dict[str, str] = table("candidates")["unavailable"].get(kind, {})
    return found


def _unfit(
    item: Implementation, construct: Construct, required: Mapping[str, Requirement], application: Application
) -> list[Unfit]:
    facts = table("candidates").get(item.name, {})
    found = [] if item.fits(construct) else [Unfit("its own parameters ask for something else")]
    if "only_when" in facts:
        found.append(Unfit(facts["only_when"]))
    if "on_demand" in facts and not _may_stop(construct, required):
        found.append(Unfit(facts["on_demand"]))
    found += [Unfit(reason) for reason in not_carried(construct, item, application)]
    for requirement in required.values():
        broken = _broken(facts, requirement)
        if broken is not None:
            found.append(Unfit(broken, requirement))
    return found


def _may_stop(construct: Construct, required: Mapping[str, Requirement]) -> bool:
    """Whether somebody says that it need not always run."""
    asked = required.get("always_on")
    return construct.properties.get("always_on") is False or (asked is not None and asked.value is False)


def _broken(facts: dict[str, Any], requirement: Requirement) -> str | None:
    """Why a candidate with these facts does not keep it; None where it does."""
    name, value = requirement.name, requirement.value
    if name in LIMITS and name in facts and facts[name] < float(str(value)):
        what = "runs for" if name == "max_duration_s" else "takes"
        return f"{what} at most {facts[name]:g} {LIMITS[name]}"
    if facts.get("starts_cold") and (name, value) in (("cold_start", False), ("always_on", True)):
        return "may have to start first when a request comes"
    return None


def egress_amounts(interface_endpoints: int) -> dict[str, int]:
    """What each way out of the network costs a month, fixed, in millionths of a US dollar."""
    prices = table("candidates")["egress"]
    amounts = {"nat": prices["nat"], "nat-per-zone": prices["nat-per-zone"]}
    amounts["endpoints"] = prices["endpoint"] * interface_endpoints
    return {name: round(amount * MICRO) for name, amount in amounts.items()}
