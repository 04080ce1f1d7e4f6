"""What secrets and schedules become."""

from __future__ import annotations

import json

from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.tables import table
from klotho.resources import Ref, ResourceKey
from tests.unit.engine.conftest import Builder


def test_a_secret_is_made_empty_and_kept(app: Builder) -> None:
    bundle = app.add("secret", "stripe_key").bundle()
    template = json.loads(next(body for name, body in bundle.files.items() if "stripe" in name))
    (secret,) = template["Resources"].values()
    assert secret["Type"] == "AWS::SecretsManager::Secret"
    assert not {"SecretString", "GenerateSecretString", "Name"} & secret["Properties"].keys()
    assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert [item.name for item in bundle.manifest.outputs] == ["stripe_key.arn"]


def test_who_uses_a_secret_may_read_exactly_it_and_holds_its_arn(app: Builder) -> None:
    graph = app.add("function", "work").add("secret", "stripe_key").says("work", "uses", "stripe_key").resolve().graph
    arn = Ref("Secret/stripe_key:secret", "Id")  # type: ignore[arg-type]
    policy = graph["Compute.Function/work:function-role-policy"].properties["PolicyDocument"]  # type: ignore[index]
    (statement,) = [item for item in policy["Statement"] if item["Sid"] == "ReadSecretStripeKey"]
    assert (statement["Action"], statement["Resource"]) == (sorted(table("iam")["secretsmanager"]["read"]), [arn])
    variables = graph["Compute.Function/work:function"].properties["Environment"]["Variables"]  # type: ignore[index]
    assert arn in variables["KLOTHO_SECRET_STRIPE_KEY"].pieces


def test_a_function_in_the_network_gets_a_way_to_its_secret(app: Builder) -> None:
    app.add("function", "work").add("postgres", "db").add("secret", "key")
    app.says("work", "reads_from", "db").says("work", "uses", "key")
    endpoints = [item for item in app.resolve().graph if item.type == "AWS::EC2::VPCEndpoint"]
    assert any("secretsmanager" in str(item.properties["ServiceName"]) for item in endpoints)


def test_a_container_can_use_a_secret_too(app: Builder) -> None:
    graph = app.add("container", "web").add("secret", "key").says("web", "uses", "key").resolve().graph
    sids = [
        item["Sid"]
        for resource in graph
        if resource.type == "AWS::IAM::RolePolicy"
        for item in resource.properties["PolicyDocument"]["Statement"]
    ]
    assert "ReadSecretKey" in sids


def test_a_secret_may_not_take_the_variable_of_an_option(app: Builder) -> None:
    assert app.add("secret", "ttl_seconds").codes() == ["name-reserved"]


def test_a_schedule_invokes_exactly_its_function(app: Builder) -> None:
    app.add("function", "work").add("schedule", "nightly", cron="0 3 * * ? *", timezone="Europe/Vienna")
    graph = app.says("work", "triggered_by", "nightly").resolve().graph
    function = Ref("Compute.Function/work:function", "Arn")  # type: ignore[arg-type]
    schedule = graph["Compute.Function/work:schedule-nightly"]  # type: ignore[index]
    assert schedule.properties["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert schedule.properties["ScheduleExpressionTimezone"] == "Europe/Vienna"
    assert schedule.properties["Target"]["Arn"] == function
    policy = graph["Compute.Function/work:schedule-nightly-role-policy"].properties["PolicyDocument"]  # type: ignore[index]
    failed = Ref("Compute.Function/work:failed-events", "Arn")  # type: ignore[arg-type]
    assert sorted((item["Action"], item["Resource"]) for item in policy["Statement"]) == [
        (["lambda:InvokeFunction"], [function]),
        (["sqs:SendMessage"], [failed]),
    ]
    assert schedule.properties["Target"]["DeadLetterConfig"] == {"Arn": failed}


def test_each_function_of_a_schedule_gets_one_in_its_own_stack(app: Builder) -> None:
    app.add("function", "work").add("function", "mail").add("schedule", "nightly", every="1 day")
    app.says("work", "triggered_by", "nightly").says("mail", "triggered_by", "nightly")
    files = {name: body.decode() for name, body in app.bundle().files.items() if name.endswith(".template.json")}
    assert sorted(name.split("/")[1] for name, body in files.items() if "AWS::Scheduler::Schedule" in body) == [
        "mail-function.template.json",
        "work-function.template.json",
    ]


def test_a_schedule_without_a_function_is_warned_of_and_bad_times_are_refused(app: Builder) -> None:
    assert app.add("schedule", "nightly", every="1 day").codes() == ["schedule-unused"]
    app.add("function", "work").add("schedule", "odd", cron="0 3 * * *").says("work", "triggered_by", "odd")
    assert "bad-schedule" in app.codes()


def test_a_schedule_tells_exactly_its_container_and_what_fails_is_kept_and_watched(app: Builder) -> None:
    app.policy = EnvironmentPolicy(alarms=True)
    app.add("container", "web").add("schedule", "nightly", every="1 day").says("web", "triggered_by", "nightly")
    graph = app.resolve().graph
    own, failed = (ResourceKey(f"Compute.Container/web:schedule-nightly-queue{end}") for end in ("", "-failed"))
    target = graph[ResourceKey("Compute.Container/web:schedule-nightly")].properties["Target"]
    assert (target["Arn"], target["DeadLetterConfig"]) == (Ref(own, "Arn"), {"Arn": Ref(failed, "Arn")})
    policy = graph[ResourceKey("Compute.Container/web:schedule-nightly-role-policy")].properties["PolicyDocument"]
    statements = [(item["Action"], item["Resource"]) for item in policy["Statement"]]
    assert (
        sorted(statements, key=repr)
        == [
            (["sqs:SendMessage"], [Ref(failed, "Arn")]),
            (["sqs:SendMessage"], [Ref(own, "Arn")]),
        ][:: -1 if repr(failed) > repr(own) else 1]
    )
    redrive = graph[own].properties["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": Ref(failed, "Arn"), "maxReceiveCount": 5}
    assert ResourceKey(f"{failed}-dead-letters-alarm") in graph
    assert ResourceKey(f"{failed}-waiting-alarm") not in graph


def test_a_container_that_is_triggered_by_a_table_is_told_the_way_around(app: Builder) -> None:
    app.add("container", "web").add("keyvalue", "items", key=[["id", "S"]]).says("web", "triggered_by", "items")
    (problem,) = app.problems()
    assert problem.code == "senseless-relationship"
    assert "`function.triggered_by(table)`, `function.sends_to(queue)`, `container.consumes(queue)`" in problem.helps[0]
