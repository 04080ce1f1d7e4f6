"""What databases of several parts cost: Aurora's clusters and the instances in them, tables and what scales them.

Sources: Amazon Aurora pricing (Aurora Standard: instances or ACUs by the second, storage, I/O requests; backups as
large as the database are free); Amazon Aurora User Guide, "Scaling to Zero ACUs with automatic pause and resume";
Amazon DynamoDB pricing for provisioned capacity (read and write capacity units by the hour).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.costs.model import HOURS, Charge, Range, Sight, number
from klotho.resources import Resource

AWAKE_ACU = 0.5
"""What a small database needs while somebody is connected: the least there is."""


def cluster(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """What is kept; instances are paid at themselves."""
    storage = sight.usage.storage_gb
    yield Charge(
        "aurora-storage-gb", storage, "what is kept", ("storage_gb",), "backups are no larger, and so are free"
    )
    assumes = "a request reads once and writes once"
    yield Charge("aurora-io", sight.usage.requests.times(2), "reads and writes", ("requests_per_month",), assumes)
    if resource.properties.get("ManageMasterUserPassword") is True:
        yield Charge("secret-month", Range.fixed(1), "the secret of its administrator")


def member(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """An instance of a cluster."""
    properties = resource.properties
    size = properties.get("DBInstanceClass")
    if size != "db.serverless":
        yield Charge(f"{properties.get('Engine')}-{size}-hour", Range.fixed(HOURS), f"{size} running all month")
        return
    found = sight.named_in(properties.get("DBClusterIdentifier"), "AWS::RDS::DBCluster")
    scaling: Any = found.properties.get("ServerlessV2ScalingConfiguration") if found else None
    scaling = scaling if isinstance(scaling, Mapping) else {}
    least, most = number(scaling.get("MinCapacity"), AWAKE_ACU), number(scaling.get("MaxCapacity"), AWAKE_ACU)
    if least > 0:
        capacity = Range(least, least, most).times(HOURS)
        yield Charge("aurora-acu-hour", capacity, f"{least:g} to {most:g} ACU all month")
        return
    pause = number(scaling.get("SecondsUntilAutoPause"), 300)
    awake = sight.usage.requests.times(sight.usage.seconds.plus(Range.fixed(pause))).times(1 / 3600)
    low, expected, high = (min(hours, HOURS) for hours in awake)
    yield Charge(
        "aurora-acu-hour",
        Range(low * AWAKE_ACU, expected * AWAKE_ACU, high * most),
        f"{expected:,.4g} hours awake at {AWAKE_ACU:g} ACU",
        ("requests_per_month", "average_ms"),
        f"each request comes alone and keeps it awake for {pause:g} seconds",
    )


def provisioned_table(resource: Resource) -> Iterator[Charge]:
    """The least capacity of a table and its indexes, by the hour."""
    indexes = resource.properties.get("GlobalSecondaryIndexes") or []
    parts = [item.get("ProvisionedThroughput") for item in (resource.properties, *indexes) if isinstance(item, Mapping)]
    for unit in ("Read", "Write"):
        units = sum(number(part.get(f"{unit}CapacityUnits"), 1) for part in parts if isinstance(part, Mapping))
        what = f"{unit.lower()} capacity all month: {units:g}"
        yield Charge(f"dynamodb-{unit.lower()}-capacity-hour", Range.fixed(HOURS * units), what)


def table_scaling(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """What capacity may grow to."""
    properties = resource.properties
    unit = "read" if "Read" in str(properties.get("ScalableDimension")) else "write"
    more = max(0.0, number(properties.get("MaxCapacity"), 1) - number(properties.get("MinCapacity"), 1))
    yield Charge(f"dynamodb-{unit}-capacity-hour", Range(0, 0, HOURS * more), f"at most {more:g} more units")
