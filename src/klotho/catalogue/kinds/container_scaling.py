"""How many tasks of a service on ECS run, and in how many availability zones.

Source: Application Auto Scaling User Guide (target tracking).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.kinds.container_keys import service_key
from klotho.catalogue.kinds.shared import CLUSTER
from klotho.catalogue.rules import Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, Ref, SetProperty, join, resource_key
from klotho.resources.changes import Action


def scaling(construct: Construct, setting: Setting) -> Iterator[Action]:
    low, high = setting.parameter(construct, "scale")
    if high <= low:
        return
    target = resource_key(construct.id, "scaling")
    yield AddResource(
        target,
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": low,
            "MaxCapacity": high,
            "ResourceId": join("service/", Ref(CLUSTER), "/", Ref(service_key(construct), "Name")),
            "ScalableDimension": "ecs:service:DesiredCount",
            "ServiceNamespace": "ecs",
        },
    )
    yield AddResource(
        resource_key(construct.id, "scaling-policy"),
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyName": "cpu",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": Ref(target),
            "TargetTrackingScalingPolicyConfiguration": {
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                "TargetValue": 60,
            },
        },
    )


ZONES = 2
"""As many as the network has private subnets: ECS puts tasks into different ones by itself."""


def spread(construct: Construct, setting: Setting) -> Iterator[Action]:
    """At least one task in each zone."""
    low, high = setting.parameter(construct, "scale")
    least = max(ZONES, low)
    yield SetProperty(service_key(construct), ("DesiredCount",), least)
    if high > low:
        yield SetProperty(resource_key(construct.id, "scaling"), ("MinCapacity",), min(least, high))


def check_spread(construct: Construct, setting: Setting, report: Report) -> None:
    """A scale that says there must not be two tasks."""
    if construct.properties.get("scale") is not None and setting.parameter(construct, "scale")[1] < ZONES:
        report.error(
            "requirement-contradicted",
            f"{construct.title} has to run in {ZONES} availability zones and says `scale` of at most one task",
            construct.place("scale"),
            helps=[f"leave `scale` out, or write `scale=({ZONES}, {ZONES})` or more"],
        )
