"""The real supervisor with all its parts: a stack made with boto3 is called, killed, brought back and deleted."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from klotho.localcloud import connect

pytestmark = pytest.mark.localcloud

BUCKET = "klotho-assets-000000000000-eu-west-1"
SOURCE = """
import json, os
def handler(event, context):
    print("called", event.get("rawPath"))
    body = {"path": event.get("rawPath"), "table": os.environ["TABLE"], "key": os.environ["AWS_ACCESS_KEY_ID"]}
    return {"statusCode": 200, "body": json.dumps(body)}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def template() -> dict[str, Any]:
    api = {"ApiId": ref("Api")}
    target = {"Fn::Join": ["/", ["integrations", ref("Integration")]]}
    resources = {
        "Secret": resource("SecretsManager::Secret", GenerateSecretString={"PasswordLength": 20}),
        "Table": resource(
            "DynamoDB::Table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ),
        "Role": resource("IAM::Role", AssumeRolePolicyDocument=TRUST),
        "Function": resource(
            "Lambda::Function",
            Runtime="python3.12",
            Handler="app.handler",
            Role={"Fn::GetAtt": ["Role", "Arn"]},
            Code={"S3Bucket": BUCKET, "S3Key": "function.zip"},
            Environment={"Variables": {"TABLE": ref("Table")}},
        ),
        "Api": resource("ApiGatewayV2::Api", Name="shop-api", ProtocolType="HTTP"),
        "Integration": resource(
            "ApiGatewayV2::Integration",
            **api,
            IntegrationType="AWS_PROXY",
            PayloadFormatVersion="2.0",
            IntegrationUri={"Fn::GetAtt": ["Function", "Arn"]},
        ),
        "Route": resource("ApiGatewayV2::Route", **api, RouteKey="GET /orders/{id}", Target=target),
        "Stage": resource("ApiGatewayV2::Stage", **api, StageName="$default", AutoDeploy=True),
        "Permission": resource(
            "Lambda::Permission",
            Action="lambda:InvokeFunction",
            FunctionName=ref("Function"),
            Principal="apigateway.amazonaws.com",
        ),
        "Database": resource(
            "RDS::DBInstance",
            Engine="postgres",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage="20",
            MasterUsername="app",
            ManageMasterUserPassword=True,
            DBName="shop",
        ),
    }
    outputs = {
        "Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}},
        "Table": {"Value": ref("Table")},
        "Function": {"Value": ref("Function")},
        "Port": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Port"]}},
        "DatabaseSecret": {"Value": {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]}},
    }
    return {"Resources": resources, "Outputs": outputs}


class Shop:
    """One stack in one local cloud, through the wire only."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.state = connect.state_folder(project, "whole")
        self.connection = self.up()

    def up(self) -> connect.Connection:
        self.connection = connect.start(self.project, "whole", "eu-west-1")
        return self.connection

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.connection.endpoint_url,
            region_name=self.connection.region,
            aws_access_key_id=self.connection.access_key,
            aws_secret_access_key=self.connection.secret_key,
        )

    def upload(self) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("app.py", SOURCE)
        self.client("s3").put_object(Bucket=BUCKET, Key="function.zip", Body=archive.getvalue())

    def deploy(self, document: dict[str, Any]) -> dict[str, str]:
        cloudformation = self.client("cloudformation")
        known = [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]
        act = cloudformation.update_stack if "shop" in known else cloudformation.create_stack
        tags = [{"Key": "klotho:application", "Value": "shop"}]
        act(StackName="shop", TemplateBody=json.dumps(document), Capabilities=["CAPABILITY_IAM"], Tags=tags)
        stack = self.settled("shop")
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), self.reasons()
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def settled(self, stack: str) -> Any:
        cloudformation = self.client("cloudformation")
        deadline = time.monotonic() + 30
        while True:
            found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return found
            assert time.monotonic() < deadline, self.reasons()
            time.sleep(0.02)

    def reasons(self) -> list[str]:
        events = self.client("cloudformation").describe_stack_events(StackName="shop")["StackEvents"]
        told = [f"{e['LogicalResourceId']} {e['ResourceStatus']} {e.get('ResourceStatusReason', '')}" for e in events]
        return [line for line in told if "FAILED" in line] or told


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    # Ports follow from the project's name: a name of its own keeps runs beside each other apart.
    found = Shop(f"shop-{uuid.uuid4().hex[:8]}")
    yield found
    connect.stop_any(found.state)


def call(url: str) -> dict[str, str]:
    with urllib.request.urlopen(url, timeout=20) as response:
        answer: dict[str, str] = json.loads(response.read())
        return answer


def sql(shop: Shop, outputs: dict[str, str], *statements: str) -> Any:
    import psycopg

    value = shop.client("secretsmanager").get_secret_value(SecretId=outputs["DatabaseSecret"])["SecretString"]
    login = json.loads(value)
    with psycopg.connect(
        host="127.0.0.1", port=int(outputs["Port"]), user=login["username"], password=login["password"], dbname="shop"
    ) as connection:
        for statement in statements:
            found = connection.execute(statement.encode())
        return found.fetchall() if found.description else None


def test_a_stack_is_deployed_called_killed_brought_back_changed_and_deleted(shop: Shop) -> None:
    shop.upload()
    document = template()
    outputs = shop.deploy(document)

    # Called, by every way in.
    answer = call(outputs["Url"] + "/orders/7")
    assert (answer["path"], answer["table"]) == ("/orders/7", outputs["Table"])
    assert answer["key"] != shop.connection.access_key
    invoked = shop.client("lambda").invoke(FunctionName=outputs["Function"], Payload=b'{"rawPath": "/direct"}')
    assert json.loads(json.loads(invoked["Payload"].read())["body"])["path"] == "/direct"
    logged = shop.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{outputs['Function']}")["events"]
    assert "called /orders/7" in [event["message"] for event in logged]
    sql(shop, outputs, "create table kept (a int)", "insert into kept values (42)")
    shop.client("dynamodb").put_item(TableName=outputs["Table"], Item={"id": {"S": "kept"}})
    status = shop.connection.status()
    assert status["problems"] == []
    assert {unit["kind"] for unit in status["units"]} >= {"postgres", "function", "api"}

    # Killed without warning, brought back: the same addresses, the same data.
    os.kill(shop.connection.pid, signal.SIGKILL)
    shop.up()
    assert shop.connection.status()["problems"] == []
    assert call(outputs["Url"] + "/orders/8")["path"] == "/orders/8"
    assert sql(shop, outputs, "select a from kept") == [(42,)]
    assert "Item" in shop.client("dynamodb").get_item(TableName=outputs["Table"], Key={"id": {"S": "kept"}})

    # Changed.
    document["Resources"]["Route"]["Properties"]["RouteKey"] = "GET /orders/{id}/lines"
    document["Resources"]["Database"]["Properties"]["BackupRetentionPeriod"] = 3
    outputs = shop.deploy(document)
    assert call(outputs["Url"] + "/orders/9/lines")["path"] == "/orders/9/lines"
    assert sql(shop, outputs, "select a from kept") == [(42,)]

    # Stopped and started again, deleted: nothing runs any more.
    connect.stop(shop.connection)
    shop.up()
    assert call(outputs["Url"] + "/orders/9/lines")["path"] == "/orders/9/lines"
    stack_id = shop.settled("shop")["StackId"]
    shop.client("cloudformation").delete_stack(StackName="shop")
    assert shop.settled(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert [unit for unit in shop.connection.status()["units"] if unit["kind"] in ("postgres", "function", "api")] == []


def test_the_running_one_is_found_again_and_another_version_is_replaced(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.connection
    assert shop.up() == first
    said: list[str] = []
    monkeypatch.setattr(connect, "installed_version", lambda: "99.0")
    # The new one says the version that is really installed, so it is replaced again at the next start.
    second = connect.start(shop.project, "whole", "eu-west-1", said.append)
    assert (second.endpoint_url, second.pid != first.pid) == (first.endpoint_url, True)
    assert said == [f"restarting the local cloud (it runs Klotho {first.version})", "starting the local cloud"]


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15, 0.4])
def test_a_deployment_that_is_killed_halfway_is_carried_on(shop: Shop, delay: float) -> None:
    shop.upload()
    cloudformation = shop.client("cloudformation")
    document = json.dumps(template())
    cloudformation.create_stack(StackName="shop", TemplateBody=document, Capabilities=["CAPABILITY_IAM"])
    time.sleep(delay)
    os.kill(shop.connection.pid, signal.SIGKILL)
    shop.up()
    stack = shop.settled("shop")
    assert stack["StackStatus"] == "CREATE_COMPLETE", shop.reasons()
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert call(outputs["Url"] + "/orders/1")["path"] == "/orders/1"
    assert sql(shop, outputs, "select 1") == [(1,)]
    assert len(shop.client("secretsmanager").list_secrets()["SecretList"]) == 2
    assert len(shop.client("dynamodb").list_tables()["TableNames"]) == 1
    assert [unit["kind"] for unit in shop.connection.status()["units"]] == ["postgres", "function", "api"]


def test_two_starts_at_once_meet_in_one_supervisor(shop: Shop) -> None:
    connect.stop(shop.connection)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: connect.start(shop.project, "whole", "eu-west-1"), range(4)))
    assert len(set(found)) == 1
    assert found[0].status()["problems"] == []


def test_the_running_one_keeps_its_region(shop: Shop) -> None:
    with pytest.raises(connect.LocalCloudError, match="runs as region eu-west-1, not us-east-1"):
        connect.start(shop.project, "whole", "us-east-1")


def port_is_open(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def test_an_application_is_stopped_stays_stopped_and_comes_back_with_its_data_and_addresses(shop: Shop) -> None:
    shop.upload()
    document = template()
    outputs = shop.deploy(document)
    call(outputs["Url"] + "/orders/1")
    sql(shop, outputs, "create table kept (a int)", "insert into kept values (42)")
    units = shop.connection.status()["units"]
    assert {unit["application"] for unit in units} == {"shop"}
    assert shop.connection.pause("shop") == {"shop": "stopped"}
    assert shop.connection.status()["units"] == []
    assert not [address for address in (outputs["Url"], f":{outputs['Port']}") if port_is_open(address)]
    assert not [unit["pid"] for unit in units if unit["pid"] and Path(f"/proc/{unit['pid']}/cmdline").exists()]

    connect.stop(shop.connection)
    assert shop.up().status()["units"] == []
    # Another program takes the API's port meanwhile: the API waits for it, the rest is back.
    with socket.create_server(("127.0.0.1", int(outputs["Url"].rpartition(":")[2]))):
        connection = connect.start(shop.project, "whole", "eu-west-1", application="shop")
        (failed,) = [unit for unit in connection.status()["units"] if unit["state"] == "failed"]
        assert (failed["kind"], failed["address"]) == ("api", None)
        assert f"(pid {os.getpid()})" in failed["detail"]
    connection.resume("shop")
    assert call(outputs["Url"] + "/orders/2")["path"] == "/orders/2"
    assert sql(shop, outputs, "select a from kept") == [(42,)]
    assert connection.status()["problems"] == []

    # A deployment starts a stopped application again, and a stopped one can be deleted.
    connection.pause("shop")
    document["Resources"]["Route"]["Properties"]["RouteKey"] = "GET /orders/{id}/lines"
    shop.deploy(document)
    assert connection.applications() == {"shop": "running"}
    assert call(outputs["Url"] + "/orders/9/lines")["path"] == "/orders/9/lines"
    connection.pause("shop")
    shop.client("cloudformation").delete_stack(StackName="shop")
    while connection.applications():
        time.sleep(0.02)


def test_a_start_that_fails_says_why_and_what_helps(shop: Shop) -> None:
    connect.stop(shop.connection)
    with pytest.raises(connect.LocalCloudError) as failed:
        connect.start(shop.project, "whole", "us-east-1")
    assert "the data are of region eu-west-1, asked for us-east-1" in failed.value.reason
    assert (failed.value.code, failed.value.log_tail) == ("other-region", ())
    assert failed.value.helps[0] == "use region eu-west-1"


def test_one_that_hangs_is_named_when_it_is_asked_to_start(shop: Shop) -> None:
    os.kill(shop.connection.pid, signal.SIGSTOP)
    try:
        with pytest.raises(connect.LocalCloudError, match=rf"pid {shop.connection.pid}\) runs but does not answer"):
            connect.start(shop.project, "whole", "eu-west-1", timeout_s=4)
    finally:
        os.kill(shop.connection.pid, signal.SIGCONT)
    assert shop.up().pid == shop.connection.pid
