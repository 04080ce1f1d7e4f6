"""`Schedule`: times at which functions run and containers are told."""

from __future__ import annotations

import re
from typing import Any

from klotho.application.cron import CronError, parse_cron
from klotho.application.timetable import RateError, parse_rate, zone_of
from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.stack import Stack

_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_EXAMPLE = '`every="1 day"`, or `cron="0 9 * * ? *"` for every day at 9:00'


def _read_every(value: Any) -> str:
    plain = read.some_text(value)
    try:
        return str(parse_rate(plain))
    except RateError as error:
        raise _wrong(f"a rate: {error}", plain) from None


def _read_cron(value: Any) -> str:
    plain = read.some_text(value).strip()
    inner = plain[5:-1] if plain.startswith("cron(") and plain.endswith(")") else plain
    try:
        return parse_cron(inner).text
    except CronError as error:
        raise _wrong(f"a cron expression: {error}", plain, _from_unix(inner)) from None


def _from_unix(text: str) -> str | None:
    """What five fields of Unix mean: their weekdays go from 0 (Sunday), EventBridge's from 1."""
    fields = text.split()
    if len(fields) != 5:
        return None
    minutes, hours, day, month, weekday = fields
    weekday = re.sub(r"(?<![#/\d])[0-7](?!\d)", lambda number: _WEEKDAYS[int(number[0]) % 7], weekday)
    day, weekday = (day, "?") if weekday == "*" else ("?" if day == "*" else day, weekday)
    return _valid(f"{minutes} {hours} {day} {month} {weekday} *")


def _valid(cron: str) -> str | None:
    try:
        return f'write `cron="{parse_cron(cron).text}"`'
    except CronError:
        return None


def _wrong(expected: str, plain: str, guess: str | None = None) -> read.Wrong:
    helps = (guess or f"for example {_EXAMPLE}",)
    return read.Wrong(read.Problem(expected, f'"{read.printable(plain)}"', helps, code="bad-schedule"))


def _read_timezone(value: Any) -> str:
    plain = read.some_text(value)
    try:
        zone_of(plain)
    except ValueError:
        problem = read.Problem(
            "a time zone of the IANA database",
            f'"{read.printable(plain)}"',
            ("name its area and city, such as `Europe/Vienna`",),
            code="bad-schedule",
        )
        raise read.Wrong(problem) from None
    return plain


class Schedule(Construct):
    """Times at which functions run and containers are told: `nightly_report.triggered_by(schedule)`."""

    KIND = "Schedule"

    @described(every=_read_every, cron=_read_cron, timezone=_read_timezone)
    def __init__(
        self,
        name: str,
        every: str | None = None,
        *,
        cron: str | None = None,
        timezone: str | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe times; give `every` or `cron`.

        Args:
            name: what the event calls it.
            every: minutes, hours, days or weeks apart, a minute at least: `"5 minutes"`, `"1 hour"`, `"day"`. The
                first run is when it is deployed.
            cron: six fields as EventBridge has them (minutes, hours, day of month, month, day of week, year), one of
                the two day fields `?`: `"0 9 ? * MON-FRI *"`. The precision is a minute.
            timezone: where `cron` is meant, `"Europe/Vienna"`. Default: UTC.
            stack: has no effect: what it makes lies in the stacks of what it triggers.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: refused: a schedule's target is part of it.
        """

    def _check(self, arguments: Arguments) -> None:
        if {"every", "cron"} <= arguments.given:
            arguments.complain(
                "conflicting-arguments",
                f"{arguments.title} can't have both `every` and `cron`",
                "cron",
                helps=("keep one of them; make a second schedule for other times",),
            )
        elif arguments.lacks("every", "cron"):
            arguments.missing("every", _EXAMPLE)
        if "every" in arguments.values and "timezone" in arguments.values:
            arguments.complain(
                "conflicting-arguments",
                f"`timezone` of {arguments.title} means nothing together with `every`",
                "timezone",
                notes=("a rate counts minutes, wherever the clock stands",),
                helps=("leave out `timezone=`, or say the time of day with `cron=`",),
            )
