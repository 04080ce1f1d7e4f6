"""An estimate as a page of text: the total, whose it is, the biggest lines, what was assumed and what is not known.

Input: `Costs`. Output: lines. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klotho.catalogue.costs import Assumption, Line, Range
from klotho.catalogue.costs.usage import UNITS
from klotho.driver.costs import Costs

SHOWN_LINES = 10


class CostPage:
    def __init__(self, costs: Costs, only: str | None = None, alternatives: bool = False) -> None:
        """`only`: the name of a construct, whose lines are all shown. `alternatives`: what else things could have been
        made of."""
        self._costs = costs
        self._only = only
        self._alternatives = alternatives

    def lines(self) -> Iterator[str]:
        costs, found = self._costs, self._costs.estimate
        if self._only is not None:
            yield from self._reasons([line for line in found.biggest if _name(line.owner) == self._only])
            yield from self._unknown()
            yield from self._others()
            return
        yield f"{costs.name} in {costs.environment}, {found.region}: about {_usd(found.total.expected)} USD a month"
        yield f"  {_usd(found.total.low)} with the least use, {_usd(found.total.high)} with the most"
        if costs.local:
            yield "  on AWS; on this machine it costs nothing"
        for group, sums in costs.groups().items():
            yield ""
            yield from _sums(group, sums)
        yield ""
        yield "biggest lines"
        yield from self._reasons(list(found.biggest[:SHOWN_LINES]))
        if len(found.lines) > SHOWN_LINES:
            left = len(found.lines) - SHOWN_LINES
            yield f"  and {left} smaller ones; `klotho cost NAME` shows those of one construct"
        yield from self._unknown()
        yield from self._others()
        yield from self._assumed()
        yield from self._prices()

    def _reasons(self, lines: list[Line]) -> Iterator[str]:
        for line in lines:
            place = self._costs.places.get(line.resource)
            at = f"  {place}" if place else ""
            type_ = line.type.removeprefix("AWS::")
            yield f"  {_usd(line.usd.expected):>9}  {_name(line.owner)}  {type_}, {line.charge.what}{at}"
            yield f"             {line.arithmetic}"

    def _unknown(self) -> Iterator[str]:
        found = [
            item for item in self._costs.estimate.unpriced if self._only is None or _name(item.owner) == self._only
        ]
        if found:
            yield ""
            yield "not counted: the price is not known"
        for item in found:
            yield f"  {_name(item.owner)}  {item.type.removeprefix('AWS::')}, {item.what}: {item.why}"
        for name in self._costs.unreadable:
            yield f"not counted: {name}, whose entry in the project's registry can't be read"

    def _others(self) -> Iterator[str]:
        """What was not taken, with its cost and the reason; then what Klotho does not make, each once."""
        never: dict[str, list[str]] = {}
        for owner, choice in self._costs.choices.items() if self._alternatives else ():
            if not choice.rejected or not self._is_asked(owner):
                continue
            known = [item for item in choice.rejected if item.monthly is not None]
            if known:
                taken = f", about {_micro(choice.monthly)} USD" if choice.monthly is not None else ""
                yield ""
                yield f"{_name(owner)} is {choice.implementation}{taken}, and not"
            for item in known:
                yield f"  {_micro(item.monthly):>9}  {item.implementation}: {item.reason}"
            for item in choice.rejected:
                if item.monthly is None:
                    never.setdefault(f"{item.implementation}: {item.reason}", []).append(_name(owner))
        if never:
            yield ""
            yield "what they can't be"
        for said, names in never.items():
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield f"  {', '.join(names[:3])}{more}: not {said}"

    def _is_asked(self, owner: str) -> bool:
        return self._only is None or _name(owner).partition("#")[0] == self._only

    def _assumed(self) -> Iterator[str]:
        found = self._costs.estimate.assumptions
        if found:
            yield ""
            yield "assumed"
        for owner, item in found:
            if item.said is not None:
                at = f"  {item.said.span}" if item.said.span else ""
                yield f"  {_name(owner)}: {_range(item)}, as the program expects{at}"
        defaults = {item.name: item for _, item in found if item.said is None}
        for name, item in sorted(defaults.items()):
            owners = sorted({_name(owner) for owner, other in found if other.name == name and other.said is None})
            yield f"  {_range(item)}, because nobody said: {', '.join(owners)}"
        for text in self._costs.estimate.taken_for_granted:
            yield f"  {text}"

    def _prices(self) -> Iterator[str]:
        found = self._costs.estimate
        yield ""
        if found.free:
            count, types = len(found.free), len(set(found.free.values()))
            yield f"free by themselves: {count} resources of {types} types (--json names them)"
        if found.dates:
            between = found.dates[0] if found.dates[0] == found.dates[1] else " to ".join(found.dates)
            yield f"prices: AWS's list prices in {found.region}, as of {between}, without tax, free tiers, discounts"
            yield "  and data that leaves AWS, unless a line says so"


def _sums(group: str, sums: Mapping[str, Range]) -> Iterator[str]:
    names = {name: _name(name) or "what belongs to none" for name in sums}
    width = max([len(f"by {group}"), *(len(name) + 2 for name in names.values())], default=0)
    yield f"{f'by {group}':<{width}}  {'expected':>9}  {'least':>9}  {'most':>9}"
    for name, usd in sums.items():
        yield f"{f'  {names[name]}':<{width}}  {_usd(usd.expected):>9}  {_usd(usd.low):>9}  {_usd(usd.high):>9}"


def _range(item: Assumption) -> str:
    return f"{item.expected:,.10g} {UNITS[item.name]} ({item.low:,.10g} to {item.high:,.10g})"


def _micro(value: int | None) -> str:
    return "" if value is None else _usd(value / 1_000_000)


def _usd(value: float) -> str:
    return f"{value:,.2f}"


def _name(owner: str) -> str:
    """The construct's name; `orders_db#login` for what is chosen of one besides."""
    return owner.rpartition("/")[2]
