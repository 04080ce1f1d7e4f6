"""What Kubernetes costs: the cluster by the hour, and pods by their share of the instances that Auto Mode starts.

Which instances those are is decided while they run. Pods are reckoned on general-purpose ones of the newest usual
generation, as full as they can be: an empty place costs as much. Source: aws.amazon.com/eks/pricing (a cluster within
standard support; Auto Mode's fee comes on top of the price of the instance), aws.amazon.com/ec2/instance-types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.costs.model import HOURS, Charge, Range, Sight
from klotho.resources import Resource

VCPUS, GB = 2, 8
"""Of an m7g.large or m7i.large."""
_FULL = "instances are as full as they can be"


def cluster(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("eks-cluster-hour", Range.fixed(HOURS), "the control plane all month")


def addon(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Add-ons are free; what one of them tells is not."""
    if resource.properties.get("AddonName") == "amazon-cloudwatch-observability":
        yield Charge("container-insights-metrics", Range.fixed(1), "metrics of Container Insights")


def objects(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """The pods of each Deployment; everything else in a cluster is free."""
    found = resource.properties.get("Objects")
    manifests = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
    scaled = {
        item["spec"]["scaleTargetRef"]["name"]: item["spec"]
        for item in manifests
        if item.get("kind") == "HorizontalPodAutoscaler"
    }
    for item in manifests:
        if item.get("kind") == "Deployment":
            limits = scaled.get(item["metadata"]["name"])
            yield from _pods(item["spec"], limits)


def _pods(spec: Mapping[str, Any], limits: Mapping[str, Any] | None) -> Iterator[Charge]:
    least = int(limits["minReplicas"]) if limits else int(spec.get("replicas", 1))
    count = Range(least, least, int(limits["maxReplicas"]) if limits else least)
    pod = spec["template"]["spec"]
    wanted = pod["containers"][0]["resources"]["requests"]
    share = max(_vcpus(str(wanted["cpu"])) / VCPUS, _gb(str(wanted["memory"])) / GB)
    kind = "m7g" if pod.get("nodeSelector", {}).get("kubernetes.io/arch") == "arm64" else "m7i"
    what = f"pods all month: {least:g}, {share:.3g} of an instance each"
    yield Charge(f"ec2-{kind}.large-hour", count.times(HOURS * share), what, (), _FULL)
    yield Charge(f"eks-auto-{kind}.large-hour", count.times(HOURS * share), "the fee of Auto Mode", (), _FULL)


def _vcpus(text: str) -> float:
    found = re.fullmatch(r"(\d+)m", text)
    return int(found[1]) / 1000 if found else float(text)


def _gb(text: str) -> float:
    found = re.fullmatch(r"(\d+)Mi", text)
    return int(found[1]) / 1024 if found else 0.0
