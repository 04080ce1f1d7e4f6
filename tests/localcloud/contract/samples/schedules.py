"""Samples of schedules. Their times are far away, so that nothing is invoked while a test looks."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .identity import trust

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust("scheduler.amazonaws.com")}}
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:"


def target(name: str, role: str) -> dict[str, Any]:
    return {"Arn": FUNCTION + name, "RoleArn": {"Fn::GetAtt": [role, "Arn"]}, "Input": "{}"}


def read_schedule(cloud: Cloud, record: Record) -> Any:
    units = {unit.name: (unit.state, unit.detail) for unit in cloud.schedules.status()}
    return units[record.identifier], cloud.schedules.due(record.identifier)


SAMPLES = (
    Sample(
        "AWS::Scheduler::Schedule",
        {
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ScheduleExpression": "cron(0 9 1 1 ? 2190)",
            "Target": target("one", "Role"),
        },
        {
            "Description": "b",
            "Name": "named",
            "ScheduleExpression": "cron(0 9 1 1 ? 2191)",
            "ScheduleExpressionTimezone": "Europe/Vienna",
            "State": "DISABLED",
            "Target": target("two", "OtherRole"),
        },
        {"Role": ROLE, "OtherRole": ROLE},
        refused={"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        planes=planes("functions", "schedules"),
        read=read_schedule,
    ),
)
