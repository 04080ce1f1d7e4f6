"""The events plane with real functions and queues: delivery, permissions, dead letters, retries, restarts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from functions.testbed import REGION, functions_cloud, make, python

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.handlers import build_handlers
from klotho.localcloud.handlers.events_rule import EventBus, EventsRule
from klotho.localcloud.handlers.sns_topic import SnsTopic
from klotho.localcloud.handlers.sqs_queue import SqsQueue
from klotho.localcloud.planes.events import Events
from klotho.localcloud.services.sns import Sns
from klotho.localcloud.services.sqs import Sqs
from klotho.localcloud.services.sqs.queue import Queue

pytestmark = pytest.mark.localcloud
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:000000000000:function:work"
KEEP = """
import json, pathlib, time
FILE = pathlib.Path({file!r})

def handler(event, context):
    with FILE.open("a") as file:
        file.write(json.dumps([time.time(), event]) + "\\n")
"""


@asynccontextmanager
async def events_cloud(state: Path, clock: Callable[[], float] = time.time) -> AsyncIterator[Cloud]:
    async with functions_cloud(state) as cloud:
        cloud.queues = Sqs(state, REGION, cloud.account, cloud.endpoint_url)
        cloud.topics = Sns(cloud)
        cloud.events = Events(cloud, clock=clock)
        await cloud.queues.start()
        await cloud.topics.start()
        await cloud.events.start()
        try:
            yield cloud
        finally:
            await cloud.events.stop()
            await cloud.topics.stop()
            await cloud.queues.stop()


def story(state: Path, tell: Callable[[Cloud], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with events_cloud(state, **options) as cloud:
            await tell(cloud)

    asyncio.run(run())


async def rule(cloud: Cloud, *targets: dict[str, Any], name: str = "rule", **more: Any) -> Record:
    properties = {"Name": name, "EventPattern": {"source": ["mine"]}, "Targets": list(targets), **more}
    return await make(cloud, EventsRule(cloud), name, properties)


async def permission(cloud: Cloud, source: str) -> None:
    handler = build_handlers(cloud)["AWS::Lambda::Permission"]
    given = {"Action": "lambda:InvokeFunction", "FunctionName": "work", "Principal": "events.amazonaws.com",
             "SourceArn": source}  # fmt: skip
    await make(cloud, handler, "Permission", given)


async def queue(cloud: Cloud, name: str, *, of: str | None = None, **more: Any) -> Queue:
    """A queue that takes events of the rule with this ARN."""
    record = await make(cloud, SqsQueue(cloud), name, {"QueueName": name, **more})
    made = cloud.queues.catalog.queue(record.identifier)
    if of is not None:
        statement = {
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": made.arn, "Condition": {"ArnEquals": {"aws:SourceArn": of}},
        }  # fmt: skip
        document = {"Version": "2012-10-17", "Statement": [statement]}
        cloud.world.put(
            Record("AWS::SQS::QueueInlinePolicy", record.identifier, {"Queue": record.identifier,
                   "PolicyDocument": document}, {}, "t", "s", "s", "Policy", {})
        )  # fmt: skip
    return made


def arn_of(name: str) -> str:
    return f"arn:aws:events:{REGION}:000000000000:rule/{name}"


async def seen(file: Path, number: int = 1) -> list[Any]:
    for _ in range(400):
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) >= number:
            return [json.loads(line) for line in lines]
        await asyncio.sleep(0.02)
    raise AssertionError(f"wanted {number} events, have {lines}")


async def idle(cloud: Cloud) -> None:
    for _ in range(400):
        if not cloud.events.pending():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("deliveries are left")


def test_a_function_gets_the_event_its_rule_takes_and_no_other(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        await python(cloud, KEEP.format(file=str(tmp_path / "seen")))
        made = await rule(cloud, {"Id": "it", "Arn": FUNCTION_ARN})
        await permission(cloud, made.attributes["Arn"])
        cloud.events.put("other", "Thing", [], {})
        identifier = cloud.events.put("mine", "Thing", ["arn:x"], {"n": 1})
        ((_, event),) = await seen(tmp_path / "seen")
        assert event | {"time": ""} == {
            "version": "0", "id": identifier, "detail-type": "Thing", "source": "mine", "account": "000000000000",
            "time": "", "region": REGION, "resources": ["arn:x"], "detail": {"n": 1},
        }  # fmt: skip

    story(tmp_path / "state", tell)


def test_an_idle_plane_delivers_within_50_ms(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        inbox = await queue(cloud, "inbox", of=arn_of("rule"))
        await rule(cloud, {"Id": "it", "Arn": inbox.arn})
        await asyncio.sleep(0.1)
        took = []
        for number in range(20):
            began = time.perf_counter()
            cloud.events.put("mine", "Thing", [], {"n": number})
            await cloud.queues.catalog.wait(inbox, 1)
            took.append(time.perf_counter() - began)
            assert len(cloud.queues.catalog.receive(inbox, 10)) == 1
        assert sorted(took)[10] < 0.05, took

    story(tmp_path, tell)


def test_without_a_permission_nothing_is_delivered_and_the_functions_log_says_why(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        await python(cloud, KEEP.format(file=str(tmp_path / "seen")))
        await rule(cloud, {"Id": "it", "Arn": FUNCTION_ARN})
        await permission(cloud, arn_of("another"))
        cloud.events.put("mine", "Thing", [], {})
        await idle(cloud)
        assert cloud.functions.events.pending() == 0
        (line,) = [line for line in cloud.logs.tail("/aws/lambda/work", 50) if "is not delivered" in line]
        assert "not authorized to perform: lambda:InvokeFunction" in line
        (unit,) = cloud.events.status()
        assert "1 not delivered, last: events.amazonaws.com" in (unit.detail or "")

    story(tmp_path / "state", tell)


def test_a_queue_takes_what_its_policy_allows(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        inbox, closed = await queue(cloud, "inbox", of=arn_of("rule")), await queue(cloud, "closed")
        await rule(cloud, {"Id": "one", "Arn": inbox.arn, "InputPath": "$.detail"}, {"Id": "two", "Arn": closed.arn})
        cloud.events.put("mine", "Thing", [], {"n": 1})
        await idle(cloud)
        (message,) = cloud.queues.catalog.receive(inbox, 10)
        assert json.loads(message.body) == {"n": 1}
        assert cloud.queues.catalog.receive(closed, 10) == []
        assert "not authorized to perform: sqs:SendMessage" in cloud.logs.tail("/aws/events/rule", 1)[0]

    story(tmp_path, tell)


def test_a_role_lets_the_rule_send_instead_of_a_policy(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        inbox, other = await queue(cloud, "inbox"), await queue(cloud, "other")
        statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": inbox.arn}
        policies = [{"PolicyName": "send", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}]
        given = {"AssumeRolePolicyDocument": {}, "Policies": policies}
        role = await make(cloud, build_handlers(cloud)["AWS::IAM::Role"], "Role", given)
        taken = {"RoleArn": role.attributes["Arn"]}
        await rule(cloud, {"Id": "one", "Arn": inbox.arn, **taken}, {"Id": "two", "Arn": other.arn, **taken})
        cloud.events.put("mine", "Thing", [], {})
        await idle(cloud)
        assert len(cloud.queues.catalog.receive(inbox, 10)) == 1
        assert cloud.queues.catalog.receive(other, 10) == []

    story(tmp_path, tell)


def test_a_topic_takes_what_a_role_may_publish(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        topic = await make(cloud, SnsTopic(cloud), "News", {"TopicName": "news"})
        arn = str(topic.attributes["TopicArn"])
        statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": arn}
        policies = [{"PolicyName": "tell", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}]
        given = {"AssumeRolePolicyDocument": {}, "Policies": policies}
        role = await make(cloud, build_handlers(cloud)["AWS::IAM::Role"], "Role", given)
        published: list[str] = []

        def publish(topic: Any, drafts: Any) -> list[Any]:
            published.extend(str(item) for item in drafts)
            return []

        cloud.topics.catalog.publish = publish  # type: ignore[method-assign]
        await rule(cloud, {"Id": "one", "Arn": arn, "RoleArn": role.attributes["Arn"]}, {"Id": "two", "Arn": arn})
        cloud.events.put("mine", "Thing", [], {"n": 7})
        await idle(cloud)
        assert len(published) == 1
        assert "not authorized to perform: sns:Publish" in cloud.logs.tail("/aws/events/rule", 1)[0]

    story(tmp_path, tell)


def test_what_can_not_be_delivered_goes_to_the_dead_letter_queue(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        dead = await queue(cloud, "dead", of=arn_of("rule"))
        gone = dead.arn.replace("dead", "gone")
        await rule(cloud, {"Id": "one", "Arn": FUNCTION_ARN, "DeadLetterConfig": {"Arn": dead.arn}})
        await rule(cloud, {"Id": "one", "Arn": FUNCTION_ARN, "DeadLetterConfig": {"Arn": gone}}, name="lost")
        cloud.events.put("mine", "Thing", [], {"n": 1})
        await idle(cloud)
        (message,) = cloud.queues.catalog.receive(dead, 10)
        assert json.loads(message.body)["detail"] == {"n": 1}
        found = {name: value["StringValue"] for name, value in message.attributes.items()}
        assert found == {
            "RULE_ARN": arn_of("rule"), "TARGET_ARN": FUNCTION_ARN, "ERROR_CODE": "RESOURCE_NOT_FOUND",
            "ERROR_MESSAGE": f"Function not found: {FUNCTION_ARN}", "RETRY_ATTEMPTS": "0",
        }  # fmt: skip
        assert "nor to its dead letter queue" in cloud.logs.tail("/aws/events/lost", 1)[0]

    story(tmp_path, tell)


def test_a_fault_of_the_store_is_tried_again_until_the_retry_policy_ends_it(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        moment = [1000.0]
        events = Events(cloud, clock=lambda: moment[0])
        inbox = await queue(cloud, "inbox", of=arn_of("rule"))
        await rule(cloud, {"Id": "one", "Arn": inbox.arn, "RetryPolicy": {"MaximumRetryAttempts": 2}})
        failing = [3]

        def send(*given: Any) -> Any:
            if failing[0]:
                failing[0] -= 1
                raise sqlite3.OperationalError("database or disk is full")
            return Queue.send(inbox, *given)

        inbox.send = send  # type: ignore[method-assign]
        for rounds, pending in ((2, 0), (3, 1)):
            failing[0] = rounds
            events.put("mine", "Thing", [], {})
            for _ in range(rounds):
                assert events.pending() == 1
                assert events.deliver_due() == 1
                assert events.deliver_due() == 0, "it is tried again at once"
                moment[0] += 100
            if rounds == 2:
                assert events.deliver_due() == 1
            assert events.pending() == 0
            assert len(cloud.queues.catalog.receive(inbox, 10)) == (1 if pending == 0 else 0)
        assert "disk is full" in cloud.logs.tail("/aws/events/rule", 1)[0]

    async def run() -> None:
        async with events_cloud(tmp_path) as cloud:
            await cloud.events.stop()
            await tell(cloud)

    asyncio.run(run())


def test_a_bus_of_ones_own_a_disabled_rule_and_a_removed_one(tmp_path: Path) -> None:
    async def tell(cloud: Cloud) -> None:
        with pytest.raises(HandlerError, match="Event bus own does not exist"):
            await rule(cloud, EventBusName="own")
        bus = await make(cloud, EventBus(cloud), "Bus", {"Name": "own"})
        source = arn_of("own/here")
        inbox = await queue(cloud, "inbox", of=source)
        to = {"Id": "one", "Arn": inbox.arn}
        here = await rule(cloud, to, name="here", EventBusName=bus.attributes["Arn"])
        await rule(cloud, to, name="off", EventBusName="own", State="DISABLED")
        assert here.identifier == "own|here"
        assert here.attributes["Arn"] == source
        cloud.events.put("mine", "Thing", [], {})
        cloud.events.put("mine", "Thing", [], {}, bus="own")
        await idle(cloud)
        assert len(cloud.queues.catalog.receive(inbox, 10)) == 1
        cloud.events.put("mine", "Thing", [], {}, bus="own")
        cloud.world.remove(here.type_name, here.identifier)
        await idle(cloud)
        assert cloud.queues.catalog.receive(inbox, 10) == []

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"EventPattern": {"source": "mine"}}, "Event pattern is not valid. Reason: \"source\" must be an object"),
        ({"Targets": [{"Id": "a", "Arn": "arn:aws:kinesis:eu-west-1:0:stream/t"}]}, "functions, queues and topics"),
        ({"Targets": [{"Id": "a", "Arn": FUNCTION_ARN + ":live"}]}, "functions, queues and topics"),
        ({"Targets": [{"Id": "a", "Arn": FUNCTION_ARN}, {"Id": "a", "Arn": FUNCTION_ARN}]}, "same Id"),
        ({"Targets": [{"Id": str(n), "Arn": FUNCTION_ARN} for n in range(6)]}, "at most 5"),
        ({"Targets": [{"Id": "a", "Arn": "arn:aws:sqs:x:000000000000:q.fifo"}]}, "SqsParameters must be specified"),
        ({"Targets": [{"Id": "a", "Arn": FUNCTION_ARN, "DeadLetterConfig": {"Arn": "arn:aws:sqs:x:0:q.fifo"}}]},
         "must be a standard SQS queue"),
        ({"Targets": [{"Id": "a", "Arn": FUNCTION_ARN, "InputPath": "x"}]}, "Invalid JSON path"),
        ({"State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}, "no CloudTrail"),
    ],
)  # fmt: skip
def test_a_rule_awss_eventbridge_would_refuse_is_refused(tmp_path: Path, properties: Any, reason: str) -> None:
    async def tell(cloud: Cloud) -> None:
        with pytest.raises(HandlerError, match=reason):
            await rule(cloud, **properties)

    story(tmp_path, tell)


KILLED = """
import asyncio, os, sys
sys.path.insert(0, "tests/localcloud")
from pathlib import Path
from events.test_event_rules import arn_of, events_cloud, queue, rule

async def main():
    async with events_cloud(Path(sys.argv[1])) as cloud:
        inbox = await queue(cloud, "inbox", of=arn_of("rule"))
        await rule(cloud, {"Id": "it", "Arn": inbox.arn})
        for number in range(250):
            cloud.events.put("mine", "Thing", [], {"n": number})
        print("put", flush=True)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_what_was_put_is_delivered_after_a_kill(tmp_path: Path) -> None:
    """Nothing had been delivered: the loop had no turn between the puts and the kill."""
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)], capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert ended.stdout == b"put\n"
    assert (tmp_path / "state.db").exists() or os.listdir(tmp_path)

    async def tell(cloud: Cloud) -> None:
        await idle(cloud)
        inbox = cloud.queues.catalog.queue("inbox")
        found: list[int] = []
        while messages := cloud.queues.catalog.receive(inbox, 10):
            found += [json.loads(message.body)["detail"]["n"] for message in messages]
        assert sorted(found) == list(range(250))

    story(tmp_path, tell)
