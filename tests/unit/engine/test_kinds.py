"""What each construct becomes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.engine.conftest import Builder

NETWORK = {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint"}


def test_a_container_becomes_a_fargate_service_with_its_roles_and_logs(app: Builder) -> None:
    types = set(app.add("container", "web").types())
    assert types >= {
        "AWS::ECS::Cluster",
        "AWS::ECS::TaskDefinition",
        "AWS::ECS::Service",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::EC2::SecurityGroup",
    }


def test_a_container_without_relationships_gets_a_role_without_permissions(app: Builder) -> None:
    graph = app.add("container", "web").resolve().graph
    owned = [item.key for item in graph if item.type == "AWS::IAM::RolePolicy"]
    assert owned == ["Compute.Container/web:execution-role-policy"]


def test_ports_are_named_and_injected(app: Builder) -> None:
    graph = app.add("container", "web", ports={"http": 9000, "grpc": 50051}).resolve().graph
    main = graph["Compute.Container/web:task-definition"].properties["ContainerDefinitions"][0]
    assert [(item["Name"], item["ContainerPort"]) for item in main["PortMappings"]] == [("grpc", 50051), ("http", 9000)]
    environment = {item["Name"]: item["Value"] for item in main["Environment"]}
    assert environment == {"GRPC_PORT": "50051", "KLOTHO_UNIT": "web", "PORT": "9000"}


def test_a_bad_image_does_not_hold_a_deployment_for_hours(app: Builder) -> None:
    service = app.add("container", "web").resolve().graph["Compute.Container/web:service"]
    assert service.properties["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
    }


def test_a_container_that_need_not_be_always_on_runs_on_spot_capacity(app: Builder) -> None:
    service = app.add("container", "web", always_on=False).resolve().graph["Compute.Container/web:service"]
    assert service.properties["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    assert "LaunchType" not in service.properties


def test_a_scale_range_becomes_a_scaling_policy(app: Builder) -> None:
    graph = app.add("container", "web", scale=[2, 6]).resolve().graph
    assert graph["Compute.Container/web:service"].properties["DesiredCount"] == 2
    target = graph["Compute.Container/web:scaling"].properties
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)


def test_a_published_image_needs_no_registry_permission(app: Builder) -> None:
    graph = app.add("container", "web", image="nginx", context=None).resolve().graph
    policy = graph["Compute.Container/web:execution-role-policy"].properties["PolicyDocument"]["Statement"]
    assert [item["Sid"] for item in policy] == ["WriteLogs"]


def test_a_function_lives_outside_any_network(app: Builder) -> None:
    types = set(app.add("function", "work").types())
    assert types == {"AWS::IAM::Role", "AWS::IAM::RolePolicy", "AWS::Lambda::Function", "AWS::Logs::LogGroup"}


def test_the_runtime_follows_the_handlers_file(app: Builder) -> None:
    (app.root / "functions" / "paint.mjs").write_text("export const handler = async () => 1;\n")
    graph = app.add("function", "work").add("function", "paint", handler="functions/paint.handler").resolve().graph
    assert graph["Compute.Function/work:function"].properties["Runtime"] == "python3.12"
    assert graph["Compute.Function/paint:function"].properties["Runtime"] == "nodejs22.x"


def test_postgres_is_encrypted_private_and_its_password_is_made_by_rds(app: Builder) -> None:
    graph = app.add("postgres", "orders_db").resolve().graph
    instance = graph["Databases.Postgres/orders_db:database"].properties
    assert instance["StorageEncrypted"] is True
    assert instance["PubliclyAccessible"] is False
    assert instance["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in instance
    assert "AWS::RDS::DBSubnetGroup" in {item.type for item in graph}


def test_nobody_reaches_a_database_that_nobody_uses(app: Builder) -> None:
    types = set(app.add("postgres", "orders_db").types())
    assert "AWS::EC2::SecurityGroupIngress" not in types
    assert not types & {"AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::VPCEndpoint"}


def test_a_keyvalue_table_has_its_keys_indexes_and_recovery(app: Builder) -> None:
    app.add(
        "keyvalue",
        "carts",
        key=[["id", "S"]],
        ttl="expires",
        indexes={"by_user": {"key": [["user", "S"], ["at", "N"]]}},
    )
    table = app.resolve().graph["Databases.KeyValue/carts:table"].properties
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert [item["AttributeName"] for item in table["AttributeDefinitions"]] == ["at", "id", "user"]
    assert table["GlobalSecondaryIndexes"][0]["IndexName"] == "by_user"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_an_api_has_one_stage_without_a_prefix_and_an_access_log(app: Builder) -> None:
    stage = app.add("api", "shop").resolve().graph["API/shop:api-stage"].properties
    assert stage["StageName"] == "$default"
    assert stage["AutoDeploy"] is True
    assert "DestinationArn" in stage["AccessLogSettings"]


def test_every_resource_that_can_carry_tags_names_its_construct(app: Builder) -> None:
    app.add("postgres", "db").add("container", "web").add("function", "work").add("api", "shop")
    untagged = [
        item.type
        for item in app.resolve().graph
        if "Tags" in item.properties and "klotho:construct" not in str(item.properties["Tags"])
    ]
    assert untagged == []
    assert sum("Tags" in item.properties for item in app.resolve().graph) > 15


def test_mysql_takes_nobody_without_tls_and_is_private_and_encrypted(app: Builder) -> None:
    graph = app.add("mysql", "orders").resolve().graph
    found = graph["Databases.MySQL/orders:database"].properties
    assert (found["Engine"], found["EngineVersion"], found["DBName"]) == ("mysql", "8.4.9", "orders")
    assert found["StorageEncrypted"] and found["ManageMasterUserPassword"] and not found["PubliclyAccessible"]
    assert found["EnableCloudwatchLogsExports"] == ["error", "slowquery"]
    group = graph["Databases.MySQL/orders:database-parameters"].properties
    assert group["Family"] == "mysql8.4"
    assert group["Parameters"]["require_secure_transport"] == "1"


@pytest.mark.parametrize(
    ("name", "properties", "code", "words"),
    [
        ("orders", {"version": "5.7"}, "bad-version", "MySQL 5.7, which RDS does not offer"),
        ("orders", {"storage_gb": 5}, "bad-size", "RDS takes 20 to 65536 GiB"),
        ("mysql", {}, "name-reserved", "the server's own database"),
    ],
)
def test_what_rds_does_not_have_for_mysql_is_refused(
    app: Builder, name: str, properties: dict[str, Any], code: str, words: str
) -> None:
    (found,) = [item for item in app.add("mysql", name, **properties).problems() if item.code == code]
    assert words in found.message


def test_a_cache_is_private_encrypted_and_closed_to_everybody_without_a_user(app: Builder) -> None:
    graph = app.add("redis", "cache").resolve().graph
    found = graph["Databases.Redis/cache:cache"].properties
    assert (found["Engine"], found["CacheParameterGroupName"], found["NumCacheClusters"]) == (
        "valkey", "default.valkey8", 1,
    )  # fmt: skip
    assert found["AtRestEncryptionEnabled"] and found["TransitEncryptionEnabled"]
    assert not found["AutomaticFailoverEnabled"] and not found["MultiAZEnabled"]
    assert found["TransitEncryptionMode"] == "required"
    assert [item.resource for item in found["UserGroupIds"]] == ["Databases.Redis/cache:users"]
    nobody = graph["Databases.Redis/cache:user-of-default"].properties
    assert (nobody["UserName"], nobody["AccessString"]) == ("default", "off ~* -@all")


def test_replicas_take_over_and_a_cluster_has_shards(app: Builder) -> None:
    app.add("redis", "cache", replicas=2).add("redis", "shards", cluster=True, replicas=1)
    graph = app.resolve().graph
    plain, cluster = (graph[f"Databases.Redis/{name}:cache"].properties for name in ("cache", "shards"))  # type: ignore[index]
    assert (plain["NumCacheClusters"], plain["AutomaticFailoverEnabled"], plain["MultiAZEnabled"]) == (3, True, True)
    assert (cluster["NumNodeGroups"], cluster["ReplicasPerNodeGroup"]) == (2, 1)
    assert cluster["CacheParameterGroupName"] == "default.valkey8.cluster.on"
    assert "NumCacheClusters" not in cluster


@pytest.mark.parametrize(
    ("properties", "code", "words"),
    [
        ({"version": "6.2"}, "bad-version", "Valkey 6.2"),
        ({"shards": 3}, "conflicting-arguments", "`shards` without cluster mode"),
    ],
)
def test_what_elasticache_does_not_have_is_refused(
    app: Builder, properties: dict[str, Any], code: str, words: str
) -> None:
    (found,) = [item for item in app.add("redis", "cache", **properties).problems() if item.code == code]
    assert words in found.message


def test_ids_of_cache_users_fit_and_differ_by_environment_and_owner(app: Builder) -> None:
    app.add("redis", "A_very_long_name_of_a_cache_that_goes_on_and_on").add("function", "work").add("function", "Work")
    for name in ("work", "Work"):
        app.says(name, "reads_from", "A_very_long_name_of_a_cache_that_goes_on_and_on")
    users = [item.properties for item in app.resolve().graph if item.type == "AWS::ElastiCache::User"]
    identifiers = [item["UserId"] for item in users]
    assert len(set(identifiers)) == 3
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{0,39}", item) and "--" not in item for item in identifiers)
