"""`klotho dev --env NAME` against an endpoint that answers AWS's APIs."""

from __future__ import annotations

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


def test_a_protected_environment_refuses_dev_unless_it_allows_it(aws: Account) -> None:
    aws.write({"klotho.yaml": settings(protect=True)})
    done = aws.klotho("dev", "--env", "prod", "--yes")
    assert done.returncode == 5
    assert "error[not-allowed-here]" in done.stderr and "add `allow: [dev]`" in done.stderr
