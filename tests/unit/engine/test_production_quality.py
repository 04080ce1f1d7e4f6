"""What production wants of everything that is generated: a row a promise, with every resource it is about.

A row names the types that can keep the promise and what such a resource must look like. The application has one of each
construct; a type of a row that it does not make fails the row, so that no row is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from klotho.catalogue.alarms import TOPIC
from klotho.catalogue.facts import schema
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.retention import retention
from klotho.catalogue.tables import table
from klotho.resources import Ref, Resource, ResourceGraph, owner_of
from tests.unit.engine.conftest import Builder

Properties = Mapping[str, Any]
PROTECTED = EnvironmentPolicy(protect=True, alarms=True)
ALARM = "AWS::CloudWatch::Alarm"


def application(root: Path, policy: EnvironmentPolicy, availability: float | None = None) -> ResourceGraph:
    """One of each construct, and what leads to every kind of resource."""
    app = Builder(root)
    app.policy = policy
    for kind in ("function", "postgres", "mysql", "redis", "keyvalue", "bucket", "queue", "topic", "api", "userpool"):
        app.add(kind, f"my-{kind}")
    app.add("container", "my-container", scale=[1, 4], health_check="/health").add("api", "inside", public=False)
    app.add("secret", "my-secret").add("schedule", "nightly", every="1 day")
    for actor, verb, target, more in (
        ("my-api", "attach_service", "my-container", {"route": "/c"}),
        ("my-api", "attach_service", "my-function", {"route": "/f"}),
        ("inside", "attach_service", "my-container", {"route": "/c"}),
        ("my-container", "reads_from", "my-postgres", {}), ("my-function", "reads_from", "my-mysql", {}),
        ("my-container", "read_writes_to", "my-redis", {}), ("my-function", "subscribes_to", "my-topic", {}),
        ("my-api", "authenticates_with", "my-userpool", {}), ("my-function", "consumes", "my-queue", {}),
        ("my-function", "triggered_by", "nightly", {}),
    ):  # fmt: skip
        app.says(actor, verb, target, **more)
    if availability is not None:
        for construct in ("my-container", "my-postgres", "my-mysql", "my-redis"):
            app.requires(construct, "availability", availability)
    return app.resolve().graph


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> ResourceGraph:
    return application(tmp_path_factory.mktemp("protected"), PROTECTED)


def is_(**wanted: Any) -> Callable[[Properties], bool]:
    return lambda properties: all(properties.get(name) == value for name, value in wanted.items())


def attribute(key: str, value: str) -> Callable[[Properties], bool]:
    return lambda properties: {"Key": key, "Value": value} in properties["LoadBalancerAttributes"]


def _private(properties: Properties) -> bool:
    return set(properties["PublicAccessBlockConfiguration"].values()) == {True}


def _by_tls_only(properties: Properties) -> bool:
    return any(
        item["Effect"] == "Deny" and item.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for item in properties["PolicyDocument"]["Statement"]
    )


def _forces_tls(properties: Properties) -> bool:
    parameters = properties["Parameters"]
    return "1" in (parameters.get("rds.force_ssl"), parameters.get("require_secure_transport"))


def _in_private_subnets(properties: Properties) -> bool:
    network = properties["NetworkConfiguration"]["AwsvpcConfiguration"]
    return network["AssignPublicIp"] == "DISABLED" and all("private" in str(item) for item in network["Subnets"])


def _checked(properties: Properties) -> bool:
    return "/health" in str(properties["ContainerDefinitions"][0]["HealthCheck"]["Command"])


def _on_graviton(name: str) -> Callable[[Properties], bool]:
    return lambda properties: re.search(r"\.[a-z]\d+g[a-z]*\.", properties[name]) is not None


PROMISES: Mapping[str, Mapping[str, Callable[[Properties], bool]]] = {
    "encrypted at rest": {
        "AWS::RDS::DBInstance": is_(StorageEncrypted=True),
        "AWS::ElastiCache::ReplicationGroup": is_(AtRestEncryptionEnabled=True),
        "AWS::S3::Bucket": lambda item: bool(item["BucketEncryption"]["ServerSideEncryptionConfiguration"]),
        "AWS::SQS::Queue": is_(SqsManagedSseEnabled=True),
        # That of alarms has none (decision 12). DynamoDB, Secrets Manager, Cognito, and logs encrypt always.
        "AWS::SNS::Topic": lambda item: item.get("DisplayName") == "Alarms" or "KmsMasterKeyId" in item,
    },
    "encrypted in transit": {
        "AWS::RDS::DBParameterGroup": _forces_tls,
        "AWS::ElastiCache::ReplicationGroup": is_(TransitEncryptionEnabled=True, TransitEncryptionMode="required"),
        "AWS::S3::BucketPolicy": _by_tls_only,
    },
    "reached by nobody outside unless a relationship says so": {
        "AWS::RDS::DBInstance": is_(PubliclyAccessible=False),
        "AWS::S3::Bucket": _private,
        "AWS::ECS::Service": _in_private_subnets,
        "AWS::ElasticLoadBalancingV2::LoadBalancer": is_(Scheme="internal"),
        "AWS::EC2::SecurityGroupIngress": lambda item: "SourceSecurityGroupId" in item and "CidrIp" not in item,
    },
    "not deleted where data is protected": {
        "AWS::RDS::DBInstance": is_(DeletionProtection=True),
        "AWS::DynamoDB::Table": is_(DeletionProtectionEnabled=True),
        "AWS::Cognito::UserPool": is_(DeletionProtection="ACTIVE"),
        # No switch of its own: a snapshot, and a stack that can't be deleted.
        "AWS::ElastiCache::ReplicationGroup": lambda item: (
            retention("AWS::ElastiCache::ReplicationGroup", item) == ("Snapshot", "Snapshot")
        ),
        "AWS::S3::Bucket": lambda item: retention("AWS::S3::Bucket", item) == ("RetainExceptOnCreate", "Retain"),
    },
    "backed up": {
        "AWS::RDS::DBInstance": lambda item: item["BackupRetentionPeriod"] >= 31,
        "AWS::ElastiCache::ReplicationGroup": lambda item: item["SnapshotRetentionLimit"] >= 7,
        "AWS::DynamoDB::Table": lambda item: item["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        "AWS::S3::Bucket": is_(VersioningConfiguration={"Status": "Enabled"}),
    },
    "logs kept for a time": {
        "AWS::Logs::LogGroup": is_(RetentionInDays=365),
    },
    "checked for health": {
        "AWS::ElasticLoadBalancingV2::TargetGroup": is_(HealthCheckPath="/health"),
        "AWS::ECS::TaskDefinition": _checked,
        "AWS::ServiceDiscovery::Service": is_(HealthCheckCustomConfig={"FailureThreshold": 1}),
        "AWS::ECS::Service": lambda item: item["DeploymentConfiguration"]["DeploymentCircuitBreaker"]["Rollback"],
    },
    "scaled by use": {
        "AWS::ApplicationAutoScaling::ScalableTarget": is_(MinCapacity=1, MaxCapacity=4),
        "AWS::ApplicationAutoScaling::ScalingPolicy": is_(PolicyType="TargetTrackingScaling"),
        "AWS::RDS::DBInstance": is_(MaxAllocatedStorage=100),
        "AWS::DynamoDB::Table": is_(BillingMode="PAY_PER_REQUEST"),
    },
    "on Graviton": {
        "AWS::RDS::DBInstance": _on_graviton("DBInstanceClass"),
        "AWS::ElastiCache::ReplicationGroup": _on_graviton("CacheNodeType"),
    },
}


@pytest.mark.parametrize("promise", PROMISES)
def test_everything_that_is_generated_in_a_protected_environment_is(protected: ResourceGraph, promise: str) -> None:
    for type_name, holds in PROMISES[promise].items():
        found = [resource for resource in protected if resource.type == type_name]
        assert found, f"the application makes no {type_name}"
        for resource in found:
            assert holds(resource.properties), (resource.key, resource.properties)


def test_every_resource_that_takes_tags_is_tagged_with_its_construct(protected: ResourceGraph) -> None:
    for resource in protected:
        name = None if resource.type.startswith("Custom::") else schema(resource.type).tag_property
        if name is None:
            continue
        tags = resource.properties[name]
        found = tags if isinstance(tags, Mapping) else {item["Key"]: item["Value"] for item in tags}
        assert str(found["klotho:construct"]).startswith(str(owner_of(resource.key))), resource.key


def test_every_resource_whose_type_can_be_watched_has_alarms_that_report_to_the_topic(protected: ResourceGraph) -> None:
    alarms = [resource for resource in protected if resource.type == ALARM]
    watched = {name for name in table("alarms") if name.startswith("AWS::")}
    made = {resource.type for resource in protected}
    # A rule of EventBridge is made by a bucket's events only, a cluster by Aurora only (test_aurora.py).
    assert watched - made == {"AWS::Events::Rule", "AWS::RDS::DBCluster"}
    for type_name in watched & made:
        for resource in (item for item in protected if item.type == type_name and item.key != TOPIC):
            assert any(alarm.key.startswith(f"{resource.key}-") for alarm in alarms), resource.key
    assert all(alarm.properties["AlarmActions"] == [Ref(TOPIC)] for alarm in alarms)


def _spread(properties: Properties) -> bool:
    return bool(properties.get("MultiAZ") or properties.get("MultiAZEnabled"))


SPREAD: Mapping[str, Callable[[Properties], bool]] = {
    "AWS::RDS::DBInstance": _spread,
    "AWS::ElastiCache::ReplicationGroup": _spread,
    "AWS::ApplicationAutoScaling::ScalableTarget": is_(MinCapacity=2, MaxCapacity=4),
}


def test_several_availability_zones_are_a_requirement(tmp_path: Path, protected: ResourceGraph) -> None:
    required = application(tmp_path, PROTECTED, availability=99.9)
    for type_name, holds in SPREAD.items():
        plain, spread = ([item for item in graph if item.type == type_name] for graph in (protected, required))
        assert plain and not any(holds(item.properties) for item in plain), type_name
        assert spread and all(holds(item.properties) for item in spread), type_name
    assert len([item for item in required if item.type == "AWS::EC2::NatGateway"]) == 2


def _processor(root: Path, dockerfile: str) -> object:
    app = Builder(root).add("container", "web")
    (root / "services/web/Dockerfile").write_text(dockerfile)
    (task,) = (item for item in app.resolve().graph if item.type == "AWS::ECS::TaskDefinition")
    return task.properties["RuntimePlatform"]["CpuArchitecture"]


def test_the_processor_is_graviton_unless_what_is_built_says_otherwise(
    tmp_path: Path, protected: ResourceGraph
) -> None:
    assert _processor(tmp_path, "FROM python:3.12-slim\n") == "ARM64"
    assert _processor(tmp_path, "FROM --platform=linux/amd64 python:3.12-slim\n") == "X86_64"
    functions = [item for item in protected if item.type == "AWS::Lambda::Function"]
    assert {_architecture(item) for item in functions} == {"arm64", "what the package was made for"}


def _architecture(function: Resource) -> str:
    (value,) = function.properties["Architectures"]
    return value if isinstance(value, str) else "what the package was made for"
