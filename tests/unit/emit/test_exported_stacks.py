"""Templates as other tools' exporters read them: references, order, names, and what no tool has a word for."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from klotho.emit.classic import unsayable
from klotho.emit.exported import (
    BaseUrl,
    Export,
    Of,
    Place,
    SecretEntry,
    Text,
    UnknownIntrinsicError,
    Zone,
    dynamic_in,
    exported,
)
from klotho.emit.imports import Deployed, Surroundings, identifiers
from klotho.emit.pulumi.folder import pulumi_files
from klotho.emit.terraform.folder import terraform_files
from klotho.stacks import Manifest, Origin, Stack


def export(resources: dict[str, Any], outputs: dict[str, Any] | None = None, *, protected: bool = False) -> Export:
    """Of one stack, `things`."""
    origins = {name: Origin("Things/a", "rule", "infra.py:7") for name in resources}
    stack = Stack(
        "things", "p--a--e--things", "things.template.json", "", {}, (), False, (), {"klotho:stack": "things"},
        protected=protected, origins=origins,
    )  # fmt: skip
    template = {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in (outputs or {}).items()}}
    manifest = Manifest("a", "p", "e", "eu-west-1", (stack,), (), ())
    return exported({"cloudformation/things.template.json": orjson.dumps(template)}, manifest)


def python(given: Export) -> str:
    return pulumi_files(given, language="python", single=False)["things/__main__.py"].decode()


def hcl(given: Export) -> str:
    return terraform_files(given, backend=None)["modules/things/main.tf"].decode()


def test_a_url_without_its_path_is_the_languages_own_word_for_it() -> None:
    def base(url: dict[str, Any]) -> dict[str, Any]:
        parts = {"Fn::Split": ["/", url]}
        return {"Fn::Join": ["//", [{"Fn::Select": [0, parts]}, {"Fn::Select": [2, parts]}]]}

    url = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE", "TargetFunctionArn": "f"}}
    name = {"Fn::Sub": ["at ${Base}/x", {"Base": base({"Fn::GetAtt": ["Url", "FunctionUrl"]})}]}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
    given = export({"Queue": queue, "Url": url})
    found = given.stacks[0].resources["Queue"].properties["QueueName"]
    assert found == Text(("at ", BaseUrl(Of("Url", "FunctionUrl")), "/x"))
    assert list(given.stacks[0].resources) == ["Url", "Queue"]
    assert 'pulumi.Output.from_input(url.function_url).apply(lambda it: it.rstrip("/"))' in python(given)
    typescript = pulumi_files(given, language="typescript", single=False)["things/index.ts"].decode()
    assert '`at ${pulumi.output(url.functionUrl).apply((it) => it.replace(/\\/$/, ""))}/x`' in typescript
    assert '"at ${trimsuffix(awscc_lambda_url.url.function_url, "/")}/x"' in hcl(given)


def test_another_join_has_no_word() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}}}
    with pytest.raises(UnknownIntrinsicError, match="Fn::Join"):
        export({"Queue": queue})


def test_intrinsic_functions_become_values_with_names() -> None:
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": {"Fn::Sub": "a-${AWS::Region}-${Topic.TopicName}-${!kept}"}},
    }
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"AvailabilityZone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]}}}
    found = export({"Queue": queue, "Topic": {"Type": "AWS::SNS::Topic"}, "Subnet": subnet}).stacks[0].resources
    name = found["Queue"].properties["QueueName"]
    assert name == Text(("a-", Place("Region"), "-", Of("Topic", "TopicName"), "-${kept}"))
    assert found["Subnet"].properties["AvailabilityZone"] == Zone(1)
    assert list(found).index("Topic") < list(found).index("Queue")


def test_an_unknown_intrinsic_function_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownIntrinsicError, match="Fn::ImportValue"):
        export({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::ImportValue": "x"}}}})


def test_names_of_the_user_s_data_stay_and_names_of_aws_s_change() -> None:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"MemorySize": "256", "Environment": {"Variables": {"MyName": "1", "other-name": "${x}"}}},
    }
    given = export({"Function": function})
    assert 'environment={"variables": {"MyName": "1", "other-name": "${x}"}}' in python(given)
    assert "memory_size=256" in python(given)  # a number, as AWS publishes it
    assert 'MyName       = "1"' in hcl(given).replace("variables = { ", "") or 'MyName = "1"' in hcl(given)
    assert '"$${x}"' in hcl(given)  # text, and no expression of Terraform's


def test_each_resource_says_whose_it_is_and_from_which_line() -> None:
    given = export({"Queue": {"Type": "AWS::SQS::Queue"}})
    assert "# Things/a, infra.py:7 (rule)\nqueue = aws_native.sqs.Queue(" in python(given)
    assert '# Things/a, infra.py:7 (rule)\nresource "awscc_sqs_queue" "queue"' in hcl(given)


def test_what_holds_data_is_kept_and_protected() -> None:
    table = {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "RetainExceptOnCreate"}
    given = export({"Table": table, "Queue": {"Type": "AWS::SQS::Queue"}}, protected=True)
    assert python(given).count("protect=True, retain_on_delete=True") == 1
    assert hcl(given).count("prevent_destroy = true") == 1


def test_logical_ids_that_differ_by_case_alone_get_names_of_their_own() -> None:
    queues = {name: {"Type": "AWS::SQS::Queue"} for name in ("ApiQueue", "APIQueue", "Pulumi")}
    given = export(queues, {name: {"Ref": name} for name in queues})
    text = python(given)
    assert all(f"{name} = aws_native" in text for name in ("api_queue", "api_queue_x", "pulumi_x"))
    assert all(f'"{name}"' in hcl(given) for name in ("api_queue", "api_queue_x", "pulumi"))


def test_a_queue_policy_goes_to_the_classic_providers() -> None:
    policy = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": []}},
    }
    given = export({"Queue": {"Type": "AWS::SQS::Queue"}, "Policy": policy})
    assert 'aws.sqs.QueuePolicy(\n    "policy",\n    queue_url=queue.id,' in python(given) or (
        'aws.sqs.QueuePolicy("policy", queue_url=queue.id' in python(given)
    )
    assert 'resource "aws_sqs_queue_policy" "policy"' in hcl(given)


def test_a_type_without_a_word_is_found() -> None:
    given = export({"Thing": {"Type": "AWS::New::Thing"}, "Queue": {"Type": "AWS::SQS::Queue"}})
    assert [item.type for _, item in unsayable(given)] == ["AWS::New::Thing"]


def login(said: Any) -> Export:
    """A user of a cache whose password is said so, and the secret it is in."""
    user = {"AuthenticationMode": {"Type": "password", "Passwords": [said]}, "UserName": "web"}
    return export(
        {
            "Login": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}},
            "User": {"Type": "AWS::ElastiCache::User", "Properties": user},
        }
    )


def test_an_entry_of_a_secret_is_read_at_deploy_and_stays_secret() -> None:
    given = login({"Fn::Sub": "{{resolve:secretsmanager:${Login.Id}:SecretString:password}}"})
    (password,) = given.stacks[0].resources["User"].properties["AuthenticationMode"]["Passwords"]
    assert password == SecretEntry(Of("Login", "Id"), "password")
    assert 'secret_entry(login.id, "password")' in python(given)
    assert "return pulumi.Output.secret(version.secret_string.apply(" in python(given)
    assert "pulumi-aws>=" in pulumi_files(given, language="python", single=False)["things/requirements.txt"].decode()
    typescript = pulumi_files(given, language="typescript", single=False)["things/index.ts"].decode()
    assert 'secretEntry(login.id, "password")' in typescript and "return pulumi.secret(" in typescript
    text = hcl(given)
    assert (
        'data "aws_secretsmanager_secret_version" "login" {\n  secret_id = awscc_secretsmanager_secret.login.id' in text
    )
    assert 'jsondecode(data.aws_secretsmanager_secret_version.login.secret_string)["password"]' in text


def test_an_entry_of_a_secret_that_is_there_already_is_read_by_its_arn() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hot-a1B2c3"
    given = login(f"{{{{resolve:secretsmanager:{arn}:SecretString:key}}}}")
    assert f'secret_entry("{arn}", "key")' in python(given)
    assert f'data "aws_secretsmanager_secret_version" "secret_1" {{\n  secret_id = "{arn}"' in hcl(given)


@pytest.mark.parametrize(
    "said",
    [
        "{{resolve:ssm:name}}",
        "{{resolve:secretsmanager:hot}}",
        "{{resolve:secretsmanager:hot:SecretString:key:AWSPREVIOUS}}",
        "redis://{{resolve:secretsmanager:hot:SecretString:key}}@cache",
    ],
)
def test_what_cloudformation_alone_puts_in_is_found(said: str) -> None:
    given = login(said)
    assert [list(dynamic_in(item.properties)) for _, item in given.resources()] == [[], [said]]


def test_identifiers_of_several_parts_are_put_together_from_what_is_deployed() -> None:
    reference = {"Ref": "Api"}
    given = export(
        {
            "Api": {"Type": "AWS::ApiGatewayV2::Api"},
            "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": reference, "RouteKey": "GET /"}},
            "Rule": {"Type": "AWS::Events::Rule"},
            "Address": {"Type": "AWS::EC2::EIP"},
            "Way": {
                "Type": "AWS::EC2::Route",
                "Properties": {
                    "RouteTableId": {"Fn::GetAtt": ["Table", "RouteTableId"]},
                    "DestinationCidrBlock": "0.0.0.0/0",
                },
            },
            "Table": {"Type": "AWS::EC2::RouteTable"},
            "Invoke": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {"FunctionName": {"Fn::GetAtt": ["Function", "Arn"]}},
            },
            "Function": {"Type": "AWS::Lambda::Function"},
            "Role": {"Type": "Custom::SqlRole", "Properties": {"ServiceToken": "arn"}},
        }
    )
    physical = {
        "Api": "api1", "Route": "route1", "Rule": "nightly", "Address": "192.0.2.1", "Way": "rtb-1|0.0.0.0/0",
        "Table": "rtb-1", "Invoke": "statement1", "Function": "fn", "Role": "web@db",
    }  # fmt: skip
    facts = {"Partition": "aws", "Region": "eu-west-1", "AccountId": "1"}
    place = Surroundings(facts, {"192.0.2.1": "eipalloc-1"}.get)
    found = identifiers(given, {"things": Deployed(physical, {})}, place)
    assert found.unknown == () and found.invoked == ("Role",)
    assert found.known == {
        "Api": "api1",
        "Route": "api1|route1",
        "Rule": "arn:aws:events:eu-west-1:1:rule/nightly",
        "Address": "192.0.2.1|eipalloc-1",
        "Way": "rtb-1|0.0.0.0/0",
        "Table": "rtb-1",
        "Invoke": "fn|statement1",
        "Function": "fn",
    }
    nowhere = identifiers(given, {"things": Deployed(physical, {})}, Surroundings(facts))
    assert nowhere.unknown == ("Address",)
