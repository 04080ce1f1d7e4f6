"""What `klotho eject` wrote deploys with the AWS CLI alone, and answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.deployment import EXAMPLES
from tests.localcloud import aws_account

pytestmark = [pytest.mark.gates, pytest.mark.localcloud, pytest.mark.timeout(600)]

TOOLS = Path(__file__).parents[3] / ".venv-exports" / "bin"
PROGRAM = EXAMPLES / "guestbook"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[aws_account.Account]:
    with aws_account.account(tmp_path_factory.mktemp("eject")) as running:
        shutil.copytree(PROGRAM, running.folder, dirs_exist_ok=True)
        running.write({"klotho.yaml": aws_account.settings()})
        yield running


def run(account: aws_account.Account, script: str) -> str:
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(account.folder / "ejected" / "cloudformation" / script)],
        env={**account.variables, "PATH": path, "AWS_REGION": aws_account.REGION},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_deploy_sh_deploys_an_example_with_the_aws_cli_and_it_answers(account: aws_account.Account) -> None:
    told = account.json("eject", "--env", "prod")
    assert told["folder"].endswith("ejected/cloudformation")
    said = run(account, "deploy.sh")
    outputs = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    body = json.dumps({"text": "hello without Klotho"}).encode()
    asked = urllib.request.Request(f"{outputs['api.url']}/entries", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert json.loads(answer.read())[0]["text"] == "hello without Klotho"
    with urllib.request.urlopen(outputs["web.url"], timeout=60) as page:
        assert b"klotho-config.js" in page.read()
    with urllib.request.urlopen(f"{outputs['web.url']}/klotho-config.js", timeout=60) as script:
        assert outputs["api.url"].encode() in script.read()


def test_running_it_again_changes_nothing(account: aws_account.Account) -> None:
    before = account.stacks()
    run(account, "deploy.sh")
    assert account.stacks() == before


def test_import_files_name_what_is_deployed(account: aws_account.Account) -> None:
    told = account.json("eject", "--env", "prod", "--iac", "terraform", "--out", "tf")
    templates = (account.folder / "ejected" / "cloudformation" / "templates").glob("*.json")
    resources = {name for file in templates for name in json.loads(file.read_text())["Resources"]}
    assert (told["imported"], told["not_imported"], told["invoked"]) == (len(resources), [], [])
    blocks = (account.folder / "tf" / "terraform" / "imports.tf").read_text()
    (table,) = account.client("dynamodb").list_tables()["TableNames"]
    assert f'to = module.entries_keyvalue.awscc_dynamodb_table.entries_table\n  id = "{table}"' in blocks
    (api,) = physical(account, "api-api", "AWS::ApiGatewayV2::Api")
    routes = physical(account, "book-function", "AWS::ApiGatewayV2::Route")
    assert len(routes) == 4
    assert all(f'id = "{api}|{route}"' in blocks for route in routes)


def physical(account: aws_account.Account, stack: str, type_name: str) -> list[str]:
    found = account.client("cloudformation").list_stack_resources(StackName=f"default--guestbook--prod--{stack}")
    return [item["PhysicalResourceId"] for item in found["StackResourceSummaries"] if item["ResourceType"] == type_name]


def test_pulumi_s_import_files_have_the_names_of_its_programs(account: aws_account.Account) -> None:
    told = account.json("eject", "--env", "prod", "--iac", "pulumi", "--out", "pulumi-export")
    folder = account.folder / "pulumi-export" / "pulumi"
    found = [item for file in folder.glob("*/import.json") for item in json.loads(file.read_text())["resources"]]
    assert len(found) == told["imported"] > 15
    program = (folder / "entries-keyvalue" / "__main__.py").read_text()
    (table,) = [item for item in found if item["type"] == "aws-native:dynamodb:Table"]
    assert table["id"] and f'"{table["name"]}",' in program
