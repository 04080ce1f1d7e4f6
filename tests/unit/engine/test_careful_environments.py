"""What a protected environment insists on, and the alarms of one that has them."""

from __future__ import annotations

import json

import pytest

from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.tables import table
from klotho.resources import Ref
from tests.unit.engine.conftest import Builder

ALARM = "AWS::CloudWatch::Alarm"


def everything(app: Builder) -> Builder:
    app.add("api", "door").add("container", "web").add("function", "work").add("postgres", "db").add("mysql", "other")
    app.add("queue", "dead").add("queue", "jobs", dead_letter="dead").add("topic", "news").add("keyvalue", "things")
    return app.says("web", "reads_from", "db").says("door", "attach_service", "web", route="/")


def test_protection_is_set_on_what_holds_data_and_backups_are_kept_longer(app: Builder) -> None:
    app.policy = EnvironmentPolicy(protect=True)
    graph = everything(app).resolve().graph
    database, table_ = graph["Databases.Postgres/db:database"], graph["Databases.KeyValue/things:table"]
    assert database.properties["DeletionProtection"] is True
    assert database.properties["BackupRetentionPeriod"] == 31
    assert table_.properties["DeletionProtectionEnabled"] is True
    assert graph["Compute.Function/work:function-logs"].properties["RetentionInDays"] == 365
    assert database.decisions["DeletionProtection",].winner.because == "the environment local is protected"


def test_an_environment_nobody_protects_has_neither(app: Builder) -> None:
    graph = everything(app).resolve().graph
    assert graph["Databases.Postgres/db:database"].properties["DeletionProtection"] is False
    assert "DeletionProtectionEnabled" not in graph["Databases.KeyValue/things:table"].properties
    assert graph["Compute.Function/work:function-logs"].properties["RetentionInDays"] == 30
    assert not [resource for resource in graph if resource.type == ALARM]


def test_more_backups_than_protection_wants_stay(app: Builder) -> None:
    app.policy = EnvironmentPolicy(protect=True)
    graph = app.add("postgres", "db", backup_days=35).resolve().graph
    assert graph["Databases.Postgres/db:database"].properties["BackupRetentionPeriod"] == 35


def test_what_the_program_says_against_protection_has_no_effect_and_is_reported(app: Builder) -> None:
    app.policy = EnvironmentPolicy(protect=True)
    app.add("postgres", "db", protect=False)
    app.directive("db", "override", "AWS::RDS::DBInstance", DeletionProtection=False, BackupRetentionPeriod=1)
    problems = app.problems()
    assert {problem.code for problem in problems} == {"protected-anyway"}
    assert sorted(problem.message.split(" of ")[0] for problem in problems) == [
        "`BackupRetentionPeriod: 1`", "`DeletionProtection: False`", "`protect=False`",
    ]  # fmt: skip
    graph = app.resolve().graph
    assert graph["Databases.Postgres/db:database"].properties["BackupRetentionPeriod"] == 31


def test_stacks_with_data_are_protected_and_others_are_not(app: Builder) -> None:
    app.policy = EnvironmentPolicy(protect=True)
    everything(app)
    stacks = {stack.name: stack.protected for stack in app.bundle().manifest.stacks}
    assert stacks["db-postgres"] and stacks["things-keyvalue"]
    assert not stacks["web-container"] and not stacks["shared"]


def test_alarms_watch_everything_in_the_stack_it_lives_in(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True, alarm_emails=("a@example.com", "b@example.com"))
    graph = everything(app).resolve().graph
    names = {resource.key for resource in graph if resource.type == ALARM}
    assert {
        "API/door:api-server-errors-alarm", "API/door:api-latency-alarm",
        "Compute.Container/web:service-missing-tasks-alarm", "Compute.Container/web:service-cpu-alarm",
        "Compute.Function/work:function-errors-alarm", "Compute.Function/work:function-throttles-alarm",
        "Databases.Postgres/db:database-storage-alarm", "Databases.MySQL/other:database-connections-alarm",
        "Databases.KeyValue/things:table-write-throttles-alarm", "Databases.KeyValue/things:table-system-errors-alarm",
        "Messaging.Queue/dead:queue-dead-letters-alarm", "Messaging.Queue/jobs:queue-waiting-alarm",
        "Messaging.Topic/news:topic-undelivered-alarm",
    } <= names  # fmt: skip
    assert "Messaging.Queue/dead:queue-waiting-alarm" not in names
    assert "application:alarms-undelivered-alarm" not in names
    for name in names:
        alarm = graph[name].properties
        assert alarm["AlarmActions"] == alarm["OKActions"] == [Ref("application:alarms")], name
    mails = [resource.properties["Endpoint"] for resource in graph if resource.type == "AWS::SNS::Subscription"]
    assert mails == ["a@example.com", "b@example.com"]


def test_thresholds_follow_the_size_of_what_is_watched(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True)
    app.add("postgres", "small").add("postgres", "large", storage_gb=100, instance="db.r7g.xlarge")
    app.add("postgres", "odd", instance="db.x9z.huge")
    graph = app.resolve().graph

    def threshold(name: str, alarm: str) -> float:
        return float(graph[f"Databases.Postgres/{name}:database-{alarm}-alarm"].properties["Threshold"])

    assert threshold("small", "storage") == 2 * 1024**3
    assert threshold("large", "storage") == 10 * 1024**3
    assert threshold("small", "connections") == 59
    assert threshold("large", "connections") == 1893
    assert threshold("odd", "connections") == 700


def test_the_metrics_of_an_expression_are_named_in_it(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True)
    graph = everything(app).resolve().graph
    missing = graph["Compute.Container/web:service-missing-tasks-alarm"].properties["Metrics"]
    assert [item["Id"] for item in missing] == ["desired", "running", "total"]
    assert missing[2]["Expression"] == "desired - running"
    dimensions = missing[0]["MetricStat"]["Metric"]["Dimensions"]
    assert dimensions == [
        {"Name": "ClusterName", "Value": Ref("shared:cluster")},
        {"Name": "ServiceName", "Value": Ref("Compute.Container/web:service", "Name")},
    ]


def test_nothing_to_watch_makes_no_topic(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True, alarm_emails=("a@example.com",))
    assert not [resource.key for resource in app.add("secret", "key").resolve().graph if "alarms" in resource.key]


def test_alarms_make_no_stack_wait_in_a_circle(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True)
    calm = {stack.name for stack in everything(Builder(app.root)).bundle().manifest.stacks}
    watched = {stack.name for stack in everything(app).bundle().manifest.stacks}
    assert watched == calm | {"shared"}


@pytest.mark.parametrize("type_name", [name for name in table("alarms") if name.startswith("AWS::")])
def test_every_entry_of_the_table_can_be_read(type_name: str) -> None:
    known = {"name", "about", "metric", "metrics", "each", "expression", "namespace", "dimensions", "statistic",
             "period", "for", "of", "threshold", "below", "percent_of", "factor", "missing", "if_set",
             "if_unset"}  # fmt: skip
    for entry in table("alarms")[type_name]:
        assert set(entry) <= known, json.dumps(entry)
        assert ("metric" in entry) is not ("expression" in entry)
        assert entry.get("for", 1) <= entry.get("of", 1)
