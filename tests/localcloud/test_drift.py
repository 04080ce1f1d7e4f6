"""Drift: what other hands changed is found, named at the user's line, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import Compute, Databases, Messaging, Storage

klotho.Application("shop")
visits = Databases.KeyValue(name="visits", key="page")
jobs = Messaging.Queue(name="jobs")
files = Storage.Bucket(name="files")
token = klotho.Secret(name="token")
news = Messaging.Topic(name="news")
jobs.subscribes_to(news)
hello = Compute.Function(name="hello", handler="hello.handler", memory=256, environment={"LEVEL": "info"})
"""
HELLO = "import os\n\ndef handler(event, context):\n    return os.environ['LEVEL']\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        found.write({"klotho.yaml": settings(), "infra.py": PROGRAM, "hello.py": HELLO})
        found.json("up", "--env", "prod", "--yes")
        yield found


def test_what_nobody_touched_is_in_sync(aws: Account) -> None:
    report = aws.json("drift", "--env", "prod")
    assert report["drifted"] is False
    assert all(stack["checked"] > 0 for stack in report["stacks"]), report
    done = aws.klotho("drift", "--fail", "--env", "prod")
    assert (done.returncode, "is as it was deployed" in done.stderr) == (0, True)


def test_changes_behind_the_deployers_back_are_shown_at_the_users_line(aws: Account) -> None:
    tables, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    (table,) = tables.list_tables()["TableNames"]
    (secret,) = secrets.list_secrets()["SecretList"]
    throughput = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 7}
    tables.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    secrets.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)

    done = aws.klotho("drift", "--fail", "--env", "prod")
    assert done.returncode == 11
    assert "AWS::DynamoDB::Table" in done.stdout and "visits (infra.py:6)" in done.stdout
    assert "BillingMode: PAY_PER_REQUEST → PROVISIONED" in done.stdout
    assert "token (infra.py:9)  is gone" in done.stdout
    found = {item["type"]: item for item in resources(aws)}
    assert set(found) == {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"}
    assert found["AWS::DynamoDB::Table"]["change"] == "modified"
    assert found["AWS::SecretsManager::Secret"]["change"] == "deleted"

    tables.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")
    assert [item["type"] for item in resources(aws)] == ["AWS::SecretsManager::Secret"]


def test_a_function_s_configuration_and_a_topic_s_subscriber_drift_too(aws: Account) -> None:
    before = {item["type"] for item in resources(aws)}
    functions, topics = aws.client("lambda"), aws.client("sns")
    name = next(
        item["FunctionName"] for item in functions.list_functions()["Functions"] if "hello" in item["FunctionName"]
    )
    own = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = {"Variables": {**own, "LEVEL": "debug"}}
    functions.update_function_configuration(FunctionName=name, MemorySize=512, Environment=changed)
    assert json.loads(functions.invoke(FunctionName=name)["Payload"].read()) == "debug"
    (subscription,) = topics.list_subscriptions()["Subscriptions"]
    arn = subscription["SubscriptionArn"]
    raw = topics.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["RawMessageDelivery"]
    other = "false" if raw == "true" else "true"
    topics.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue=other)

    found = {item["type"]: item for item in resources(aws) if item["type"] not in before}
    assert set(found) == {"AWS::Lambda::Function", "AWS::SNS::Subscription"}
    shown = aws.klotho("drift", "--env", "prod").stdout
    assert "hello (infra.py:12)" in shown and "MemorySize: 256 → 512" in shown
    assert "Environment.Variables.LEVEL: info → debug" in shown
    topics.unsubscribe(SubscriptionArn=arn)
    assert {item["type"]: item["change"] for item in resources(aws)}["AWS::SNS::Subscription"] == "deleted"


def test_what_a_function_s_configuration_can_t_be_is_refused(aws: Account) -> None:
    functions = aws.client("lambda")
    name = functions.list_functions()["Functions"][0]["FunctionName"]
    with pytest.raises(ClientError, match="AWS_REGION"):
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"AWS_REGION": "x"}})
    with pytest.raises(ClientError, match="UpdateFunctionConfiguration with Runtime"):
        functions.update_function_configuration(FunctionName=name, Runtime="python3.12")


def test_the_api_tells_what_it_expected_and_what_is_there(aws: Account) -> None:
    tables, cloudformation = aws.client("dynamodb"), aws.client("cloudformation")
    (table,) = tables.list_tables()["TableNames"]
    arn = tables.describe_table(TableName=table)["Table"]["TableArn"]
    tables.tag_resource(ResourceArn=arn, Tags=[{"Key": "made-by", "Value": "hand"}])
    stack = next(name for name in aws.stacks() if "visits" in name)
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    drifts = cloudformation.describe_stack_resource_drifts(StackName=stack)["StackResourceDrifts"]
    (found,) = [item for item in drifts if item["ResourceType"] == "AWS::DynamoDB::Table"]
    assert json.loads(found["ExpectedProperties"])["BillingMode"] == "PAY_PER_REQUEST"
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["DriftInformation"]
    assert described["StackDriftStatus"] == status["StackDriftStatus"]
    # Properties the template does not set are not compared; tags count where it sets some.
    expects_tags = "Tags" in json.loads(found["ExpectedProperties"])
    assert (found["StackResourceDriftStatus"] == "MODIFIED") is expects_tags


def resources(aws: Account) -> list[dict[str, Any]]:
    return [item for stack in aws.json("drift", "--env", "prod")["stacks"] for item in stack["resources"]]
