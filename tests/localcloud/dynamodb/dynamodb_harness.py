"""The store called in process, and the real endpoint in front of it for boto3."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.endpoint import Endpoint, EndpointServer, bind
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.services.dynamodb import DynamoDb

REGION = "eu-west-1"

Item = dict[str, Any]


class Refused(Exception):
    """An error answer of the store."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.code = body["__type"].rpartition("#")[2]
        self.message = body["message"]
        self.body = body
        super().__init__(f"{self.code}: {self.message}")


class Store:
    """A `DynamoDb` on a folder, called with plain keyword arguments."""

    def __init__(self, state: Path, **options: Any) -> None:
        self.service = DynamoDb(state, REGION, ACCOUNT, **options)

    def call(self, action: str, **request: Any) -> Any:
        answer = self.service.answer(action, json.dumps(request).encode())
        body = json.loads(answer.body)
        if answer.status != 200:
            raise Refused(body)
        return body

    def table(self, name: str = "things", sort: str | None = "N", **more: Any) -> str:
        """A table with partition key `pk` (text) and sort key `sk` of the given type, None for no sort key."""
        request = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", **keys("pk", "sk" if sort else None, sort)}
        extra = more.pop("attributes", {})
        request["AttributeDefinitions"] += [
            {"AttributeName": key, "AttributeType": kind} for key, kind in extra.items()
        ]
        self.call("CreateTable", **request, **more)
        return name

    def all(self, table: str) -> list[Item]:
        found: list[Item] = self.call("Scan", TableName=table)["Items"]
        return found


def keys(partition: str, sort: str | None = None, sort_type: str | None = None) -> dict[str, Any]:
    schema = [{"AttributeName": partition, "KeyType": "HASH"}]
    types = [{"AttributeName": partition, "AttributeType": "S"}]
    if sort is not None:
        schema.append({"AttributeName": sort, "KeyType": "RANGE"})
        types.append({"AttributeName": sort, "AttributeType": sort_type or "S"})
    return {"KeySchema": schema, "AttributeDefinitions": types}


def index(name: str, partition: str, sort: str | None = None, projection: Any = "ALL") -> dict[str, Any]:
    shape = {"ProjectionType": projection} if isinstance(projection, str) else projection
    return {"IndexName": name, "KeySchema": keys(partition, sort)["KeySchema"], "Projection": shape}


class ServedStore:
    """The store behind the real endpoint on an ephemeral port, in an event loop of its own thread."""

    def __init__(self, state: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.database = Database(state / "state.sqlite3")
        credentials = Credentials(self.database)
        self.key = credentials.deployer()
        self.service = DynamoDb(state, REGION, ACCOUNT, expiry_seconds=0.05)
        listener = bind(0)
        port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.server = EndpointServer(Endpoint((self.service,), credentials, REGION, port), listener)
        self.run(self.server.start())
        self.run(self.service.start())

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def client(self, service: str = "client") -> Any:
        make = boto3.client if service == "client" else boto3.resource
        return make(
            "dynamodb",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.key.id,
            aws_secret_access_key=self.key.secret,
            config=Config(retries={"max_attempts": 1, "mode": "standard"}, max_pool_connections=50),
        )

    def close(self) -> None:
        self.run(self.server.stop())
        self.run(self.service.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.database.close()


def put(store: Store, pk: str, sk: float, **more: Any) -> None:
    attributes = {name: {"S": value} if isinstance(value, str) else value for name, value in more.items()}
    store.call("PutItem", TableName="things", Item={"pk": {"S": pk}, "sk": {"N": str(sk)}, **attributes})


def query(store: Store, condition: str = "pk = :p", **more: Any) -> Any:
    values = {":p": {"S": "a"}, **more.pop("values", {})}
    return store.call(
        "Query", TableName="things", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
    )


def sorts(answer: Any) -> list[float]:
    return [float(item["sk"]["N"]) for item in answer["Items"]]


INDEXES = {
    "GlobalSecondaryIndexes": [
        index("by-owner", "owner", "day"),
        index("owners", "owner", None, "KEYS_ONLY"),
        index("some", "owner", None, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["colour"]}),
    ],
    "LocalSecondaryIndexes": [index("by-day", "pk", "day", "KEYS_ONLY")],
    "attributes": {"owner": "S", "day": "S"},
}


def by_index(store: Store, name: str, **more: Any) -> Any:
    return store.call(
        "Query",
        TableName="things",
        IndexName=name,
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "ann"}},
        **more,
    )
