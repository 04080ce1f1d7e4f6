"""A protected environment brought up by the real command: what can't be deleted, and how it can after all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from klotho.localcloud import connect

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(240)]

PROGRAM = """
import klotho
from klotho import Compute, Databases

klotho.Application("guarded")
things = Databases.KeyValue("things")
work = Compute.Function("work", handler="work.handler")
work.read_writes_to(things)
"""
SETTINGS = """
project: {project}
environments:
  local: {{target: local, protect: {protect}, alarms: {{email: ops@example.com}}}}
"""


class Guarded:
    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder / "app", folder / "state"
        self.project = f"guarded-{os.getpid()}"
        self.folder.mkdir()
        (self.folder / "infra.py").write_text(PROGRAM)
        (self.folder / "work.py").write_text("def handler(event, context):\n    return event\n")
        self.protect(True)

    def protect(self, on: bool) -> None:
        text = SETTINGS.format(project=self.project, protect=str(on).lower())
        (self.folder / "klotho.yaml").write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(self.state), "NO_COLOR": "1", "CI": ""}
        return subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments], cwd=self.folder, env=environment, capture_output=True,
            text=True, timeout=200,
        )  # fmt: skip

    def client(self, service: str) -> Any:
        folder = self.state / "klotho" / self.project / "local"
        found = json.loads((folder / connect.RUNNING_FILE).read_text())
        make: Any = boto3.client
        return make(
            service, region_name=found["region"], endpoint_url=found["endpoint_url"],
            aws_access_key_id=found["access_key"], aws_secret_access_key=found["secret_key"],
        )  # fmt: skip


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path)
    yield made
    made.protect(False)
    made.run("up", "--yes")
    made.run("down", "--delete-data", "guarded")


def test_data_stays_until_the_environment_is_not_protected_any_more(guarded: Guarded) -> None:
    done = guarded.run("up", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    client = guarded.client("cloudformation")
    stacks = {stack["StackName"]: stack for stack in client.describe_stacks()["Stacks"]}
    (held,) = [name for name, stack in stacks.items() if stack["EnableTerminationProtection"]]
    assert "things" in held
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        client.delete_stack(StackName=held)
    table = guarded.client("dynamodb").list_tables()["TableNames"][0]
    with pytest.raises(ClientError, match=r"(?i)protect"):
        guarded.client("dynamodb").delete_table(TableName=table)
    resources = [
        item for name in stacks for item in client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    ]
    alarms = [item for item in resources if item["ResourceType"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) >= 5
    (mail,) = guarded.client("sns").list_subscriptions()["Subscriptions"]
    assert (mail["Protocol"], mail["Endpoint"]) == ("email", "ops@example.com")
    refused = guarded.run("down", "--delete-data", "guarded")
    assert refused.returncode != 0
    assert "is protected: its data can't be deleted" in refused.stdout + refused.stderr
    guarded.protect(False)
    done = guarded.run("up", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    stacks = {stack["StackName"]: stack for stack in client.describe_stacks()["Stacks"]}
    assert not any(stack["EnableTerminationProtection"] for stack in stacks.values())
    done = guarded.run("down", "--delete-data", "guarded")
    assert done.returncode == 0, done.stdout + done.stderr
