"""Topic throughput: messages published by boto3 and fanned out to two queues.

Input: none (`python benchmarks/topics.py [messages, default 2000]`). Output: messages per second on standard output,
each of them in both queues at the end: published by ten (PublishBatch by boto3 over the endpoint in this process), one
by one, and in process, without the endpoint. The policies of the queues are evaluated. Needs the `dev` extra.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REGION = "eu-west-1"
BODY = '{"order": 7, "lines": [' + ", ".join('{"sku": "book", "count": 2}' for _ in range(5)) + "]}"


class Bench:
    """Endpoint, SNS and SQS in a loop of their own thread, with one topic and two queues that subscribed."""

    def __init__(self, state: Path) -> None:
        from klotho.localcloud.credentials import Credentials
        from klotho.localcloud.database import Database

        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.state = state
        self.database = Database(state / "state.sqlite3")
        self.credentials = Credentials(self.database)
        self.run(self._start())

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(120)

    async def _start(self) -> None:
        from klotho.localcloud.cloud import Cloud
        from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
        from klotho.localcloud.identity import ACCOUNT
        from klotho.localcloud.logs import Logs
        from klotho.localcloud.ports import Ports
        from klotho.localcloud.services.object_store import ObjectStore
        from klotho.localcloud.services.sns import Sns
        from klotho.localcloud.services.sqs import Sqs
        from klotho.localcloud.world import World

        listener = bind(0)
        port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.cloud = Cloud(
            project="bench", environment="local", region=REGION, state=self.state, endpoint_url=self.url,
            database=self.database, world=World(self.database), ports=Ports(self.database, "bench", "local"),
            logs=Logs(self.state), credentials=self.credentials, objects=ObjectStore(self.state),
        )  # fmt: skip
        self.cloud.queues = Sqs(self.state, REGION, ACCOUNT, self.url)
        self.cloud.topics = Sns(self.cloud)
        services = (self.cloud.queues, self.cloud.topics)
        self.server = EndpointServer(Endpoint(services, self.credentials, REGION, port), listener)
        await self.server.start()
        await self.cloud.topics.start()
        self.topic = self.cloud.topics.catalog.create_topic("bench", {}, {}, "bench")
        for name in ("left", "right"):
            self._subscribe(name)

    def _subscribe(self, name: str) -> None:
        from klotho.localcloud.handler import Record

        catalog = self.cloud.queues.catalog
        queue = catalog.create(name, {}, {}, name)
        url, common = catalog.url(queue), {"token": name, "stack_id": "s", "stack_name": "s", "logical_id": name}
        statement = {
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": queue.arn, "Condition": {"ArnEquals": {"aws:SourceArn": self.topic.arn}},
        }  # fmt: skip
        policy = {"Queue": url, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
        self.cloud.world.put(Record("AWS::SQS::Queue", url, {}, {"Arn": queue.arn}, tags={}, **common))
        self.cloud.world.put(Record("AWS::SQS::QueueInlinePolicy", url, policy, {}, tags={}, **common))
        self.cloud.topics.catalog.subscribe(self.topic, "sqs", queue.arn, {"RawMessageDelivery": True}, name)

    async def arrived(self) -> int:
        """Messages in the queue that has fewer."""
        queues = [self.cloud.queues.catalog.queue(name) for name in ("left", "right")]
        return min(sum(map(int, queue.counts().values())) for queue in queues)

    async def publish(self, count: int) -> None:
        from klotho.localcloud.services.sns.drafts import draft

        for _ in range(count):
            self.cloud.topics.catalog.publish(self.topic, [draft({"Message": BODY}, self.topic.definition)])
            await asyncio.sleep(0)

    async def stop(self) -> None:
        await self.server.stop()
        await self.cloud.topics.stop()
        await self.cloud.queues.stop()
        self.cloud.logs.close()

    def client(self) -> Any:
        import boto3

        key = self.credentials.deployer()
        make: Any = boto3.client
        return make(
            "sns", endpoint_url=self.url, region_name=REGION,
            aws_access_key_id=key.id, aws_secret_access_key=key.secret,
        )  # fmt: skip


@contextmanager
def running() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            yield bench
        finally:
            bench.run(bench.stop())
            bench.loop.call_soon_threadsafe(bench.loop.stop)


def fan_out(count: int, batch: int) -> float:
    """Messages a second from the first publish until all of them are in both queues; batch 0: in process."""
    with running() as bench:
        client = bench.client()
        start = time.perf_counter()
        if batch == 0:
            bench.run(bench.publish(count))
        for first in range(0, count if batch else 0, batch or 1):
            if batch == 1:
                client.publish(TopicArn=bench.topic.arn, Message=BODY)
            else:
                entries = [{"Id": str(number), "Message": BODY} for number in range(first, min(first + batch, count))]
                client.publish_batch(TopicArn=bench.topic.arn, PublishBatchRequestEntries=entries)
        while bench.run(bench.arrived()) < count:
            time.sleep(0.005)
        return count / (time.perf_counter() - start)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"messages per second, each to two queues; {count} messages of {len(BODY)} bytes, {os.cpu_count()} cores")
    print(f"{'published by ten':32} {fan_out(count, 10):8,.0f}")
    print(f"{'published one by one':32} {fan_out(count // 4, 1):8,.0f}")
    print(f"{'in process':32} {fan_out(count, 0):8,.0f}")


if __name__ == "__main__":
    main()
