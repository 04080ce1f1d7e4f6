"""The schedules plane with a clock of the test's and real functions."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from functions.testbed import REGION, call, functions_cloud, make, python

from klotho.application.timetable import parse_expression
from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handlers import build_handlers
from klotho.localcloud.handlers.sqs_queue import SqsQueue
from klotho.localcloud.planes.schedules import Schedules, Spec
from klotho.localcloud.services.sqs import Sqs

pytestmark = pytest.mark.localcloud

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
MINUTE, HOUR = 60.0, 3600.0
CODE = """
import json, pathlib
FILE = pathlib.Path({file!r})

def handler(event, context):
    if event.get("ask"):
        return FILE.read_text().splitlines() if FILE.exists() else []
    with FILE.open("a") as file:
        file.write(json.dumps(event) + "\\n")
    if event.get("schedule") == "failing":
        raise RuntimeError("no")
"""


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def spec(expression: str, name: str = "nightly", **more: Any) -> Spec:
    event = json.dumps(
        {"schedule": name, "at": "<aws.scheduler.scheduled-time>", "run": "<aws.scheduler.execution-id>"}
    )
    made = Spec(
        identifier=name, arn=f"arn:aws:scheduler:eu-central-1:0:schedule/default/{name}", token="t" * 32,
        expression=expression, timezone="UTC", timetable=parse_expression(expression), enabled=True,
        target="arn:aws:lambda:eu-central-1:0:function:work", event=event,
    )  # fmt: skip
    return dataclasses.replace(made, **more)


def with_functions(tmp_path: Path, story: Callable[[Cloud, Schedules, Clock], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with functions_cloud(tmp_path, **options) as cloud:
            await python(cloud, CODE.format(file=str(tmp_path / "runs")))
            clock = Clock()
            cloud.schedules = Schedules(cloud, clock=clock)
            await story(cloud, cloud.schedules, clock)

    asyncio.run(run())


async def runs(cloud: Cloud, number: int) -> list[dict[str, Any]]:
    """What the function wrote down, once it is as much as expected and nothing is pending."""
    for _ in range(200):
        lines = json.loads((await call(cloud, b'{"ask": true}')).payload)
        if len(lines) >= number and not cloud.functions.events.pending():
            return [json.loads(line) for line in lines]
        await asyncio.sleep(0.05)
    raise AssertionError(f"wanted {number} runs, have {lines}")


def test_a_rate_runs_at_once_and_then_at_its_interval(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        schedules.put(spec("rate(5 minutes)"))
        assert schedules.run_due() == 1
        clock.now += 4 * MINUTE
        assert schedules.run_due() == 0
        clock.now += MINUTE
        assert schedules.run_due() == 1
        found = await runs(cloud, 2)
        assert sorted(item["at"] for item in found) == ["2026-11-20T12:00:00Z", "2026-11-20T12:05:00Z"]
        assert found[0]["run"] != found[1]["run"]

    with_functions(tmp_path, story)


def test_a_cron_waits_for_its_time(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        schedules.put(spec("cron(30 12 * * ? *)"))
        assert schedules.run_due() == 0
        clock.now += 30 * MINUTE + 1
        assert (schedules.run_due(), schedules.run_due()) == (1, 0)
        assert (await runs(cloud, 1))[0]["at"] == "2026-11-20T12:30:00Z"
        assert schedules.due("nightly") == NOON + 24.5 * HOUR

    with_functions(tmp_path, story)


def test_the_loop_fires_by_itself_and_a_put_wakes_it(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        await schedules.start()
        await asyncio.sleep(0.05)
        schedules.put(spec("rate(1 minute)"))
        assert len(await runs(cloud, 1)) == 1
        await schedules.stop()

    with_functions(tmp_path, story)


def test_a_restart_neither_repeats_a_run_nor_makes_up_for_a_night(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        schedules.put(spec("rate(1 hour)"))
        assert schedules.run_due() == 1
        again = Schedules(cloud, clock=clock)
        again.put(spec("rate(1 hour)"))
        assert again.run_due() == 0
        clock.now += 9.5 * HOUR  # nine runs were due, the last one half an hour ago
        assert again.run_due() == 0
        assert again.due("nightly") == NOON + 10 * HOUR
        assert "9 runs missed" in str(again.status()[0].detail)
        assert len(await runs(cloud, 1)) == 1

    with_functions(tmp_path, story)


def test_a_run_within_the_last_minute_is_made_up_for(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        schedules.put(spec("cron(0 * * * ? *)"))
        clock.now += 3 * HOUR + 40
        assert Schedules.run_due(schedules) == 1
        assert [item["at"] for item in await runs(cloud, 1)] == ["2026-11-20T15:00:00Z"]
        assert "2 runs missed" in str(schedules.status()[0].detail)

    with_functions(tmp_path, story)


def test_a_failing_function_is_retried_twice_by_lambda(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        schedules.put(spec("rate(1 day)", "failing"))
        assert schedules.run_due() == 1
        found = await runs(cloud, 3)
        assert len(found) == 3
        assert len({item["run"] for item in found}) == 1

    with_functions(tmp_path, story, retry_delays_s=(0.05, 0.05))


def test_a_run_for_a_function_that_is_gone_is_a_dead_letter(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        cloud.queues = Sqs(tmp_path, REGION, cloud.account, cloud.endpoint_url)
        await make(cloud, SqsQueue(cloud), "lost", {"QueueName": "lost"})
        lost = cloud.queues.catalog.queue("lost")
        allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": lost.arn}
        policies = [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}]
        role = build_handlers(cloud)["AWS::IAM::Role"]
        made = await make(cloud, role, "Role", {"AssumeRolePolicyDocument": {}, "Policies": policies})
        gone = "arn:aws:lambda:eu-central-1:0:function:gone"
        asked = {"target": gone, "dead_letter": lost.arn, "role": made.attributes["Arn"]}
        schedules.put(spec("rate(1 day)", **asked))
        assert schedules.run_due() == 1
        (letter,) = cloud.queues.catalog.receive(lost, 10)
        assert json.loads(letter.body)["schedule"] == "nightly"
        assert letter.attributes["TARGET_ARN"]["StringValue"] == gone
        await cloud.queues.stop()

    with_functions(tmp_path, story)


def test_a_queue_is_told_under_the_schedule_s_role_and_what_it_can_t_be_told_is_a_dead_letter(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        cloud.queues = Sqs(tmp_path, REGION, cloud.account, cloud.endpoint_url)
        for name in ("told", "untold", "lost"):
            await make(cloud, SqsQueue(cloud), name, {"QueueName": name})
        told, untold, lost = (cloud.queues.catalog.queue(name) for name in ("told", "untold", "lost"))
        gone = told.arn.replace("told", "gone")
        allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": [told.arn, lost.arn, gone]}
        policies = [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}]
        role = build_handlers(cloud)["AWS::IAM::Role"]
        made = await make(cloud, role, "Role", {"AssumeRolePolicyDocument": {}, "Policies": policies})
        asked = {"dead_letter": lost.arn, "role": made.attributes["Arn"]}
        for target in (told.arn, untold.arn, gone):
            schedules.put(spec("rate(1 day)", target.rpartition(":")[2], target=target, **asked))
        assert schedules.run_due() == 3
        (run,) = cloud.queues.catalog.receive(told, 10)
        assert json.loads(run.body)["schedule"] == "told"
        assert cloud.queues.catalog.receive(untold, 10) == []
        letters = cloud.queues.catalog.receive(lost, 10)
        why = {json.loads(item.body)["schedule"]: item.attributes["ERROR_CODE"]["StringValue"] for item in letters}
        assert why == {"untold": "AccessDenied", "gone": "NonExistentQueue"}
        await cloud.queues.stop()

    with_functions(tmp_path, story)


def test_a_run_that_dies_between_sending_and_writing_down_is_sent_again_as_the_same(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        cloud.queues = Sqs(tmp_path, REGION, cloud.account, cloud.endpoint_url)
        await make(cloud, SqsQueue(cloud), "told", {"QueueName": "told"})
        told = cloud.queues.catalog.queue("told")
        allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": told.arn}
        policies = [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}]
        role = build_handlers(cloud)["AWS::IAM::Role"]
        made = await make(cloud, role, "Role", {"AssumeRolePolicyDocument": {}, "Policies": policies})
        schedules.put(spec("rate(1 day)", target=told.arn, role=made.attributes["Arn"]))
        fire = schedules._fire

        def fire_and_die(*given: Any) -> None:
            fire(*given)
            raise RuntimeError("killed")

        schedules._fire = fire_and_die  # type: ignore[method-assign]
        with pytest.raises(RuntimeError, match="killed"):
            schedules.run_due()
        schedules._fire = fire  # type: ignore[method-assign]
        assert (schedules.run_due(), schedules.run_due()) == (1, 0)
        messages = [json.loads(item.body) for item in cloud.queues.catalog.receive(told, 10)]
        assert len(messages) == 2 and messages[0] == messages[1]
        await cloud.queues.stop()

    with_functions(tmp_path, story)


def test_a_disabled_schedule_and_a_removed_one_run_nothing(tmp_path: Path) -> None:
    async def story(cloud: Cloud, schedules: Schedules, clock: Clock) -> None:
        schedules.put(spec("rate(1 minute)", enabled=False))
        clock.now += HOUR
        assert schedules.run_due() == 0
        schedules.put(spec("rate(1 minute)"))
        schedules.remove("nightly")
        schedules.remove("nightly")
        clock.now += HOUR
        assert schedules.run_due() == 0
        assert schedules.status() == []
        assert await runs(cloud, 0) == []

    with_functions(tmp_path, story)
