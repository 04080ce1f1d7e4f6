"""A container behind an API that reads a database through the runtime SDK, deployed to the real supervisor by boto3."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest

from klotho.localcloud import connect
from klotho.localcloud.planes.containers import build_image

pytestmark = pytest.mark.localcloud

PROGRAM = """
import http.server, json, os, sys
sys.path += SITE
import klotho, psycopg
users = klotho.config.datastores.get("users_db")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with psycopg.connect(users.url) as connection:
            connection.execute("create table if not exists calls (at timestamptz default now())")
            connection.execute("insert into calls default values")
            count = connection.execute("select count(*) from calls").fetchone()[0]
        body = json.dumps({"version": VERSION, "calls": count, "path": self.path}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def template(image: str) -> dict[str, Any]:
    datastore = {
        "Fn::Sub": '{"name":"users_db","kind":"Databases.Postgres","host":"${Db.Endpoint.Address}",'
        '"port":"${Db.Endpoint.Port}","database":"users","secret":"${Db.MasterUserSecret.SecretArn}",'
        '"access":"read_write"}'
    }
    container = {
        "Name": "users",
        "Image": image,
        "Essential": True,
        "PortMappings": [{"Name": "http", "ContainerPort": 8080, "AppProtocol": "http"}],
        "Environment": [{"Name": "PORT", "Value": "8080"}, {"Name": "KLOTHO_DATASTORE_USERS_DB", "Value": datastore}],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": ref("Log"),
                "awslogs-region": ref("AWS::Region"),
                "awslogs-stream-prefix": "users",
            },
        },
    }
    resources = {
        "Db": resource(
            "RDS::DBInstance",
            Engine="postgres",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage="20",
            MasterUsername="app",
            ManageMasterUserPassword=True,
            DBName="users",
        ),
        "Log": resource("Logs::LogGroup", LogGroupName="/klotho/users"),
        "Role": resource("IAM::Role", AssumeRolePolicyDocument=TRUST),
        "MaySeePassword": resource(
            "IAM::RolePolicy",
            RoleName=ref("Role"),
            PolicyName="password",
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "secretsmanager:GetSecretValue",
                        "Resource": att("Db", "MasterUserSecret.SecretArn"),
                    }
                ],
            },
        ),
        "Cluster": resource("ECS::Cluster"),
        "Namespace": resource("ServiceDiscovery::HttpNamespace", Name="shop"),
        "Discovery": resource("ServiceDiscovery::Service", Name="users", NamespaceId=ref("Namespace")),
        "Definition": resource(
            "ECS::TaskDefinition",
            Family="users",
            Cpu="256",
            Memory="512",
            NetworkMode="awsvpc",
            RequiresCompatibilities=["FARGATE"],
            TaskRoleArn=att("Role", "Arn"),
            ContainerDefinitions=[container],
        ),
        "Service": resource(
            "ECS::Service",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Definition"),
            DesiredCount=1,
            DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
            ServiceRegistries=[{"RegistryArn": att("Discovery", "Arn")}],
        ),
        "Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/24"),
        "Link": resource("ApiGatewayV2::VpcLink", Name="link", SubnetIds=[ref("Subnet")]),
        "Api": resource("ApiGatewayV2::Api", Name="users-api", ProtocolType="HTTP"),
        "Integration": resource(
            "ApiGatewayV2::Integration",
            ApiId=ref("Api"),
            IntegrationType="HTTP_PROXY",
            IntegrationMethod="ANY",
            ConnectionType="VPC_LINK",
            ConnectionId=ref("Link"),
            PayloadFormatVersion="1.0",
            IntegrationUri=att("Discovery", "Arn"),
        ),
        "Route": resource(
            "ApiGatewayV2::Route",
            ApiId=ref("Api"),
            RouteKey="ANY /users/{proxy+}",
            Target={"Fn::Join": ["/", ["integrations", ref("Integration")]]},
        ),
        "Stage": resource("ApiGatewayV2::Stage", ApiId=ref("Api"), StageName="$default", AutoDeploy=True),
    }
    return {"Resources": resources, "Outputs": {"Url": {"Value": att("Api", "ApiEndpoint")}}}


def image(state: Path, tmp_path: Path, cache: Path, version: str, program: str = PROGRAM) -> str:
    context = tmp_path / "users"
    context.mkdir(exist_ok=True)
    site = [path for path in sys.path if path.endswith("site-packages")]
    (context / "main.py").write_text(f"SITE = {site!r}\nVERSION = {version!r}\n{program}")
    (context / "Dockerfile").write_text('FROM python:3\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n')
    made = build_image(
        context, context / "Dockerfile", build_args={}, images=state / "images", cache=cache, log=lambda line: None
    )
    return made.uri


def deploy(connection: connect.Connection, document: dict[str, Any]) -> tuple[str, str, str]:
    """Create or update the stack; returns its final status, its URL and the events' reasons."""
    make: Any = boto3.client
    client = make(
        "cloudformation",
        endpoint_url=connection.endpoint_url,
        region_name=connection.region,
        aws_access_key_id=connection.access_key,
        aws_secret_access_key=connection.secret_key,
    )
    exists = client.list_stacks()["StackSummaries"]
    act = client.update_stack if exists else client.create_stack
    act(StackName="shop", TemplateBody=json.dumps(document), Capabilities=["CAPABILITY_IAM"])
    end = time.monotonic() + 60
    while (stack := client.describe_stacks(StackName="shop")["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
        assert time.monotonic() < end, stack
        time.sleep(0.05)
    events = client.describe_stack_events(StackName="shop")["StackEvents"]
    reasons = "\n".join(str(event.get("ResourceStatusReason", "")) for event in events)
    url = next((output["OutputValue"] for output in stack.get("Outputs", ())), "")
    return stack["StackStatus"], url, reasons


def get(url: str, patience_s: float = 0.0) -> dict[str, Any]:
    end = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_deployed_called_updated_broken_rolled_back_killed_and_brought_back(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    state = connect.state_folder("shop", "whole-way")
    try:
        connection = connect.start("shop", "whole-way", "eu-west-1")
        status, url, reasons = deploy(connection, template(image(state, tmp_path, cache, "1")))
        assert status == "CREATE_COMPLETE", reasons
        assert get(f"{url}/users/7") == {"version": "1", "calls": 1, "path": "/users/7"}

        status, url, reasons = deploy(connection, template(image(state, tmp_path, cache, "2")))
        assert status == "UPDATE_COMPLETE", reasons
        assert get(f"{url}/users/7")["version"] == "2"

        broken = image(state, tmp_path, cache, "3", "raise SystemExit('no such luck')")
        status, url, reasons = deploy(connection, template(broken))
        assert status == "UPDATE_ROLLBACK_COMPLETE", reasons
        assert "no such luck" in reasons
        assert get(f"{url}/users/7")["version"] == "2"

        os.kill(connection.pid, signal.SIGKILL)
        connect.start("shop", "whole-way", "eu-west-1")
        assert get(f"{url}/users/7", patience_s=15)["calls"] == 4
    finally:
        connect.stop_any(state)
