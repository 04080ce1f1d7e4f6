"""Key-value puts and gets: the local cloud's endpoint beside moto's server and dynalite.

Input: none (`python benchmarks/keyvalue.py [seconds per figure, default 3]`). Output: a line for each figure
(`figures.line`). Each server is a process of its own on loopback and gets the same requests from this one: signed
before the clock starts over four kept connections, then by one boto3 client that waits for each answer (which then
takes most of the time itself). Only the local cloud checks signature and permission, and keeps the items on disk.
Needs the `dev` extra; dynalite comes by npm into a temporary folder, and without it its line says so.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import servers
from figures import REGION, Address, Request, line, missing, one_by_one, signed, throughput

TABLE: dict[str, Any] = {
    "TableName": "bench",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
KEYS = 1000
CONNECTIONS = 4
AIM = 1000


def item(number: int) -> dict[str, Any]:
    """About 200 bytes, as an order or a bid has."""
    return {
        "pk": {"S": f"key-{number % KEYS}"},
        "name": {"S": "x" * 100},
        "price": {"N": str(number)},
        "tags": {"SS": ["a", "b"]},
        "place": {"M": {"city": {"S": "Oslo"}, "open": {"BOOL": True}}},
    }


def parameters(action: str, number: int) -> dict[str, Any]:
    if action == "PutItem":
        return {"TableName": "bench", "Item": item(number)}
    key = {"pk": {"S": f"key-{number % KEYS}"}}
    if action == "GetItem":
        return {"TableName": "bench", "Key": key}
    return {
        "TableName": "bench",
        "Key": key,
        "UpdateExpression": "SET price = :p",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": {":p": {"N": str(number + 1_000_000)}},
    }


ACTIONS = {"PutItem": "put", "GetItem": "get", "UpdateItem": "conditional update"}


def stack() -> dict[str, Any]:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": TABLE}
    actions = [
        f"dynamodb:{name}" for name in ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "Query", *ACTIONS)
    ]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}
    return {"Table": table, "Role": servers.role([allowed])}


def requests(address: Address, action: str) -> list[Request]:
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{action}", "Content-Type": "application/x-amz-json-1.0"}
    return [
        signed(address, "dynamodb", "POST", "/", json.dumps(parameters(action, number)).encode(), headers)
        for number in range(KEYS)
    ]


def measure(who: str, address: Address, seconds: float, aim: float | None = None) -> None:
    for action, name in ACTIONS.items():
        found = throughput(address, requests(address, action), seconds, CONNECTIONS)
        aimed = aim if action != "UpdateItem" else None
        line(f"{who}: {name}, {CONNECTIONS} connections", found, "/s", more_than=aimed)
    client = address.client("dynamodb")
    methods = {"PutItem": client.put_item, "GetItem": client.get_item}
    for action, method in methods.items():
        found = one_by_one(lambda n, method=method, action=action: method(**parameters(action, n)), seconds)
        line(f"{who}: {ACTIONS[action]}, one boto3 client", found, "/s")


def in_process(seconds: float) -> None:
    """The store's calls alone."""
    from klotho.localcloud.identity import ACCOUNT
    from klotho.localcloud.services.dynamodb import DynamoDb

    with tempfile.TemporaryDirectory() as folder:
        service = DynamoDb(Path(folder), REGION, ACCOUNT)
        service.answer("CreateTable", json.dumps(TABLE).encode())
        for action, name in ACTIONS.items():

            def act(number: int, action: str = action) -> None:
                answer = service.answer(action, json.dumps(parameters(action, number)).encode())
                if answer.status != 200:
                    raise RuntimeError(answer.body.decode())

            line(f"local cloud's store, in process: {name}", one_by_one(act, seconds), "/s")
        service.catalog.close()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with servers.local_cloud(stack()) as address:
        measure("local cloud", address, seconds, AIM)
    with servers.moto() as address:
        address.client("dynamodb").create_table(**TABLE)
        measure("moto server", address, seconds)
    try:
        with servers.dynalite() as address:
            client = address.client("dynamodb")
            client.create_table(**TABLE)
            client.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})
            measure("dynalite", address, seconds)
    except servers.PeerMissingError as error:
        missing("dynalite", str(error))
    in_process(seconds)


if __name__ == "__main__":
    main()
