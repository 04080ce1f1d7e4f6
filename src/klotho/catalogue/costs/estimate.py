"""The estimate: every resource goes to its rule, every charge to its price, and what has neither is named.

Input: resources by key, usages, a region. Output: an `Estimate`. Refuses nothing. No network.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from klotho.catalogue.costs.model import ZERO, Charge, Line, Range, Sight, Unpriced
from klotho.catalogue.costs.rules import RULES
from klotho.catalogue.costs.usage import Assumption, Usages
from klotho.catalogue.prices import Price, prices
from klotho.resources import Resource, ResourceKey
from klotho.resources.resource import owner_of


@dataclass(frozen=True)
class Estimate:
    """What resources cost in a month."""

    region: str
    lines: tuple[Line, ...] = ()
    """In the order of the resources."""
    unpriced: tuple[Unpriced, ...] = ()
    free: Mapping[ResourceKey, str] = field(default_factory=dict)
    """The types of the resources that cost nothing by themselves."""
    assumptions: tuple[tuple[str, Assumption], ...] = ()
    """Owner and usage, of everything the lines follow."""

    @property
    def total(self) -> Range:
        """Of what is known: `unpriced` comes on top."""
        return total(self.lines)

    @property
    def biggest(self) -> tuple[Line, ...]:
        """Lines by what they are expected to cost, most first."""
        return tuple(sorted(self.lines, key=lambda line: (-line.usd.expected, -line.usd.high, line.resource)))

    def by(self, group: Callable[[Line], str]) -> dict[str, Range]:
        """Totals by construct, stack or what else a line belongs to, biggest first."""
        sums: dict[str, Range] = {}
        for line in self.lines:
            name = group(line)
            sums[name] = sums.get(name, ZERO).plus(line.usd)
        return dict(sorted(sums.items(), key=lambda item: (-item[1].expected, item[0])))

    @property
    def taken_for_granted(self) -> tuple[str, ...]:
        return tuple(sorted({line.charge.assumes for line in self.lines if line.charge.assumes}))

    @property
    def prices(self) -> tuple[Price, ...]:
        return tuple({line.price.item: line.price for line in self.lines}.values())

    @property
    def dates(self) -> tuple[str, str] | None:
        """Of the oldest and the newest price."""
        found = [price.date for price in self.prices]
        return (min(found), max(found)) if found else None


def total(lines: tuple[Line, ...]) -> Range:
    found = ZERO
    for line in lines:
        found = found.plus(line.usd)
    return found


def estimate(
    resources: Mapping[ResourceKey, Resource],
    usages: Usages,
    region: str,
    *,
    table: Mapping[str, Price] | None = None,
) -> Estimate:
    """`table` is used instead of the region's prices."""
    known = prices(region) if table is None else table
    lines: list[Line] = []
    unpriced: list[Unpriced] = []
    free: dict[ResourceKey, str] = {}
    assumed: dict[tuple[str, str], Assumption] = {}
    for key, resource in resources.items():
        name = owner_of(key)
        usage = usages.of(name)
        if resource.type not in RULES:
            if why_free(resource.type) is None:
                why = "Klotho has no rule for what this type costs"
                unpriced.append(Unpriced(key, name, resource.type, resource.type, why))
            else:
                free[key] = resource.type
            continue
        charges = list(RULES[resource.type](resource, Sight(resources, usage, name)))
        if not charges:
            free[key] = resource.type
        for found in _priced(key, name, resource, charges, known, region):
            (lines if isinstance(found, Line) else unpriced).append(found)  # type: ignore[arg-type]  # one of the two
        assumed |= {(name, used): usage.assumption(used) for charge in charges for used in charge.uses}
    assumptions = tuple((name, item) for (name, _), item in assumed.items())
    return Estimate(region, tuple(lines), tuple(unpriced), free, assumptions)


def _priced(
    key: ResourceKey,
    owner: str,
    resource: Resource,
    charges: list[Charge],
    known: Mapping[str, Price],
    region: str,
) -> Iterator[Line | Unpriced]:
    for charge in charges:
        price = known.get(charge.item)
        if price is None:
            why = f"the price table has no row for it in {region}"
            yield Unpriced(key, owner, resource.type, charge.item, why)
        elif price.usd is None:
            yield Unpriced(key, owner, resource.type, charge.item, price.unknown)
        else:
            yield Line(key, owner, resource.type, charge, price, charge.quantity.times(price.usd))


_BY_PROPERTIES = "one as this is free; others of its type are not"


def why_free(type_: str) -> str | None:
    """Why a type costs nothing by itself; None where nobody has said that."""
    if type_.startswith("Custom::"):
        type_ = "AWS::CloudFormation::CustomResource"
    return _free().get(type_) or (_BY_PROPERTIES if type_ in RULES else None)


@cache
def _free() -> Mapping[str, str]:
    return tomllib.loads((Path(__file__).parent / "free.toml").read_text(encoding="utf-8"))
