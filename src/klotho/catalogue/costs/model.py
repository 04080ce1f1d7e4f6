"""The values of the cost model: ranges, what a rule says of a resource, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from klotho.catalogue.costs.usage import Usage
from klotho.catalogue.prices import Price
from klotho.resources import Resource, ResourceKey
from klotho.resources.values import Ref, references_in

HOURS = 730
"""In a month, as AWS's own calculator reckons: 8,760 hours of a year by 12."""


class Range(NamedTuple):
    """A quantity or an amount for the least, the expected and the most use; `low <= expected <= high`."""

    low: float
    expected: float
    high: float

    @classmethod
    def fixed(cls, value: float) -> Range:
        return cls(value, value, value)

    def plus(self, other: Range) -> Range:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def times(self, factor: float | Range) -> Range:
        by = factor if isinstance(factor, Range) else Range.fixed(factor)
        return Range(self.low * by.low, self.expected * by.expected, self.high * by.high)

    def at_least(self, least: float) -> Range:
        return Range(*(max(value, least) for value in self))

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 6) for name, value in self._asdict().items()}


ZERO = Range.fixed(0)


class Charge(NamedTuple):
    """What a rule says: so much of an item of the price table."""

    item: str
    quantity: Range
    """In the item's unit, in a month."""
    what: str
    """For people: `running all month`."""
    uses: tuple[str, ...] = ()
    """The names of the declared usage the quantity follows; none where it is the same whatever happens."""
    assumes: str = ""
    """What is taken for granted besides."""


class Sight(NamedTuple):
    """What a rule may look at besides its resource."""

    resources: Mapping[ResourceKey, Resource]
    usage: Usage
    """Of the construct the resource belongs to."""
    owner: str
    """Its id, `shared` or `application`."""

    def named_in(self, value: Any, type_: str) -> Resource | None:
        """The first resource of a type that a value refers to."""
        for item in references_in(value):
            found = self.resources.get(item.resource) if isinstance(item, Ref) else None
            if found is not None and found.type == type_:
                return found
        return None


Rule = Callable[[Resource, Sight], Iterator[Charge]]
"""What a resource of one type costs. Never fewer charges or smaller quantities for more use."""


def number(value: object, default: float) -> float:
    """Of a property; the default where it is missing or known only at deploy."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, str) and value.isdecimal() else default


@dataclass(frozen=True, slots=True)
class Line:
    """One reason for costs."""

    resource: ResourceKey
    owner: str
    """The construct id, `shared` or `application`."""
    type: str
    charge: Charge
    price: Price
    usd: Range
    """In a month."""

    @property
    def fixed(self) -> bool:
        return not self.charge.uses

    @property
    def arithmetic(self) -> str:
        """`730 hours x 0.045`."""
        price = f"{self.price.usd:.10f}".rstrip("0").rstrip(".")
        return f"{self.charge.quantity.expected:,.7g} x {price} USD per {self.price.unit}"


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Something that costs, nobody knows how much."""

    resource: ResourceKey
    owner: str
    type: str
    what: str
    """The item of the price table, or the type where there is no rule."""
    why: str
