"""Revisions: what is kept of deployments, and deploying an earlier one again without its source."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Databases, Messaging

klotho.Application("shop")
hello = Compute.Function(name="hello", handler="functions/hello.handler")
visits = Databases.KeyValue(name="visits", key="page")
hello.read_writes_to(visits)
api = API(name="web")
api.attach_service(hello, route="/hello")
"""
QUEUE = 'jobs = Messaging.Queue(name="jobs")\nhello.sends_to(jobs)\n'
FUNCTION = 'def handler(event, context):\n    return {"statusCode": 200, "body": "VERSION"}\n'
BUCKET = "klotho-artifacts-000000000000-eu-central-1"
PREFIX = "revisions/default/prod/shop/"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        found.write({"klotho.yaml": settings()})
        deploy(found, "v1", QUEUE)
        yield found


def deploy(aws: Account, version: str, more: str = "") -> dict[str, Any]:
    aws.write({"infra.py": PROGRAM + more, "functions/hello.py": FUNCTION.replace("VERSION", version)})
    return aws.json("up", "--env", "prod", "--yes")


def answer(aws: Account) -> str:
    url = aws.json("outputs", "--env", "prod", "--app", "shop")["outputs"]["web.url"]
    with urllib.request.urlopen(f"{url}/hello", timeout=10) as found:
        return str(found.read().decode())


def history(aws: Account) -> list[dict[str, Any]]:
    return list(aws.json("history", "--env", "prod")["revisions"])


def queues(aws: Account) -> int:
    return len(aws.client("sqs").list_queues().get("QueueUrls", ()))


def test_rolling_back_brings_back_the_code_and_the_queue_without_the_source(aws: Account) -> None:
    git = ["git", "-c", "user.email=a@b.c", "-c", "user.name=Ann", "-C", str(aws.folder)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    assert queues(aws) == 1
    deploy(aws, "v2")
    assert (answer(aws), queues(aws)) == ("v2", 0)
    latest = history(aws)[0]
    assert (latest["number"], latest["outcome"], latest["version"]["dirty"]) == (2, "succeeded", True)
    assert len(latest["version"]["commit"]) == 40
    assert "hello-function" in latest["results"] and "jobs-queue" in latest["results"]

    source = aws.folder / "functions"
    shutil.rmtree(source)
    aws.write({"infra.py": "this is no program"})
    done = aws.json("rollback", "--env", "prod", "--app", "shop", "--yes")
    assert (done["revision"], done["recorded"]) == (1, 3)
    assert (answer(aws), queues(aws)) == ("v1", 1)
    assert aws.klotho("history", "--env", "prod", "--app", "shop").stdout.splitlines()[1].split()[0] == "3"


def test_an_unchanged_up_leaves_no_revision_and_a_failed_one_is_kept_as_such(aws: Account) -> None:
    deploy(aws, "v3", QUEUE)
    before = len(history(aws))
    deploy(aws, "v3", QUEUE)
    assert len(history(aws)) == before
    aws.write({"infra.py": PROGRAM + 'hello.override("AWS::Lambda::Function", {"MemorySize": 99999})\n'})
    assert aws.klotho("up", "--env", "prod", "--yes").returncode != 0
    failed = history(aws)[0]
    assert (len(history(aws)), failed["outcome"]) == (before + 1, "failed")
    # The last good one before it is what `rollback` goes to.
    assert aws.json("rollback", "--env", "prod", "--app", "shop", "--yes")["revision"] == before
    assert answer(aws) == "v3"


def test_a_rollback_that_would_lose_data_is_refused_before_anything_is_touched(aws: Account) -> None:
    good = history(aws)[0]["number"]
    deploy(aws, "v4", QUEUE + 'Databases.KeyValue(name="orders", key="id")\n')
    before = aws.stacks()
    done = aws.klotho("rollback", str(good), "--env", "prod", "--yes")
    assert (done.returncode, "this would delete the data of orders" in done.stderr.replace("`", "")) == (1, True)
    assert (aws.stacks(), answer(aws)) == (before, "v4")


def test_what_is_missing_is_named_before_anything_is_touched(aws: Account) -> None:
    revision = json.loads(aws.client("s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}00000001.json")["Body"].read())
    aws.client("s3").delete_object(Bucket=BUCKET, Key=revision["values"]["hello-function"]["HelloCodeKey"])
    done = aws.klotho("rollback", "1", "--env", "prod", "--yes")
    assert done.returncode == 1
    assert "revision 1 can't be deployed again: the code of hello is gone" in done.stderr
    assert answer(aws) == "v4"
    unknown = aws.klotho("rollback", "77", "--env", "prod", "--yes")
    assert (unknown.returncode, "there is no revision 77" in unknown.stderr) == (6, True)


def test_nothing_is_rolled_back_without_consent(aws: Account) -> None:
    number = deploy(aws, "v5", QUEUE + 'Databases.KeyValue(name="orders", key="id")\n') and history(aws)[1]["number"]
    assert aws.klotho("rollback", str(number), "--env", "prod").returncode == 2
    assert answer(aws) == "v5"
