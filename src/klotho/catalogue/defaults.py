"""Best practice by resource type, for whatever nobody has set. A senior engineer's defaults, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.facts import is_known, schema
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.resources import Resource, SetProperty, owner_of
from klotho.resources.changes import Action

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "AWS::RDS::DBCluster": {
        "CopyTagsToSnapshot": True,
    },
    "AWS::RDS::DBInstance": {
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": True,
        "MultiAZ": False,
    },
}
OF_THE_CLUSTER = frozenset({"CopyTagsToSnapshot", "MultiAZ"})
"""What an instance of a cluster does not take. Source: CloudFormation Template Reference, AWS::RDS::DBInstance."""


def defaults_for(resource: Resource, policy: EnvironmentPolicy) -> Iterator[Action]:
    """The type's defaults, and a tag that names the construct."""
    if resource.type == "AWS::Logs::LogGroup":
        # Without a number CloudWatch keeps logs for ever.
        yield SetProperty(resource.key, ("RetentionInDays",), policy.log_days)
    for name, value in DEFAULTS.get(resource.type, {}).items():
        if name in OF_THE_CLUSTER and "DBClusterIdentifier" in resource.properties:
            continue
        yield SetProperty(resource.key, (name,), value)
    yield from _tag(resource)


def _tag(resource: Resource) -> Iterator[Action]:
    tag_property = schema(resource.type).tag_property if is_known(resource.type) else None
    if tag_property is None:
        return
    owner = owner_of(resource.key)
    if _tags_are_a_map(resource.type, tag_property):
        yield SetProperty(resource.key, (tag_property, "klotho:construct"), owner)
    else:
        yield SetProperty(resource.key, (tag_property,), [{"Key": "klotho:construct", "Value": owner}])


def _tags_are_a_map(type_name: str, tag_property: str) -> bool:
    declared = schema(type_name).properties[tag_property]
    return declared.get("type") in ("object", ["object", "string"]) or "patternProperties" in declared
