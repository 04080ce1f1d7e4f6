"""How much use to reckon with: what the program expects, else what is assumed.

Input: an application's requirements. Output: a `Usage` by construct id. A construct's own `expects` wins over the
application's, which counts for every construct: each request passes each of them once. A number that was said is the
expected one; half and twice of it are the least and the most, unless these were said (then the middle is expected).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from klotho.application import Application, Requirement

if TYPE_CHECKING:
    from klotho.catalogue.costs.model import Range

DEFAULTS: Mapping[str, tuple[float, float, float]] = {
    "requests_per_month": (0, 100_000, 1_000_000),
    "average_ms": (20, 100, 500),
    "storage_gb": (0, 1, 10),
}
"""Least, expected and most, where nothing is said."""
UNITS = {"requests_per_month": "requests a month", "average_ms": "ms a request", "storage_gb": "GB kept"}
LEAST, MOST = 0.5, 2.0
"""Of a number that was said."""


class Assumption(NamedTuple):
    """One usage, and where it is from."""

    name: str
    low: float
    expected: float
    high: float
    said: Requirement | None
    """None: a default."""


@dataclass(frozen=True)
class Usage:
    """Of one construct."""

    said: Mapping[str, Requirement] = field(default_factory=dict)
    summed: tuple[Usage, ...] = ()
    """Of several applications that share something: their sum counts, and the longest time."""

    def assumption(self, name: str) -> Assumption:
        if self.summed:
            return _together([usage.assumption(name) for usage in self.summed])
        found = self.said.get(name)
        if found is None:
            return Assumption(name, *DEFAULTS[name], None)
        if isinstance(found.value, list):
            low, high = (float(str(item)) for item in found.value)
            return Assumption(name, low, (low + high) / 2, high, found)
        value = float(str(found.value))
        return Assumption(name, value * LEAST, value, value * MOST, found)

    def _range(self, name: str) -> Range:
        from klotho.catalogue.costs.model import Range

        return Range(*self.assumption(name)[1:4])

    @property
    def requests(self) -> Range:
        return self._range("requests_per_month")

    @property
    def seconds(self) -> Range:
        """Of one request."""
        return self._range("average_ms").times(0.001)

    @property
    def storage_gb(self) -> Range:
        return self._range("storage_gb")


class Usages:
    """Of an application's constructs; of several applications, what they share."""

    def __init__(self, *applications: Application) -> None:
        self._whole: list[dict[str, Requirement]] = []
        self._own: dict[str, dict[str, Requirement]] = {}
        for application in applications:
            whole: dict[str, Requirement] = {}
            for item in application.requirements:
                if item.name not in DEFAULTS:
                    continue
                if item.subject is not None:
                    self._own.setdefault(item.subject, {})[item.name] = item
                else:
                    whole[item.name] = item
            self._whole.append(whole)

    def of(self, owner: str) -> Usage:
        if len(self._whole) > 1:
            return Usage(summed=tuple(Usage(whole) for whole in self._whole))
        whole = self._whole[0] if self._whole else {}
        return Usage({**whole, **self._own.get(owner, {})})


def _together(items: list[Assumption]) -> Assumption:
    join = max if items[0].name == "average_ms" else sum
    low, expected, high = (join(values) for values in zip(*(item[1:4] for item in items), strict=True))
    return Assumption(items[0].name, low, expected, high, None)
