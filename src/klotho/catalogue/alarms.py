"""Alarms: who watches what is made, and who is told.

Input: a resource of the graph. Output: its alarms as `tables/alarms.toml` lists them, owned by the same construct, so
that they live in the stack of what they watch; and the one topic all of them report to. Refuses nothing: types that are
not in the table have no alarms. The local cloud records alarms and does not evaluate them.

The topic has no key: CloudWatch can't publish to one encrypted with AWS's own key for SNS, and a customer key would
cost more than most alarms; a message holds names and numbers of metrics. Source: Amazon CloudWatch User Guide, "Using
Amazon CloudWatch alarms"; Amazon SNS Developer Guide, "Key management" (services that publish to encrypted topics).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.tables import table
from klotho.resources import (
    APPLICATION,
    SHARED,
    AddResource,
    Ref,
    Resource,
    ResourceKey,
    application_key,
    owner_of,
    role_of,
)
from klotho.resources.changes import Action

TOPIC = application_key("alarms")
ALARM = "AWS::CloudWatch::Alarm"
_FALLBACK_CONNECTIONS = 1000
"""For instance classes whose memory the table does not have."""
_SHARE_OF_MEMORY = 0.75
"""Of an instance's memory, what `DBInstanceClassMemory` is at least: the system takes the rest."""


def alarm_topic(emails: tuple[str, ...]) -> Iterator[Action]:
    """The topic, and a subscription for each address: AWS asks its owner to confirm."""
    yield AddResource(TOPIC, "AWS::SNS::Topic", {"DisplayName": "Alarms"})
    for number, email in enumerate(emails, 1):
        yield AddResource(
            application_key(f"alarms-by-mail-{number}"),
            "AWS::SNS::Subscription",
            {"TopicArn": Ref(TOPIC), "Protocol": "email", "Endpoint": email},
        )


def alarms_of(resource: Resource, title: str) -> Iterator[Action]:
    """The alarms of one resource; `title` names its construct for people."""
    if resource.key == TOPIC:
        return  # it could not report its own failure
    for entry in table("alarms").get(resource.type, ()):
        if _applies(entry, resource):
            yield AddResource(_key(resource, entry["name"]), ALARM, _properties(entry, resource, title))


def _key(resource: Resource, name: str) -> ResourceKey:
    """Each application watches what its project shares by alarms of its own, which tell its own topic."""
    owner = owner_of(resource.key)
    return ResourceKey(f"{APPLICATION if owner == SHARED else owner}:{role_of(resource.key)}-{name}-alarm")


def _applies(entry: Mapping[str, Any], resource: Resource) -> bool:
    wanted, unwanted = entry.get("if_set"), entry.get("if_unset")
    return (wanted is None or wanted in resource.properties) and unwanted not in resource.properties


def _properties(entry: Mapping[str, Any], resource: Resource, title: str) -> dict[str, Any]:
    below = entry.get("below", False)
    return {
        "AlarmDescription": f"{title}: {entry['about']}",
        **_measured(entry, resource),
        "EvaluationPeriods": entry.get("of", 1),
        "DatapointsToAlarm": entry.get("for", 1),
        "Threshold": _threshold(entry, resource),
        "ComparisonOperator": "LessThanThreshold" if below else "GreaterThanThreshold",
        "TreatMissingData": entry.get("missing", "notBreaching"),
        "AlarmActions": [Ref(TOPIC)],
        "OKActions": [Ref(TOPIC)],
    }


def _measured(entry: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    """One metric, or several and what is made of them."""
    dimensions = [{"Name": name, "Value": _value(form, resource)} for name, form in entry["dimensions"].items()]
    if "metric" in entry:
        kind = "ExtendedStatistic" if entry["statistic"].startswith("p") else "Statistic"
        return {
            "Namespace": entry["namespace"],
            "MetricName": entry["metric"],
            "Dimensions": dimensions,
            kind: entry["statistic"],
            "Period": entry["period"],
        }
    metrics = [_metric(name, entry, metric, dimensions) for name, metric in entry.get("metrics", {}).items()]
    each = entry.get("each", {})
    for number, value in enumerate(each.get("values", ()), 1):
        more = [*dimensions, {"Name": each["dimension"], "Value": value}]
        metrics.append(_metric(f"m{number}", entry, each["metric"], more))
    total = {"Id": "total", "Expression": entry["expression"], "Label": entry["name"], "ReturnData": True}
    return {"Metrics": [*metrics, total]}


def _metric(name: str, entry: Mapping[str, Any], metric: str, dimensions: list[dict[str, Any]]) -> dict[str, Any]:
    measured = {"Namespace": entry["namespace"], "MetricName": metric, "Dimensions": dimensions}
    statistic = {"Metric": measured, "Period": entry["period"], "Stat": entry["statistic"]}
    return {"Id": name, "MetricStat": statistic, "ReturnData": False}


def _value(form: str, resource: Resource) -> Any:
    if form == "Ref":
        return Ref(resource.key)
    if form.startswith("@"):
        return Ref(resource.key, form[1:])
    return resource.properties[form[1:]] if form.startswith("=") else form


def _threshold(entry: Mapping[str, Any], resource: Resource) -> float:
    of = entry.get("percent_of")
    if of is None:
        return float(entry["threshold"])
    whole = connections(resource) if of == "connections" else float(resource.properties[of])
    return float(round(whole * entry.get("factor", 1) * entry["threshold"] / 100))


def connections(database: Resource) -> float:
    """How many connections an RDS instance takes, by its class and its engine's default parameters."""
    data = table("alarms")
    _, _, family_and_size = str(database.properties["DBInstanceClass"]).partition(".")
    family, _, size = family_and_size.partition(".")
    memory = data["memory_gib"].get(family[:1], {}).get(size)
    per_connection = data["connection_bytes"].get(str(database.properties["Engine"]))
    if memory is None or per_connection is None:
        return float(_FALLBACK_CONNECTIONS)
    return float(memory * 1024**3 * _SHARE_OF_MEMORY / per_connection)
