"""Cron expressions of EventBridge: `0 9 * * ? *`, six fields, and the next time one of them is due.

Input: the text, a time zone. Output: a `Cron`, and moments. Refuses, by `CronError` with the field and what it may
hold, everything EventBridge refuses: five fields, `*` in both day fields, values out of range, days that no month has.

Source: EventBridge Scheduler User Guide, "Schedule types" (fields, wildcards, daylight saving: a local time that does
not exist is skipped, one that comes twice is used once).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NAMES = {"month": _MONTHS, "day of week": _DAYS}
_RANGES = {
    "minutes": (0, 59),
    "hours": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (1, 7),
    "year": (1970, 2199),
}
_CYCLE_YEARS = 28
"""After so many years the calendar repeats (within 1901 to 2099), so a day not found until then never comes."""


class CronError(ValueError):
    """Why a text is no cron expression; made to stand after "is no cron expression: "."""


@dataclass(frozen=True)
class Cron:
    """A parsed expression."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: frozenset[int]
    day_of_week: str
    years: frozenset[int] | None
    """None for every year."""

    def next_after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first time later than `moment` (aware), in UTC; None when there is none any more."""
        local = moment.astimezone(zone)
        for day in self._days(local.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    wanted = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    found = wanted.astimezone(UTC)
                    if found > moment and found.astimezone(zone).replace(tzinfo=None) == wanted.replace(tzinfo=None):
                        return found
        return None

    def _days(self, first: date) -> Iterator[date]:
        last_year = max(self.years) if self.years else first.year + _CYCLE_YEARS
        day = first
        while day.year <= last_year and day < date.max:
            if self.years is not None and day.year not in self.years:
                day = date(day.year + 1, 1, 1)
                continue
            if day.month in self.months and self._has(day):
                yield day
            day += timedelta(days=1)

    def _has(self, day: date) -> bool:
        if self.day_of_month == "?":
            return any(_matches_weekday(part, day) for part in self._weekdays)
        return any(_matches_month_day(part, day) for part in self.day_of_month.split(","))

    @cached_property
    def _weekdays(self) -> tuple[str, ...]:
        return tuple(self.day_of_week.split(","))


def parse_cron(text: str) -> Cron:
    """The expression; CronError says what is wrong with it. Names may be in any case."""
    fields = text.upper().split()
    if len(fields) == 5:
        raise CronError("it has five fields; EventBridge has a sixth one, the year, and `?` in one of the day fields")
    if len(fields) != 6:
        raise CronError(f"it has {len(fields)} fields, not six: minutes, hours, day of month, month, day of week, year")
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise CronError("exactly one of day of month and day of week is `?`")
    parsed = Cron(
        text=" ".join(fields),
        minutes=_values("minutes", minutes),
        hours=_values("hours", hours),
        day_of_month=_checked_days("day of month", day),
        months=frozenset(_values("month", month)),
        day_of_week=_checked_days("day of week", weekday),
        years=None if year == "*" else frozenset(_values("year", year)),
    )
    first = date(min(parsed.years) if parsed.years else 2000, 1, 1)
    if next(parsed._days(first), None) is None:
        raise CronError("no year has such a day")
    return parsed


_DAY_FORMS = {
    "day of month": re.compile(r"L|LW|(?P<day>\d{1,2})W"),
    "day of week": re.compile(r"L|(?P<last>[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)L|(?P<nth>[1-7]|[A-Z]{3})#[1-5]"),
}


def _checked_days(field: str, text: str) -> str:
    """The field with its ranges and names as numbers; `L`, `W` and `#` stay as they are."""
    if text == "?":
        return text
    parts: list[str] = []
    for part in text.split(","):
        if _DAY_FORMS[field].fullmatch(part):
            number = re.match(r"\d+", part)
            if field == "day of month" and number and not 1 <= int(number[0]) <= 31:
                raise CronError(f"`{part}` is no day of month: days go from 1 to 31")
            name = re.match(r"[A-Z]{3}", part)
            parts.append(f"{_number(field, name[0], part)}{part[3:]}" if name else part)
        else:
            parts += [str(value) for value in _values(field, part)]
    return ",".join(parts)


def _values(field: str, text: str) -> tuple[int, ...]:
    """Every value of a field of numbers, ranges, steps and `*`, sorted."""
    low, high = _RANGES[field]
    found: set[int] = set()
    for part in text.split(","):
        body, slash, step = part.partition("/")
        if slash and (not step.isdecimal() or int(step) == 0):
            raise CronError(f"`{part}` in {field}: after `/` comes a number of at least 1")
        first, dash, last = body.partition("-")
        if body == "*":
            start, end = low, high
        elif dash:
            start, end = _number(field, first, part), _number(field, last, part)
        else:
            start = _number(field, first, part)
            end = high if slash else start
        if start > end:
            raise CronError(f"`{part}` in {field}: the range goes backwards")
        found.update(range(start, end + 1, int(step) if slash else 1))
    return tuple(sorted(found))


def _number(field: str, text: str, part: str) -> int:
    low, high = _RANGES[field]
    names = _NAMES.get(field, ())
    if text in names:
        return names.index(text) + 1
    if text.isascii() and text.isdecimal() and low <= int(text) <= high:
        return int(text)
    also = f" or {names[0]} to {names[-1]}" if names else ""
    raise CronError(f"`{part}` in {field}: values go from {low} to {high}{also}")


def _weekday(day: date) -> int:
    """1 is Sunday, 7 is Saturday."""
    return day.isoweekday() % 7 + 1


def _matches_weekday(part: str, day: date) -> bool:
    if part == "L":
        return _weekday(day) == 7
    if part.endswith("L"):
        return _weekday(day) == int(part[:-1]) and day.day + 7 > monthrange(day.year, day.month)[1]
    if "#" in part:
        weekday, _, ordinal = part.partition("#")
        return _weekday(day) == int(weekday) and (day.day - 1) // 7 + 1 == int(ordinal)
    return _weekday(day) == int(part)


def _matches_month_day(part: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    if part == "L":
        return day.day == last
    if part.endswith("W"):
        wanted = last if part == "LW" else int(part[:-1])
        return wanted <= last and day == _nearest_workday(day.replace(day=wanted), last)
    return day.day == int(part)


def _nearest_workday(day: date, last: int) -> date:
    """The workday nearest to a day, in the same month."""
    if day.isoweekday() == 6:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.isoweekday() == 7:
        return day + timedelta(days=1) if day.day < last else day - timedelta(days=2)
    return day
