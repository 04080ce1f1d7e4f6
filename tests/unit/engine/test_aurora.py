"""Aurora: what a cluster is made of, what its instances are not told, and what Aurora does not offer."""

from __future__ import annotations

import json

import pytest

from klotho.catalogue.policy import EnvironmentPolicy
from klotho.deploy.differences import holds_data
from klotho.emit import Bundle
from klotho.resources import Ref, ResourceKey
from tests.unit.engine.conftest import Builder

CLUSTER = ResourceKey("Databases.Postgres/db:database-cluster")
WRITER = ResourceKey("Databases.Postgres/db:database-writer")
READER = ResourceKey("Databases.Postgres/db:database-reader-1")


def used(app: Builder, name: str, kind: str = "postgres", **more: object) -> Builder:
    return app.add(kind, "db").directive("db", "use", name, **more)


def resources(bundle: Bundle) -> dict[str, dict[str, object]]:
    templates = [json.loads(text) for name, text in bundle.files.items() if name.endswith(".template.json")]
    return {name: item for template in templates for name, item in template["Resources"].items()}


def test_a_serverless_database_pauses_and_grows_as_it_is_told(app: Builder) -> None:
    graph = used(app, "aurora-serverless", max_acu=8).resolve().graph
    scaling = {"MinCapacity": 0, "MaxCapacity": 8, "SecondsUntilAutoPause": 300}
    assert graph[CLUSTER].properties["ServerlessV2ScalingConfiguration"] == scaling
    assert graph[WRITER].properties["DBInstanceClass"] == "db.serverless"
    awake = Builder(app.root).add("postgres", "db").directive("db", "use", "aurora-serverless", min_acu=0.5)
    assert awake.resolve().graph[CLUSTER].properties["ServerlessV2ScalingConfiguration"] == {
        "MinCapacity": 0.5, "MaxCapacity": 4,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_an_instance_of_a_cluster_is_told_nothing_that_is_the_cluster_s(app: Builder, kind: str) -> None:
    app.policy = EnvironmentPolicy(protect=True)
    graph = used(app, "aurora", kind).resolve().graph
    (cluster,) = (item for item in graph if item.type == "AWS::RDS::DBCluster")
    (writer,) = (item for item in graph if item.type == "AWS::RDS::DBInstance")
    assert cluster.properties["DeletionProtection"] is True and cluster.properties["BackupRetentionPeriod"] == 31
    assert cluster.properties["CopyTagsToSnapshot"] is True and cluster.properties["StorageEncrypted"] is True
    assert set(writer.properties) == {
        "AutoMinorVersionUpgrade", "DBClusterIdentifier", "DBInstanceClass", "Engine", "PubliclyAccessible", "Tags",
    }  # fmt: skip
    (group,) = (item for item in graph if item.type == "AWS::RDS::DBClusterParameterGroup")
    assert list(group.properties["Parameters"]) in (["rds.force_ssl"], ["require_secure_transport"])


def test_the_cluster_leaves_a_snapshot_and_its_instances_nothing(app: Builder) -> None:
    made = resources(used(app, "aurora").bundle())
    cluster, writer = made["DbDatabaseCluster"], made["DbDatabaseWriter"]
    assert (cluster["DeletionPolicy"], cluster["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert holds_data(cluster) and not holds_data(writer)


def test_availability_brings_a_reader_that_waits_for_the_writer(app: Builder) -> None:
    graph = used(app, "aurora-serverless").requires("db", "availability", 99.95).resolve().graph
    assert graph[READER].properties["DBInstanceClass"] == "db.serverless"
    assert graph[READER].properties["PromotionTier"] == 1
    assert WRITER in graph[READER].depends_on
    assert READER not in used(Builder(app.root), "aurora").resolve().graph


def test_a_login_role_is_made_once_there_is_an_instance_to_make_it_in(app: Builder) -> None:
    graph = used(app, "aurora").add("function", "work").says("work", "reads_from", "db").resolve().graph
    role = next(item for item in graph if item.type == "Custom::SqlRole")
    assert role.properties["Host"] == Ref(CLUSTER, "Endpoint.Address")
    assert role.properties["Master"] == Ref(CLUSTER, "MasterUserSecret.SecretArn")
    assert WRITER in role.depends_on


def test_only_a_serverless_cluster_is_watched_for_its_capacity(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True)
    watched = [item.key for item in used(app, "aurora-serverless").resolve().graph if "alarm" in item.key]
    assert "Databases.Postgres/db:database-cluster-capacity-alarm" in watched
    assert "Databases.Postgres/db:database-writer-cpu-alarm" in watched
    assert "Databases.Postgres/db:database-writer-storage-alarm" not in watched, "Aurora has no disk that fills"


@pytest.mark.parametrize(
    ("name", "properties", "told", "code", "words"),
    [
        ("aurora", {"instance": "db.t4g.micro"}, {}, "bad-size", "`db.t4g.micro`, which Aurora does not offer"),
        ("aurora", {"version": "12"}, {}, "bad-version", "version 12, which Aurora does not offer"),
        ("aurora", {"storage_gb": 50}, {}, "conflicting-arguments", "it grows by itself"),
        ("aurora", {"backup_days": 0}, {}, "bad-size", "for a day at least"),
        ("aurora", {}, {"readers": 16}, "bad-size", "readers=16, Aurora takes 0 to 15"),
        ("aurora-serverless", {"instance": "db.r7g.large"}, {}, "conflicting-arguments", "a capacity instead"),
        ("aurora-serverless", {}, {"max_acu": 0.3}, "bad-size", "max_acu=0.3, Aurora takes 1 to 256"),
        ("aurora-serverless", {}, {"pause_after_s": 60}, "bad-size", "pause_after_s=60, Aurora takes 300 to 86400"),
        ("aurora-serverless", {}, {"min_acu": 8}, "bad-size", "at least 8 and at most 4 ACU"),
    ],
)
def test_what_aurora_does_not_offer_is_refused(
    app: Builder, name: str, properties: dict[str, object], told: dict[str, object], code: str, words: str
) -> None:
    problems = app.add("postgres", "db", **properties).directive("db", "use", name, **told).problems()
    assert [problem.code for problem in problems] == [code]
    assert words in problems[0].message


def test_a_database_always_runs_unless_somebody_says_that_it_need_not(app: Builder) -> None:
    def chosen(builder: Builder) -> str:
        return builder.resolve().setting.implementation(builder.application().constructs[0]).name

    assert chosen(app.add("postgres", "db")) == "rds"
    small = Builder(app.root).add("postgres", "db", instance="db.t4g.micro", storage_gb=20)
    assert chosen(small.requires("db", "always_on", False)) == "rds", "neither Aurora has such an instance"


def test_encryption_by_hardware_takes_larger_instances_and_no_serverless_ones(app: Builder) -> None:
    graph = used(app, "aurora").requires("db", "encrypted_in_transit", True).resolve().graph
    assert graph[WRITER].properties["DBInstanceClass"] == "db.r7g.large"
    (problem,) = used(Builder(app.root), "aurora-serverless").requires("db", "encrypted_in_transit", True).problems()
    assert problem.code == "requirement-contradicted" and "is serverless" in problem.message
