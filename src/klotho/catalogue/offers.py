"""What a construct could be made of, weighed: what each candidate costs a month, and why it can't be.

Input: a construct and what the application requires. Output: an `Offer` for each candidate of the kind, in the
catalogue's order. Limits are in `tables/candidates.toml`, costs are reckoned (`worth`). Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from klotho.application import Construct, Requirement
from klotho.catalogue.availability import promise_of
from klotho.catalogue.carrying import not_carried
from klotho.catalogue.kinds import candidates
from klotho.catalogue.rules import Implementation
from klotho.catalogue.tables import table
from klotho.catalogue.worth import MICRO, Worth, Worths

LIMITS = {"max_duration_s": "s", "max_payload_mb": "MB"}
"""Requirements a candidate keeps when its limit is not below them, and their units."""
WEIGHED = (*LIMITS, "always_on", "cold_start", "max_latency_ms", "internet")
COLD_START_MS = 1000.0
"""What a start adds: AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle", says from
under 100 ms to over 1 second."""


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
    worth: Worth
    unfit: tuple[Unfit, ...]

    @property
    def name(self) -> str:
        return self.implementation.name

    @property
    def facts(self) -> Mapping[str, Any]:
        return facts_of(self.implementation)

    @property
    def cost(self) -> int | None:
        """With all that it shares; None where nobody knows a price of it."""
        return None if self.worth.unknown else self.worth.total


def facts_of(item: Implementation) -> Mapping[str, Any]:
    """By kind and name where one name stands for several, else by name."""
    known = table("candidates")
    found: Mapping[str, Any] = known.get(f"{item.kind}/{item.name}", known.get(item.name, {}))
    return found


def offers(construct: Construct, worths: Worths) -> tuple[Offer, ...]:
    """Every candidate of the construct's kind."""
    required = worths.setting.application.requirements_of(construct.id)
    found = candidates(construct.kind)
    if len(found) == 1:  # there is nothing to weigh it against
        return (Offer(found[0], Worth(0, {}, ("not reckoned",)), tuple(_unfit(found[0], construct, worths))),)
    reckoned = [
        worths.of(construct, item) if item.fits(construct) else Worth(0, {}, ("not for these parameters",))
        for item in found
    ]
    budget = _own_budget(construct, found, reckoned, required.get("max_monthly_cost"))
    made = [
        Offer(item, worth, (*_unfit(item, construct, worths), *_too_dear(worth, budget)))
        for item, worth in zip(found, reckoned, strict=True)
    ]
    fitting = {item.name for item in made if not item.unfit}
    return tuple(_instead(_last_resort(item, made), fitting) for item in made)


def _own_budget(
    construct: Construct, found: Sequence[Implementation], reckoned: Sequence[Worth], budget: Requirement | None
) -> Requirement | None:
    """The budget that candidates are held against. One of the application that all exceed is refused where its sum is
    known."""
    fitting = [worth for item, worth in zip(found, reckoned, strict=True) if item.fits(construct)]
    of_all = budget is not None and budget.subject is None
    return None if of_all and all(any(_too_dear(worth, budget)) for worth in fitting) else budget


def _last_resort(item: Offer, offered: list[Offer]) -> Offer:
    """What is only taken where nothing else can be it."""
    why = item.facts.get("otherwise")
    if why is None or not any(not other.unfit and other is not item for other in offered):
        return item
    return item._replace(unfit=(*item.unfit, Unfit(why)))


def _instead(offer: Offer, fitting: set[str]) -> Offer:
    """What is taken only where another one can't be it, does not fit while that one does."""
    if offer.facts.get("only_instead_of") not in fitting:
        return offer
    return offer._replace(unfit=(*offer.unfit, Unfit(str(not_by_itself(offer.implementation)))))


def not_by_itself(item: Implementation) -> str | None:
    """Why nobody takes it without being told to, or without another one being out of the question."""
    facts = facts_of(item)
    if "only_instead_of" in facts:
        return f'taken by itself where `{facts["only_instead_of"]}` can\'t be it, or by `use("{item.name}")`'
    told: str | None = facts.get("only_when") or facts.get("otherwise")
    return told


def _unfit(item: Implementation, construct: Construct, worths: Worths) -> Iterator[Unfit]:
    application = worths.setting.application
    facts, required = facts_of(item), application.requirements_of(construct.id)
    if not item.fits(construct):
        yield Unfit("its own parameters ask for something else")
    if "only_when" in facts:
        yield Unfit(facts["only_when"])
    if "on_demand" in facts and not _may_stop(construct, required):
        yield Unfit(facts["on_demand"])
    for reason in not_carried(construct, item, application):
        yield Unfit(reason)
    for requirement in required.values():
        broken = _broken(facts, requirement) or _too_unreliable(item, requirement, candidates(construct.kind))
        if broken is not None:
            yield Unfit(broken, requirement)


def _may_stop(construct: Construct, required: Mapping[str, Requirement]) -> bool:
    """Whether somebody says that it need not always run."""
    asked = required.get("always_on")
    return construct.properties.get("always_on") is False or (asked is not None and asked.value is False)


def _broken(facts: Mapping[str, Any], requirement: Requirement) -> str | None:
    """Why a candidate with these facts does not keep it; None where it does."""
    name, value = requirement.name, requirement.value
    if name in LIMITS and name in facts and facts[name] < float(str(value)):
        what = "runs for" if name == "max_duration_s" else "takes"
        return f"{what} at most {facts[name]:g} {LIMITS[name]}"
    if facts.get("starts_cold") and (name, value) in (("cold_start", False), ("always_on", True)):
        return "may have to start first when a request comes"
    if name == "max_latency_ms" and latency_ms(facts) > float(str(value)):
        return f"may add {latency_ms(facts):g} ms to a request"
    return None


def latency_ms(facts: Mapping[str, Any]) -> float:
    """What it adds to the slowest requests: by itself, and by starting first."""
    return float(facts.get("latency_ms", 0)) + (COLD_START_MS if facts.get("starts_cold") else 0)


def _too_unreliable(item: Implementation, requirement: Requirement, others: tuple[Implementation, ...]) -> str | None:
    """AWS promises less of it at best, and enough of another one; what none keeps is refused where promises are."""
    if requirement.name != "availability":
        return None
    wanted, own = float(str(requirement.value)), promise_of(item)
    kept = any((promise := promise_of(other)) is not None and promise.best >= wanted for other in others)
    if own is None or own.best >= wanted or not kept:
        return None
    return f"is promised {own.best:g} % of the time at best"


def _too_dear(worth: Worth, budget: Requirement | None) -> Iterator[Unfit]:
    if budget is not None and worth.own > float(str(budget.value)) * MICRO:
        yield Unfit(f"costs about {worth.own / MICRO:,.2f} USD a month", budget)
