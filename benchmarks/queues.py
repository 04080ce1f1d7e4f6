"""Queue throughput: messages sent by boto3, received and handled by one function, beside the store's calls alone.

Input: none (`python benchmarks/queues.py [messages, default 5000]`). Output: messages per second on standard output:
the whole way (SendMessageBatch by boto3 over the endpoint in this process, the poller, real workers of one Python
function, deletion) for a standard queue and for a FIFO queue of 20 groups; the same with one SendMessage a message;
and sending, receiving and deleting in process. Target of the whole way: more than 500 a second. Needs the `dev` extra.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REGION = "eu-west-1"
SOURCE = """
import json

def handler(event, context):
    for record in event["Records"]:
        json.loads(record["body"])
"""
BODY = '{"order": 7, "lines": [' + ", ".join('{"sku": "book", "count": 2}' for _ in range(5)) + "]}"


class Bench:
    """Endpoint, SQS, functions and pollers in a loop of their own thread."""

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
        from klotho.localcloud.planes.functions import Functions
        from klotho.localcloud.planes.queue_events import QueueEvents
        from klotho.localcloud.ports import Ports
        from klotho.localcloud.services.object_store import ObjectStore
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
        self.cloud.functions, self.cloud.queue_events = Functions(self.cloud), QueueEvents(self.cloud)
        self.server = EndpointServer(Endpoint((self.cloud.queues,), self.credentials, REGION, port), listener)
        await self.server.start()
        await self.cloud.functions.start()
        await self._deploy()

    async def _deploy(self) -> None:
        from klotho.localcloud.handlers.lambda_function import LambdaFunction

        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("app.py", SOURCE)
        bucket = f"klotho-assets-000000000000-{REGION}"
        self.cloud.objects.put(bucket, "work.zip", buffer.getvalue())
        code = {"S3Bucket": bucket, "S3Key": "work.zip"}
        properties = {"Runtime": "python3.12", "Handler": "app.handler", "Code": code, "FunctionName": "work"}
        await self._make(LambdaFunction(self.cloud), "Work", {**properties, "Role": "arn:aws:iam::000000000000:role/r"})

    async def _make(self, handler: Any, logical_id: str, properties: dict[str, Any]) -> str:
        from klotho.localcloud.handler import Request

        outcome = await handler.create(Request(handler.type_name, logical_id, "bench", "bench", logical_id, properties))
        return str(outcome.identifier)

    async def queue(self, name: str, fifo: bool = False) -> str:
        from klotho.localcloud.handlers.event_source_mapping import EventSourceMapping
        from klotho.localcloud.handlers.sqs_queue import SqsQueue

        properties = {"FifoQueue": True, "ContentBasedDeduplication": True} if fifo else {}
        url = await self._make(SqsQueue(self.cloud), name, {"QueueName": name, **properties})
        arn = self.cloud.queues.catalog.queue(name).arn
        mapping = {"EventSourceArn": arn, "FunctionName": "work", "FunctionResponseTypes": ["ReportBatchItemFailures"]}
        await self._make(EventSourceMapping(self.cloud), f"{name}-mapping", mapping)
        return url

    async def left(self, name: str) -> int:
        return sum(map(int, self.cloud.queues.catalog.queue(name).counts().values()))

    async def stop(self) -> None:
        from klotho.localcloud.planes.processes import ProcessTable

        await self.cloud.queue_events.stop()
        await self.server.stop()
        await self.cloud.functions.stop()
        await self.cloud.queues.stop()
        ProcessTable.of(self.state).close()
        self.cloud.logs.close()

    def client(self) -> Any:
        import boto3

        key = self.credentials.deployer()
        make: Any = boto3.client
        return make(
            "sqs", endpoint_url=self.url, region_name=REGION,
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


def whole_way(bench: Bench, name: str, count: int, batch: int, fifo: bool = False) -> float:
    """Messages a second from the first send to the last delete."""
    client, url = bench.client(), bench.run(bench.queue(name, fifo))
    start = time.perf_counter()
    for first in range(0, count, batch):
        entries: list[dict[str, str]] = []
        for number in range(first, min(first + batch, count)):
            ids = {"MessageGroupId": str(number % 20), "MessageDeduplicationId": str(number)} if fifo else {}
            entries.append({"Id": str(number), "MessageBody": BODY, **ids})
        if batch == 1:
            client.send_message(QueueUrl=url, MessageBody=BODY)
        else:
            client.send_message_batch(QueueUrl=url, Entries=entries)
    while bench.run(bench.left(name)):
        time.sleep(0.005)
    return count / (time.perf_counter() - start)


def in_process(count: int) -> float:
    """Sends one by one, receives and deletes by ten, of the store alone."""
    from klotho.localcloud.identity import ACCOUNT
    from klotho.localcloud.services.sqs.catalog import Catalog
    from klotho.localcloud.services.sqs.drafts import Draft

    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder) / "sqs.db", REGION, ACCOUNT, "http://127.0.0.1:9")
        queue = catalog.create("bench", {}, {}, "bench")
        start = time.perf_counter()
        for _ in range(count):
            queue.send([Draft(BODY, {}, None, None, None, len(BODY))], "bench")
        while found := catalog.receive(queue, 10):
            queue.delete([item.receipt for item in found])
        spent = time.perf_counter() - start
        catalog.close()
    return count / spent


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print(f"messages per second, {count} messages of {len(BODY)} bytes, {os.cpu_count()} cores")
    with running() as bench:
        print(f"{'standard, sent by ten':32} {whole_way(bench, 'standard', count, 10):8,.0f}")
        print(f"{'FIFO of 20 groups, sent by ten':32} {whole_way(bench, 'fifo.fifo', count, 10, fifo=True):8,.0f}")
        print(f"{'standard, sent one by one':32} {whole_way(bench, 'single', count // 5, 1):8,.0f}")
    print(f"{'store alone, in process':32} {in_process(count):8,.0f}")


if __name__ == "__main__":
    main()
