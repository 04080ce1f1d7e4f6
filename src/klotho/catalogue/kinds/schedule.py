"""`Schedule` on EventBridge Scheduler.

A schedule of AWS has one target, so each service it triggers gets one of its own, in the service's stack: the
construct itself makes nothing. Source: EventBridge Scheduler User Guide (schedule types, execution role, confused
deputy prevention, context attributes).
"""

from __future__ import annotations

from klotho.application import Construct
from klotho.application.timetable import parse_expression
from klotho.catalogue.rules import Implementation, Parameter, Setting
from klotho.diagnostics import Report


def expression(construct: Construct, setting: Setting) -> str:
    """`rate(5 minutes)` or `cron(0 9 * * ? *)`."""
    cron = setting.parameter(construct, "cron")
    return f"cron({cron})" if cron is not None else f"rate({setting.parameter(construct, 'every')})"


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    try:
        parse_expression(expression(construct, setting), setting.parameter(construct, "timezone"))
    except ValueError as error:
        report.error(
            "bad-schedule",
            f"{construct.title} says no time: {error}",
            construct.span,
            helps=['for example `every="1 day"`, or `cron="0 9 * * ? *"` for every day at 9:00'],
        )
    if not setting.application.relationships_on(construct.id):
        report.warning(
            "schedule-unused",
            f"{construct.title} triggers nothing",
            construct.span,
            helps=[f"say what it runs: `function.triggered_by({construct.name})`, or leave it out"],
        )


EVENTBRIDGE_SCHEDULER = Implementation(
    kind="Schedule",
    name="eventbridge-scheduler",
    service="Amazon EventBridge Scheduler",
    expand=lambda construct, setting: (),
    parameters={
        "every": Parameter("minutes, hours or days apart, such as `5 minutes`; the first run is when it is deployed"),
        "cron": Parameter("minutes, hours, day of month, month, day of week, year"),
        "timezone": Parameter("where `cron` is meant", "UTC"),
    },
    instead_of_adoption=(
        "a schedule of AWS has one target, which is part of it: to run something else it would have to be changed",
        'leave out `existing=` and say when: `every="1 day"` or `cron="0 9 * * ? *"`',
    ),
    check=_check,
)
