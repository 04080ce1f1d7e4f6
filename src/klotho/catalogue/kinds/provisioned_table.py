"""`Databases.KeyValue` on DynamoDB with provisioned capacity: paid by the hour, whether it is used or not.

A unit reads an item of up to 4 KB, or writes one of up to 1 KB, each second. Application Auto Scaling keeps what is
used at 70 % of what there is, between a least and a most; it takes some minutes, so that a sudden rush is throttled
where on-demand capacity would carry it. The range follows from the requests that are expected: a request reads once and
writes once, and at peak there are ten times as many as on average. Where nobody says that there are many, it is no
candidate: it saves cents then, and few requests come in bursts. Every index has capacity of its own.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB provisioned capacity mode", "Managing throughput capacity
automatically with DynamoDB auto scaling" (target 20 to 90 %); CloudFormation Template Reference,
AWS::ApplicationAutoScaling::ScalableTarget (`table/NAME`, `table/NAME/index/NAME`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

from klotho.application import Application, Construct
from klotho.catalogue.kinds.keyvalue import DYNAMODB, table, table_key
from klotho.catalogue.rules import Parameter, Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, Ref, Value, join, resource_key
from klotho.resources.changes import Action

REQUESTS = "requests_per_month"
USED_PERCENT = 70
PEAK = 10
"""How many times the average a peak is."""
SECONDS_A_MONTH = 730 * 3600
STEADY = 50_000_000
"""Requests a month, about 19 a second, from which on a table is hardly ever idle."""
MOST = 40_000
"""Units of a table. Source: "Quotas in Amazon DynamoDB", per-table read and write capacity in most regions."""


class _Unit(NamedTuple):
    name: str
    """As DynamoDB has it: `Read`."""
    parameter: str


_UNITS = (_Unit("Read", "read_capacity"), _Unit("Write", "write_capacity"))


def dynamodb_provisioned(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The table, and what scales its capacity."""
    least = {f"{unit.name}CapacityUnits": _range(construct, setting, unit)[0] for unit in _UNITS}
    provisioned = {"ProvisionedThroughput": least}
    yield from table(construct, setting, {"BillingMode": "PROVISIONED", **provisioned}, provisioned)
    whole = join("table/", Ref(table_key(construct)))
    yield from _scaling(construct, setting, "table", whole)
    for name in sorted(setting.parameter(construct, "indexes") or {}):
        yield from _scaling(construct, setting, f"index-{name}", join(whole, f"/index/{name}"))


def _scaling(construct: Construct, setting: Setting, of: str, resource: Value) -> Iterator[Action]:
    kind = of.partition("-")[0]
    for unit in _UNITS:
        low, high = _range(construct, setting, unit)
        if high <= low:
            continue
        role = f"{unit.name.lower()}-scaling-of-{of}"
        target = resource_key(construct.id, role)
        yield AddResource(
            target,
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "MinCapacity": low,
                "MaxCapacity": high,
                "ResourceId": resource,
                "ScalableDimension": f"dynamodb:{kind}:{unit.name}CapacityUnits",
                "ServiceNamespace": "dynamodb",
            },
        )
        yield AddResource(
            resource_key(construct.id, f"{role}-policy"),
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": unit.name.lower(),
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": Ref(target),
                "TargetTrackingScalingPolicyConfiguration": {
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": f"DynamoDB{unit.name}CapacityUtilization"
                    },
                    "TargetValue": USED_PERCENT,
                },
            },
        )


def _range(construct: Construct, setting: Setting, unit: _Unit) -> tuple[int, int]:
    """Least and most units: as told, else as the expected requests need."""
    told = setting.parameter(construct, unit.parameter)
    if told is not None:
        low, high = told
        return int(low), int(high)
    said = setting.application.requirements_of(construct.id).get(REQUESTS)
    average = float(str(said.value)) / SECONDS_A_MONTH if said else 0.0
    low = _units(average)
    return low, max(low, _units(average * PEAK))


def _units(requests_a_second: float) -> int:
    return min(MOST, max(1, ceil(requests_a_second * 100 / USED_PERCENT)))


def _unable(construct: Construct, application: Application) -> Iterator[str]:
    """Capacity has to be foreseen."""
    said = application.requirements_of(construct.id).get(REQUESTS)
    if said is None:
        yield "capacity has to be foreseen, and nobody says `expects(requests_per_month=…)`"
    elif float(str(said.value)) < STEADY:
        yield f"fewer than {STEADY:,} requests a month come in bursts, which capacity by the hour does not follow"


def check_provisioned(construct: Construct, setting: Setting, report: Report) -> None:
    """Capacities are two whole numbers, the least and the most."""
    for unit in _UNITS:
        told = setting.parameter(construct, unit.parameter)
        if told is not None and not _is_range(told):
            report.error(
                "bad-size",
                f"{construct.title} wants {unit.parameter}={told!r}, which is no least and most from 1 to {MOST}",
                construct.place(unit.parameter),
                helps=[f"write `{unit.parameter}=[1, 10]`"],
            )


def _is_range(told: Any) -> bool:
    whole = isinstance(told, list | tuple) and all(isinstance(item, int) and item is not True for item in told)
    return whole and len(told) == 2 and 1 <= told[0] <= told[1] <= MOST


DYNAMODB_PROVISIONED = replace(
    DYNAMODB,
    name="dynamodb-provisioned",
    expand=dynamodb_provisioned,
    parameters={
        **DYNAMODB.parameters,
        "read_capacity": Parameter("least and most reads a second; as expected requests need where left out", None),
        "write_capacity": Parameter("least and most writes a second; as expected requests need where left out", None),
    },
    unable=_unable,
    check=check_provisioned,
)
