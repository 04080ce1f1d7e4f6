"""The stack that the repositories of a project share: any order, two at once, other needs, the last one's removal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

STACK = "acme--prod--project"
SHOP = """
import klotho

klotho.Application("shop", project="acme")
db = klotho.Databases.Redis(name="cache")
work = klotho.Compute.Function(name="work", handler="work.handler")
work.reads_from(db)
"""
"""A function with a cache: a network, and no way out of it but endpoints."""
BILLING = """
import klotho

klotho.Application("billing", project="acme")
NETWORK
cache = klotho.Databases.Redis(name="ledger")
work = klotho.Compute.Function(name="work", handler="work.handler")
work.reads_from(cache)
events = klotho.Messaging.Topic(name="events")
work.publishes_to(events)
"""
"""Needs what the shop needs, and a way to SNS."""
HANDLER = "def handler(event, context):\n    return {}\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("project-stack")) as found:
        write(found, "shop", SHOP)
        write(found, "billing", BILLING.replace("NETWORK", ""))
        yield found


def write(aws: Account, name: str, program: str) -> None:
    aws.write({f"{name}/infra.py": program, f"{name}/work.py": HANDLER, f"{name}/klotho.yaml": settings()})


def klotho(aws: Account, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = started(aws, name, *arguments)
    out, error = done.communicate(timeout=180)
    return subprocess.CompletedProcess(arguments, done.returncode, out, error)


def started(aws: Account, name: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", *arguments, "--env", "prod"],
        cwd=aws.folder / name,
        env=dict(aws.variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def up(aws: Account, name: str) -> dict[str, Any]:
    done = klotho(aws, name, "up", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def results(found: dict[str, Any]) -> set[str]:
    return {stack["result"] for stack in found["stacks"]}


def down(aws: Account, *names: str) -> None:
    for name in names:
        done = klotho(aws, name, "down", "--yes", "--delete-data", name)
        assert done.returncode == 0, done.stdout + done.stderr


def shared(aws: Account) -> dict[str, Any]:
    """The template of the project's stack; nothing when there is none."""
    if STACK not in aws.stacks():
        return {}
    body = aws.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    return dict(json.loads(body) if isinstance(body, str) else body)


def test_any_order_gives_the_same_stack_and_the_last_one_takes_it_away(aws: Account) -> None:
    ends = []
    for first, second in (("shop", "billing"), ("billing", "shop")):
        up(aws, first)
        alone = shared(aws)
        up(aws, second)
        ends.append(shared(aws))
        assert set(alone["Resources"]) <= set(ends[-1]["Resources"])
        assert results(up(aws, first)) == {"unchanged"}
        down(aws, "shop", "billing")
        assert shared(aws) == {}
    assert ends[0] == ends[1]
    assert {"Vpc", "SnsEndpoint"} <= set(ends[0]["Resources"])


def test_what_one_no_longer_needs_goes_once_nobody_needs_it(aws: Account) -> None:
    up(aws, "shop")
    up(aws, "billing")
    vpc = physical(aws, "Vpc")
    assert "SnsEndpoint" in shared(aws)["Resources"]
    down(aws, "billing")
    assert "SnsEndpoint" not in shared(aws)["Resources"]
    assert physical(aws, "Vpc") == vpc
    write(aws, "shop", SHOP.replace("work.reads_from(db)", "").replace('db = klotho.Databases.Redis(name="cache")', ""))
    done = klotho(aws, "shop", "up", "--yes", "--json", "--delete-data", "cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert shared(aws) == {}
    write(aws, "shop", SHOP)
    down(aws, "shop")


def test_two_repositories_that_deploy_at_once_both_find_what_they_need(aws: Account) -> None:
    up(aws, "shop")
    down(aws, "shop")
    both = [started(aws, name, "up", "--yes", "--json") for name in ("shop", "billing")]
    for run in both:
        out, error = run.communicate(timeout=180)
        assert run.returncode == 0, out + error
    assert {"Vpc", "SecretsmanagerEndpoint", "SnsEndpoint"} <= set(shared(aws)["Resources"])
    assert results(up(aws, "shop")) == results(up(aws, "billing")) == {"unchanged"}


def test_another_network_than_the_others_have_is_refused_with_both_lines(aws: Account) -> None:
    up(aws, "shop")
    before = shared(aws)
    write(aws, "billing", BILLING.replace("NETWORK", 'klotho.Network(cidr="10.7.0.0/16")'))
    for command in (("preview",), ("up", "--yes")):
        done = klotho(aws, "billing", *command)
        assert done.returncode == 1, done.stdout + done.stderr
        told = done.stdout + done.stderr
        assert "`shop` and `billing` want different things of their project: " in told
        assert "10.0.0.0/16" in told
        assert "10.7.0.0/16" in told
        assert "infra.py:5" in told
    assert shared(aws) == before
    write(aws, "billing", BILLING.replace("NETWORK", ""))
    down(aws, "billing", "shop")


def physical(aws: Account, logical_id: str) -> str:
    found = aws.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
