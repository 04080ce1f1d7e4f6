"""Rates in words, `5 minutes`, and schedule expressions as EventBridge Scheduler writes them.

Input: text. Output: a `Rate`, or a `Timetable` that says when a schedule is due next. Refuses, by `RateError`, other
units (the shortest rate on AWS is a minute) and texts that are no rate; by `CronError` what `cron.py` refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from klotho.application.cron import Cron, parse_cron

_WORDS = re.compile(r"(?:every )?(?:(?P<count>[0-9]{1,6}) ?)?(?P<unit>[a-z]+?)s?")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_EXPRESSION = re.compile(r"(?P<kind>rate|cron)\((?P<inside>[^()]*)\)")
UTC_NAMES = ("UTC", "Etc/UTC")


class RateError(ValueError):
    """Why a text is no rate; made to stand after "is no rate: "."""


class Rate(NamedTuple):
    """So many units apart."""

    number: int
    unit: str
    """`minute`, `hour` or `day`."""

    @property
    def interval(self) -> timedelta:
        return timedelta(minutes=self.number * _MINUTES[self.unit])

    def __str__(self) -> str:
        return f"{self.number} {self.unit}{'' if self.number == 1 else 's'}"


def parse_rate(text: str) -> Rate:
    """`5 minutes`, `1 hour`, `day`, `2 weeks` (which are days); RateError says what is wrong."""
    match = _WORDS.fullmatch(" ".join(text.lower().split()))
    if match is None:
        raise RateError("it is a number and a unit, such as `5 minutes`, `1 hour` or `2 days`")
    count, unit = int(match["count"] or 1), match["unit"]
    if unit in ("second", "sec"):
        raise RateError("the shortest time between two runs is a minute")
    if unit == "week":
        count, unit = count * 7, "day"
    if unit not in _MINUTES:
        raise RateError(f"`{unit}` is no unit: there are minutes, hours, days and weeks")
    if count < 1:
        raise RateError("the shortest time between two runs is a minute")
    return Rate(count, unit)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a schedule runs."""

    when: Rate | Cron
    zone: tzinfo = UTC

    def first(self, now: datetime) -> datetime | None:
        """The first run of a schedule made now: at once for a rate ("Rate-based schedules", without StartDate)."""
        return now if isinstance(self.when, Rate) else self.when.next_after(now, self.zone)

    def following(self, due: datetime, now: datetime) -> datetime | None:
        """The first run after `now`, given one that was due; None when there is none any more."""
        if isinstance(self.when, Cron):
            return self.when.next_after(max(due, now), self.zone)
        steps = max(0, (now - due) // self.when.interval) + 1
        return due + steps * self.when.interval


def parse_expression(text: str, timezone: str = "UTC") -> Timetable:
    """`rate(5 minutes)` or `cron(0 9 * * ? *)`; ValueError for anything else, `at(…)` included."""
    match = _EXPRESSION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is neither `rate(…)` nor `cron(…)`")
    when = parse_rate(match["inside"]) if match["kind"] == "rate" else parse_cron(match["inside"])
    return Timetable(when, zone_of(timezone))


def zone_of(name: str) -> tzinfo:
    """A time zone of the IANA database; ValueError for a name it does not have."""
    if name in UTC_NAMES:
        return UTC  # also on a machine without a time zone database
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"`{name}` is no time zone") from None
