"""Drift: what other hands changed is found, named at the user's line, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import Databases, Messaging, Storage

klotho.Application("shop")
visits = Databases.KeyValue(name="visits", key="page")
jobs = Messaging.Queue(name="jobs")
files = Storage.Bucket(name="files")
token = klotho.Secret(name="token")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        found.write({"klotho.yaml": settings(), "infra.py": PROGRAM})
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
