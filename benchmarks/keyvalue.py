"""Key-value throughput: this store through its endpoint beside moto's server, and the store's calls alone.

Input: none (`python benchmarks/keyvalue.py [seconds per line, default 3]`). Output: one line per operation on standard
output: operations per second of one sequential boto3 client against each server in a process of its own, of a minimal
client with one kept-open connection (boto3 itself takes most of the time otherwise), and of `DynamoDb.answer` in
process. Needs the `dev` extra (boto3, moto with its server). Every line is bounded by its seconds; nothing is left
behind.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

REGION = "eu-west-1"
TABLE: dict[str, Any] = {
    "TableName": "bench",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
KEYS = 1000


def item(number: int) -> dict[str, Any]:
    """About 200 bytes, as an order or a bid has."""
    return {
        "pk": {"S": f"key-{number % KEYS}"},
        "name": {"S": "x" * 100},
        "price": {"N": str(number)},
        "tags": {"SS": ["a", "b"]},
        "place": {"M": {"city": {"S": "Oslo"}, "open": {"BOOL": True}}},
    }


def requests(action: str) -> Callable[[int], dict[str, Any]]:
    if action == "PutItem":
        return lambda number: {"TableName": "bench", "Item": item(number)}
    if action == "GetItem":
        return lambda number: {"TableName": "bench", "Key": {"pk": {"S": f"key-{number % KEYS}"}}}
    return lambda number: {
        "TableName": "bench",
        "Key": {"pk": {"S": f"key-{number % KEYS}"}},
        "UpdateExpression": "SET price = :p",
        "ConditionExpression": "attribute_not_exists(price) OR price < :p",
        "ExpressionAttributeValues": {":p": {"N": str(number + 1_000_000)}},
    }


def rate(act: Callable[[int], Any], seconds: float) -> float:
    """Calls per second, after a short warm-up."""
    numbers = itertools.count()
    for _ in range(20):
        act(next(numbers))
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        act(next(numbers))
        count += 1
    return count / spent


def serve_store(pipe: Connection) -> None:
    """The endpoint with the store behind it, until the pipe closes."""
    from klotho.localcloud.credentials import Credentials
    from klotho.localcloud.database import Database
    from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
    from klotho.localcloud.identity import ACCOUNT
    from klotho.localcloud.services.dynamodb import DynamoDb

    async def run(state: Path) -> None:
        credentials = Credentials(Database(state / "state.sqlite3"))
        service = DynamoDb(state, REGION, ACCOUNT)
        listener = bind(0)
        port = listener.getsockname()[1]
        server = EndpointServer(Endpoint((service,), credentials, REGION, port), listener)
        await server.start()
        key = credentials.deployer()
        pipe.send((port, key.id, key.secret))
        await asyncio.to_thread(pipe.poll, None)
        await server.stop()
        await service.stop()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def serve_moto(pipe: Connection) -> None:
    from moto.server import ThreadedMotoServer

    # A line of log for each request would slow moto down unfairly.
    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    pipe.send((port, "AKIATESTING", "testing"))
    pipe.poll(None)
    server.stop()


@contextmanager
def serving(target: Callable[[Connection], None]) -> Any:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(30):
            raise TimeoutError("the server did not start within 30 s")
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(5)
        if process.is_alive():
            process.kill()


def through_boto3(address: tuple[int, str, str], seconds: float) -> dict[str, float]:
    import boto3

    port, key, secret = address
    client = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
    client.create_table(**TABLE)
    methods = {"PutItem": client.put_item, "GetItem": client.get_item, "UpdateItem": client.update_item}
    found: dict[str, float] = {}
    for action, method in methods.items():
        request = requests(action)
        found[action] = rate(lambda number, method=method, request=request: method(**request(number)), seconds)
    return found


def through_http(address: tuple[int, str, str], seconds: float) -> dict[str, float]:
    """Signed by botocore's signer, sent by the standard library: what a lean client sees."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    port, key, secret = address
    url = f"http://127.0.0.1:{port}/"
    signer = SigV4Auth(Credentials(key, secret), "dynamodb", REGION)
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def send(action: str, body: bytes) -> None:
        headers = {"X-Amz-Target": f"DynamoDB_20120810.{action}", "Content-Type": "application/x-amz-json-1.0"}
        request = AWSRequest("POST", url, headers=headers, data=body)
        signer.add_auth(request)
        connection.request("POST", "/", body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(content.decode())

    found: dict[str, float] = {}
    for action in ("PutItem", "GetItem", "UpdateItem"):
        request = requests(action)
        found[action] = rate(
            lambda number, action=action, request=request: send(action, orjson.dumps(request(number))), seconds
        )
    return found


def in_process(seconds: float) -> dict[str, float]:
    from klotho.localcloud.identity import ACCOUNT
    from klotho.localcloud.services.dynamodb import DynamoDb

    with tempfile.TemporaryDirectory() as folder:
        service = DynamoDb(Path(folder), REGION, ACCOUNT)
        service.answer("CreateTable", orjson.dumps(TABLE))
        found: dict[str, float] = {}
        for action in ("PutItem", "GetItem", "UpdateItem"):
            request = requests(action)

            def act(number: int, action: str = action, request: Any = request) -> None:
                answer = service.answer(action, orjson.dumps(request(number)))
                if answer.status != 200:
                    raise RuntimeError(answer.body.decode())

            found[action] = rate(act, seconds)
        service.catalog.close()
    return found


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    columns = {"store, in process": in_process(seconds)}
    with serving(serve_store) as address:
        columns["store, boto3"] = through_boto3(address, seconds)
        columns["store, lean client"] = through_http(address, seconds)
    with serving(serve_moto) as address:
        columns["moto server, boto3"] = through_boto3(address, seconds)
        columns["moto server, lean client"] = through_http(address, seconds)
    print(f"operations per second, one sequential client, {os.cpu_count()} cores, {seconds:g} s each")
    for name, found in columns.items():
        print(f"{name:26}", "  ".join(f"{action} {value:8,.0f}" for action, value in found.items()))


if __name__ == "__main__":
    main()
