"""`klotho dev --env NAME` against an endpoint that answers AWS's APIs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.aws_account import Account, account, settings
from tests.localcloud.dev.dev_harness import Dev, Shop

pytestmark = pytest.mark.localcloud

PROGRAM = """\
import klotho
from klotho import API, Compute
klotho.Application("shop")
py = Compute.Function(name="py", handler="functions/py.handler")
API(name="api").attach_service(py, route="/py")
"""
FUNCTION = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'one'}\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        found.write({"infra.py": PROGRAM, "functions/py.py": FUNCTION, "klotho.yaml": settings()})
        yield found


def shop_of(aws: Account) -> Shop:
    shop = Shop.__new__(Shop)
    shop.folder, shop.environment = aws.folder, dict(aws.variables)
    return shop


def package(aws: Account) -> str:
    functions = aws.client("lambda")
    found: list[dict[str, Any]] = functions.list_functions()["Functions"]
    name = next(item["FunctionName"] for item in found if "py" in item["FunctionName"])
    return str(functions.get_function(FunctionName=name)["Code"]["Location"])


def test_a_saved_function_is_pushed_past_its_stack_and_deployed_at_the_end(aws: Account) -> None:
    dev = Dev(shop_of(aws), "--env", "prod", "--yes")
    try:
        first, stacks = package(aws), aws.client("cloudformation").describe_stacks()["Stacks"]
        dev.shop.replace("functions/py.py", "'one'", "'two'")
        assert dev.reloaded("py")["event"] == "reloaded"
        assert dev.get("/py") == "two"
        assert package(aws) != first
        assert aws.client("cloudformation").describe_stacks()["Stacks"] == stacks
        dev.shop.write("functions/py.py", "def (\n")
        assert dev.reloaded("py")["diagnostics"][0]["code"] == "function-does-not-parse"
        assert dev.get("/py") == "two"
        dev.shop.write("functions/py.py", FUNCTION.replace("one", "two"))
        assert dev.reloaded("py")["event"] == "reloaded"
        assert dev.end()["deployed"] is True
        assert dev.get("/py") == "two"
        assert {item["result"] for item in aws.json("up", "--env", "prod", "--yes")["stacks"]} == {"unchanged"}
    finally:
        dev.kill()


def test_code_that_cannot_be_deployed_at_the_end_is_taken_back(aws: Account) -> None:
    dev = Dev(shop_of(aws), "--env", "prod", "--yes")
    try:
        deployed = package(aws)
        dev.shop.replace("functions/py.py", "'two'", "'three'")
        assert dev.reloaded("py")["event"] == "reloaded"
        dev.shop.write("functions/py.py", "def (\n")
        dev.reloaded("py")
        assert dev.end() == {"event": "ended", "deployed": False, "taken_back": ["py"]}
        assert (package(aws), dev.get("/py")) == (deployed, "two")
    finally:
        dev.kill()
        dev.shop.write("functions/py.py", FUNCTION.replace("one", "two"))


def test_the_next_dev_puts_back_what_a_killed_one_has_left(aws: Account) -> None:
    deployed = package(aws)
    dev = Dev(shop_of(aws), "--env", "prod", "--yes")
    dev.shop.replace("functions/py.py", "'two'", "'four'")
    assert dev.reloaded("py")["event"] == "reloaded"
    dev.kill()
    dev.shop.write("functions/py.py", FUNCTION.replace("one", "two"))
    assert package(aws) != deployed
    again = Dev(shop_of(aws), "--env", "prod", "--yes")
    assert again.end()["deployed"] is True
    assert (package(aws), again.get("/py")) == (deployed, "two")


def test_status_shows_the_health_of_services_and_a_link_for_every_resource(aws: Account) -> None:
    found = aws.json("status", "--env", "prod")
    assert {unit["name"]: (unit["kind"], unit["state"]) for unit in found["units"]} == {"py": ("function", "running")}
    client = aws.client("cloudformation")
    stacks = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    deployed = [name for name in stacks if name != "klotho-bootstrap"]
    listed = [client.list_stack_resources(StackName=name)["StackResourceSummaries"] for name in deployed]
    assert len(found["resources"]) == sum(map(len, listed))
    assert {line["stack"] for line in found["resources"]} == {stack["name"] for stack in found["stacks"]}
    assert all(line["link"].startswith("https://") for line in found["resources"])
    (link,) = [line["link"] for line in found["resources"] if line["type"] == "AWS::Lambda::Function"]
    assert link.startswith("https://eu-central-1.console.aws.amazon.com/lambda/home?region=eu-central-1#/functions/")
    shown = aws.klotho("status", "--env", "prod").stdout
    assert link in shown and "running" in shown


def test_logs_come_from_cloudwatch_logs_merged_by_time(aws: Account) -> None:
    url = aws.json("outputs", "--env", "prod")["outputs"]["api.url"]
    for _ in range(2):
        with urllib.request.urlopen(f"{url}/py", timeout=10) as answer:
            assert answer.status == 200
    lines = [json.loads(text) for text in aws.klotho("logs", "--env", "prod", "--json").stdout.splitlines()]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert sum("REPORT RequestId" in line["message"] for line in lines if line["service"] == "py") >= 2


def test_following_logs_shows_what_comes(aws: Account) -> None:
    url = aws.json("outputs", "--env", "prod")["outputs"]["api.url"]
    with subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "logs", "-f", "py", "--env", "prod", "--json", "--since", "1s"],
        cwd=aws.folder, env=dict(aws.variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        ended = threading.Event()

        def call() -> None:
            while not ended.wait(0.5):
                urllib.request.urlopen(f"{url}/py", timeout=10).close()

        caller = threading.Thread(target=call)
        caller.start()
        try:
            assert "RequestId" in json.loads(process.stdout.readline())["message"]
        finally:
            ended.set()
            caller.join()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_whoami_is_who_aws_says(aws: Account) -> None:
    found = aws.json("whoami", "--env", "prod")
    assert (found["account"], found["region"], found["target"]) == ("000000000000", "eu-central-1", "aws")
    assert found["identity"].startswith("arn:aws:") and "s3://" in found["state"]


def test_doctor_looks_at_the_credentials(aws: Account) -> None:
    checks = {check["name"]: check for check in aws.json("doctor")["checks"]}
    assert checks["AWS credentials for prod"]["result"] == "ok"


def test_a_function_on_aws_has_no_process_to_enter(aws: Account) -> None:
    done = aws.klotho("shell", "py", "--env", "prod", PATH=f"{with_plugin(aws)}:{aws.variables['PATH']}")
    assert done.returncode == 1 and "error[no-process-to-enter]" in done.stderr
    # That is said first: what is missing on this machine would not help.
    done = aws.klotho("exec", "py", "--env", "prod", "--", "true", PATH="/usr/bin:/bin")
    assert done.returncode == 1 and "error[no-process-to-enter]" in done.stderr


def with_plugin(aws: Account) -> str:
    """A folder for PATH with something that counts as the plugin."""
    plugin = aws.folder.parent / "bin" / "session-manager-plugin"
    plugin.parent.mkdir(exist_ok=True)
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    return str(plugin.parent)


def test_a_protected_environment_refuses_dev_unless_it_allows_it(aws: Account) -> None:
    aws.write({"klotho.yaml": settings(protect=True)})
    done = aws.klotho("dev", "--env", "prod", "--yes")
    assert done.returncode == 5
    assert "error[not-allowed-here]" in done.stderr and "add `allow: [dev]`" in done.stderr
