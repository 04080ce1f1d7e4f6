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


def test_without_its_program_an_application_is_found_by_the_tags_of_its_stacks(aws: Account) -> None:
    """On another machine, which has klotho.yaml and nothing else."""
    aws.write({"elsewhere/klotho.yaml": settings()})
    known = aws.json("outputs", "--env", "prod")["outputs"]
    there = ("--app", "shop", "--env", "prod", "--program", "elsewhere")
    elsewhere = {"XDG_STATE_HOME": str(aws.folder / "elsewhere" / "state")}
    assert known and aws.json("outputs", *there, **elsewhere)["outputs"] == known
    done = aws.klotho("outputs", "web.url", *there, **elsewhere)
    assert (done.returncode, done.stdout.strip()) == (0, known["web.url"])
    found = aws.json("status", "elsewhere", "--app", "shop", "--env", "prod", **elsewhere)
    assert (found["state"], found["project"]) == ("running", "default")
    assert {item["name"] for item in found["stacks"]} >= {"hello-function"}


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


PERSONAL = "  dev: {target: aws, region: eu-central-1, per: user, ttl: 12h}\n"


def test_an_environment_that_outlives_its_time_is_shown_and_removed_with_its_data(aws: Account) -> None:
    aws.write({"klotho.yaml": settings() + PERSONAL})
    ada, bob = {"KLOTHO_USER": "ada"}, {"KLOTHO_USER": "bob"}
    for who in (ada, bob):
        aws.json("up", "--env", "dev", "--yes", **who)
    listed = {item["name"]: item for item in aws.json("env", "ls", "--live")["environments"]}
    assert listed["dev"]["live"] == ["dev-ada", "dev-bob"]
    assert {item["environment"] for item in listed["dev"]["expires"]} == {"dev-ada", "dev-bob"}
    assert aws.json("env", "prune", "--yes")["removed"] == []
    key = "environments/default/dev-ada/shop.json"
    s3, bucket = aws.client("s3"), "klotho-artifacts-000000000000-eu-central-1"
    note = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) | {"expires_ms": 1}
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(note).encode())
    assert "due: `klotho env prune` removes it" in aws.klotho("env", "ls", "--live").stdout
    assert aws.json("env", "prune", "--yes")["removed"] == [{"application": "shop", "environment": "dev-ada"}]
    names = "".join([*aws.stacks(), *aws.client("dynamodb").list_tables()["TableNames"]])
    assert "dev-ada" not in names and "dev-bob" in names
    assert aws.json("env", "rm", "dev", "--yes", **bob)["removed"][0]["environment"] == "dev-bob"
    assert "dev-" not in "".join(aws.stacks())
    aws.write({"klotho.yaml": settings()})


def test_an_environments_own_settings_reach_what_is_deployed(aws: Account) -> None:
    own = json.dumps({"hello": {"memory": 384, "environment": {"LEVEL": "debug"}}})
    aws.write({"klotho.yaml": settings() + f"    constructs: {own}\n"})
    aws.json("up", "--env", "prod", "--yes")
    functions = aws.client("lambda").list_functions()["Functions"]
    mine = next(item for item in functions if "hello" in item["FunctionName"].lower())
    assert (mine["MemorySize"], mine["Environment"]["Variables"]["LEVEL"]) == (384, "debug")
    aws.write({"klotho.yaml": settings()})
