"""The real `klotho up`, killed after calls it makes to the account, and run again: 40 resources in three stacks.

A proxy between the command and the account counts the calls and kills the command's process (SIGKILL) when the k-th
was served, for k = 1, 4, 7, … until a run ends before its k-th call; for each k with `make whole`. Two accounts side by
side share the work. What the deployer does to stacks that are there already, killed after every call, is
`cloudformation/test_killed_up.py`.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from klotho.stacks import DIGEST
from tests.localcloud.aws_account import Account, account, settings
from tests.localcloud.front import Front

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(900)]

PROGRAM = """
import klotho
from klotho import Compute, Messaging

klotho.Application("forty")
with klotho.Stack("mail"):
    queues = [Messaging.Queue(f"queue-{number}") for number in range(10)]
with klotho.Stack("news"):
    topics = [Messaging.Topic(f"topic-{number}") for number in range(5)]
for topic, queue in zip(topics, queues):
    queue.subscribes_to(topic)
with klotho.Stack("work"):
    worker = Compute.Function("worker", handler="worker.handler")
    for queue in queues[:3]:
        worker.consumes(queue)
    for topic in topics:
        worker.publishes_to(topic)
    for number in range(8):
        Messaging.Queue(f"left-{number}")
"""
STEP = 1 if os.environ.get("KLOTHO_TESTS") == "all" else 3
RESOURCES, STACKS = 40, ("news", "mail", "work")
PREFIX = "default--forty--prod--"


class Shop:
    """The account, and runs of the command against it."""

    def __init__(self, aws: Account, front: Front) -> None:
        self.aws, self.front = aws, front

    def killed_after(self, last: int) -> int:
        """Runs `klotho up`, killed after that call (0: not at all); its exit code."""
        command = [sys.executable, "-m", "klotho.cli", "up", "--env", "prod", "--yes"]
        code, self.said = self.front.run(
            command, lambda number, call: number == last, cwd=self.aws.folder, env=self.aws.variables
        )
        return code

    def state(self) -> dict[str, Any]:
        """What is there, by names without the part that chance gives them."""
        client, found = self.aws.client("cloudformation"), {}
        for stack in client.describe_stacks()["Stacks"]:
            name = stack["StackName"]
            if not name.startswith(PREFIX):
                continue
            assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), (name, stack["StackStatus"])
            rows = client.describe_stack_resources(StackName=name)["StackResources"]
            found[name] = {
                "resources": sorted((row["LogicalResourceId"], row["ResourceType"]) for row in rows),
                "template": client.get_template(StackName=name)["TemplateBody"],
                "outputs": {item["OutputKey"]: _plain(item["OutputValue"]) for item in stack["Outputs"]},
                "tags": sorted((tag["Key"], tag["Value"]) for tag in stack["Tags"]),
            }
            found[name]["outputs"].pop(DIGEST)  # it follows the names that chance gave
        return {"stacks": found, "world": self.world()}

    def world(self) -> dict[str, Any]:
        """What the services have, whichever stack it belongs to: nothing may be left over."""
        sqs, sns = self.aws.client("sqs"), self.aws.client("sns")
        subscriptions = sns.list_subscriptions()["Subscriptions"]
        return {
            "queues": sorted(_plain(url.rpartition("/")[2]) for url in sqs.list_queues().get("QueueUrls", ())),
            "topics": sorted(_plain(item["TopicArn"]) for item in sns.list_topics()["Topics"]),
            "subscriptions": sorted((_plain(item["TopicArn"]), _plain(item["Endpoint"])) for item in subscriptions),
        }

    def clear(self) -> None:
        """As the account was before the first run, its bootstrap stack aside."""
        client, s3 = self.aws.client("cloudformation"), self.aws.client("s3")
        deadline = time.monotonic() + 60
        for name in reversed(STACKS):
            while any(item.startswith(PREFIX) and status.endswith("IN_PROGRESS") for item, status in self.stacks()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            client.delete_stack(StackName=f"{PREFIX}{name}")
        while any(item.startswith(PREFIX) for item, _ in self.stacks()):
            assert time.monotonic() < deadline, self.stacks()
            time.sleep(0.02)
        assert not any(self.world().values())
        for bucket in (item["Name"] for item in s3.list_buckets()["Buckets"]):
            for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
                s3.delete_object(Bucket=bucket, Key=item["Key"])

    def stacks(self) -> list[tuple[str, str]]:
        return list(self.aws.stacks().items())


def _plain(name: str) -> str:
    """Without what chance gave: `shop-Queue-1A2B3C` is `shop-Queue`."""
    return re.sub(r"-[0-9A-Za-z]{12,13}$", "", name)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Shop]]:
    with ExitStack() as opened:
        yield [_shop(opened, tmp_path_factory.mktemp(name)) for name in ("left", "right")]


def _shop(opened: ExitStack, folder: Path) -> Shop:
    aws, front = opened.enter_context(account(folder)), opened.enter_context(Front())
    made = Shop(replace(aws, variables={**aws.variables, **front.variables}), front)
    made.aws.write(
        {"klotho.yaml": settings(alarms=False), "infra.py": PROGRAM, "worker.py": "def handler(*given): pass\n"}
    )
    assert made.aws.klotho("bootstrap", "--env", "prod", "--yes").returncode == 0
    made.clear()
    return made


def test_killed_after_any_call_the_command_run_again_ends_the_same(shops: list[Shop]) -> None:
    counted = itertools.count(1, STEP)
    with ThreadPoolExecutor(len(shops)) as threads:
        rounds = [threads.submit(killed_again_and_again, shop, counted) for shop in shops]
        killed = sorted(number for found in rounds for number in found.result())
    assert killed == list(range(1, killed[-1] + 1, STEP))
    assert killed[-1] > 30


def killed_again_and_again(shop: Shop, counted: Iterator[int]) -> list[int]:
    """The calls after which it was killed."""
    assert shop.killed_after(0) == 0, shop.said
    whole = shop.state()
    assert sum(len(stack["resources"]) for stack in whole["stacks"].values()) == RESOURCES
    shop.clear()
    done = []
    for last in counted:
        code = shop.killed_after(last)
        if code == 0:
            assert len(shop.front.calls) < last
            return done
        assert code == -signal.SIGKILL, shop.said
        assert shop.killed_after(0) == 0, (last, shop.said)
        assert shop.state() == whole, f"killed after {last} calls"
        shop.clear()
        done.append(last)
    raise AssertionError("not reached: there is always another number")
