"""Rates in words, cron expressions, and when they are due."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.application.cron import CronError, parse_cron
from klotho.application.timetable import RateError, parse_expression, parse_rate, zone_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday


def upcoming(cron: str, number: int = 3, after: datetime = NOON, zone: str = "UTC") -> list[str]:
    found, moment = [], after
    for _ in range(number):
        following = parse_cron(cron).next_after(moment, zone_of(zone))
        if following is None:
            break
        found.append(following.strftime("%Y-%m-%d %H:%M"))
        moment = following
    return found


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("5 minutes", "5 minutes"), ("1 minute", "1 minute"), ("minute", "1 minute"), ("every  2 Hours", "2 hours"),
        ("1day", "1 day"), ("2 weeks", "14 days"), ("week", "7 days"),
    ],
)  # fmt: skip
def test_rates_are_read_in_words(text: str, rate: str) -> None:
    assert str(parse_rate(text)) == rate
    assert parse_expression(f"rate({rate})").first(NOON) == NOON


@pytest.mark.parametrize("text", ["30 seconds", "0 minutes", "1 month", "often", "", "-1 day", "1.5 hours"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(RateError):
        parse_rate(text)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 9 * * ? *", ["2026-11-21 09:00", "2026-11-22 09:00", "2026-11-23 09:00"]),
        ("0/20 12 ? * MON-FRI *", ["2026-11-20 12:20", "2026-11-20 12:40", "2026-11-23 12:00"]),
        ("0 0 L * ? *", ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-31 00:00"]),
        ("0 0 LW 1,2 ? *", ["2027-01-29 00:00", "2027-02-26 00:00", "2028-01-31 00:00"]),
        ("0 0 1W * ? *", ["2026-12-01 00:00", "2027-01-01 00:00", "2027-02-01 00:00"]),
        ("0 0 1W may ? *", ["2027-05-03 00:00", "2028-05-01 00:00", "2029-05-01 00:00"]),
        ("0 0 ? * 6#3 *", ["2026-12-18 00:00", "2027-01-15 00:00", "2027-02-19 00:00"]),
        ("0 0 ? * FRIL *", ["2026-11-27 00:00", "2026-12-25 00:00", "2027-01-29 00:00"]),
        ("0 0 ? * L *", ["2026-11-21 00:00", "2026-11-28 00:00", "2026-12-05 00:00"]),
        ("0 0 29 FEB ? *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("5 4 1 1 ? 2027", ["2027-01-01 04:05"]),
    ],
)
def test_a_cron_is_due_when_aws_says(cron: str, expected: list[str]) -> None:
    assert upcoming(cron) == expected


@pytest.mark.parametrize(
    "cron",
    [
        "0 9 * * *", "0 9 * * * *", "0 9 ? * ? *", "60 * * * ? *", "* 24 * * ? *", "0 0 30 2 ? *", "0 0 0 * ? *",
        "0 0 ? * 8 *", "0 0 ? * MON#6 *", "0 0 5-2 * ? *", "*/0 * * * ? *", "0 0 32W * ? *", "x y z * ? *", "",
        "0 0 29 2 ? 2027", "0 0 * * ? 1969",
    ],
)  # fmt: skip
def test_what_is_no_cron_is_refused(cron: str) -> None:
    with pytest.raises(CronError):
        parse_cron(cron)


def test_clocks_that_change_skip_what_does_not_exist_and_run_once_what_comes_twice() -> None:
    spring = datetime(2027, 3, 27, tzinfo=UTC)  # the next day 02:00 becomes 03:00 in Vienna
    assert upcoming("30 2 * * ? *", 3, spring, "Europe/Vienna") == [
        "2027-03-27 01:30",
        "2027-03-29 00:30",
        "2027-03-30 00:30",
    ]
    autumn = datetime(2027, 10, 30, 12, tzinfo=UTC)  # the next day 03:00 becomes 02:00
    assert upcoming("30 2 * * ? *", 2, autumn, "Europe/Vienna") == ["2027-10-31 00:30", "2027-11-01 01:30"]


@given(st.text(alphabet="0123456789*/,-?LW#MONJA ", max_size=30))
def test_any_text_is_an_expression_or_an_error_that_says_why(text: str) -> None:
    with contextlib.suppress(CronError):
        found = parse_cron(text).next_after(NOON)
        assert found is None or found > NOON


@given(
    st.integers(0, 59), st.integers(0, 23), st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata"]),
)  # fmt: skip
def test_a_daily_time_is_that_time_in_its_zone_within_two_days(
    minute: int, hour: int, after: datetime, zone: str
) -> None:
    moment = after.replace(tzinfo=UTC)
    found = parse_cron(f"{minute} {hour} * * ? *").next_after(moment, zone_of(zone))
    assert found is not None
    assert timedelta(0) < found - moment <= timedelta(hours=49)
    local = found.astimezone(zone_of(zone))
    assert (local.hour, local.minute) == (hour, minute)


@given(st.integers(1, 5000), st.integers(0, 10_000_000))
def test_a_rate_stays_in_step_however_late_it_is_looked_at(minutes: int, late: int) -> None:
    table = parse_expression(f"rate({minutes} minutes)")
    now = NOON + timedelta(seconds=late)
    found = table.following(NOON, now)
    assert found is not None
    assert found > now
    assert found - now <= timedelta(minutes=minutes)
    assert (found - NOON) % timedelta(minutes=minutes) == timedelta(0)


@pytest.mark.parametrize("text", ["at(2030-01-01T00:00:00)", "rate()", "5 minutes", "cron(0 9 * * *)"])
def test_other_expressions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|fields|number"):
        parse_expression(text)


@pytest.mark.parametrize("name", ["Vienna", "../etc/passwd", "", "Europe"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)
