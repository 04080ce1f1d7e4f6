"""`target: aws`, against an endpoint that answers AWS's APIs: the same deployer, by endpoint and credentials only."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases

klotho.Application("shop")
visits = Databases.KeyValue(name="visits", key="page")
hello = Compute.Function(name="hello", handler="functions/hello.handler")
hello.read_writes_to(visits)
api = API(name="web")
api.attach_service(hello, route="/hello")
"""
FUNCTION = """
import json


def handler(event, context):
    return {"statusCode": 200, "body": json.dumps("hello")}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        found.write({"infra.py": PROGRAM, "functions/hello.py": FUNCTION, "klotho.yaml": settings()})
        yield found


def test_the_wrong_account_is_refused_before_anything_is_asked_of_it(aws: Account) -> None:
    aws.write({"klotho.yaml": settings(account="123456789012")})
    done = aws.klotho("up", "--env", "prod", "--yes")
    aws.write({"klotho.yaml": settings()})
    assert done.returncode == 3
    assert "these credentials are for the AWS account 000000000000" in done.stderr
    assert "klotho.yaml:2" in done.stderr
    assert aws.stacks() == {}


def test_without_credentials_it_says_where_to_get_some(aws: Account) -> None:
    done = aws.klotho("up", "--env", "prod", "--yes", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.returncode == 3
    assert "no AWS credentials were found" in done.stderr


def test_nothing_is_made_without_consent(aws: Account) -> None:
    done = aws.klotho("up", "--env", "prod")
    assert done.returncode == 2
    assert "this needs your consent" in done.stderr
    assert aws.stacks() == {}


def test_who_only_looks_or_has_nothing_to_go_back_to_makes_nothing(aws: Account) -> None:
    looked = aws.klotho("history", "--env", "prod")
    assert (looked.returncode, "nothing was deployed yet of shop in prod" in looked.stderr) == (0, True)
    back = aws.klotho("rollback", "--env", "prod", "--yes")
    assert (back.returncode, "nothing was deployed yet that could be deployed again" in back.stderr) == (6, True)
    assert aws.stacks() == {}


def test_the_first_up_makes_the_bootstrap_stack_and_the_application_answers(aws: Account) -> None:
    done = aws.json("up", "--env", "prod", "--yes")
    assert done["environment"] == "prod"
    stacks = aws.stacks()
    assert stacks.pop("klotho-bootstrap") == "CREATE_COMPLETE"
    assert set(stacks.values()) == {"CREATE_COMPLETE"} and len(stacks) == len(done["stacks"])
    with urllib.request.urlopen(f"{done['outputs']['web.url']}/hello", timeout=10) as answer:
        assert json.load(answer) == "hello"
    zips = aws.client("s3").list_objects_v2(Bucket="klotho-artifacts-000000000000-eu-central-1", Prefix="functions/")
    assert zips["KeyCount"] == 1


def test_an_unchanged_up_touches_nothing(aws: Account) -> None:
    aws.json("up", "--env", "prod", "--yes")
    assert {item["result"] for item in aws.json("up", "--env", "prod", "--yes")["stacks"]} == {"unchanged"}


def test_preview_status_outputs_and_secrets_ask_the_account(aws: Account) -> None:
    aws.json("up", "--env", "prod", "--yes")
    assert {item["action"] for item in aws.json("preview", "--env", "prod")["stacks"]} == {"unchanged"}
    status = aws.json("status", "--env", "prod")
    assert (status["state"], {stack["status"] for stack in status["stacks"]}) == ("running", {"CREATE_COMPLETE"})
    assert aws.klotho("outputs", "web.url", "--env", "prod").stdout.startswith("http")
    assert aws.json("secret", "ls", "--env", "prod")["ok"]


def test_this_machine_keeps_no_notes_of_an_account(aws: Account) -> None:
    aws.json("up", "--env", "prod", "--yes")
    state = Path(aws.variables["XDG_STATE_HOME"])
    assert not list(state.rglob("*.json"))
