"""Puts and gets of 16 KiB objects: the local cloud's endpoint beside moto's server.

Input: none (`python benchmarks/bucket.py [seconds per figure, default 3]`). Output: a line for each figure
(`figures.line`). Both servers are processes of their own on loopback and get the same requests: signed before the clock
starts over four kept connections, then by one boto3 client that waits for each answer. Only the local cloud checks
signature and permission, and has an object on disk before it answers. Needs the `dev` extra.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import servers
from figures import Address, Request, line, one_by_one, signed, throughput

BUCKET = "klotho-bench-objects"
SIZE = 16 * 1024
KEYS = 200
CONNECTIONS = 4
AIM = 500


def stack() -> dict[str, Any]:
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
    }
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}
    return {"Bucket": bucket, "Role": servers.role([allowed])}


def content(number: int) -> bytes:
    """Other bytes for each number: nothing to share between objects."""
    return hashlib.shake_128(str(number).encode()).digest(SIZE)


def requests(address: Address, method: str) -> list[Request]:
    found = []
    for number in range(KEYS):
        body = content(number) if method == "PUT" else b""
        headers = {"Content-Type": "image/png"} if method == "PUT" else {}
        found.append(signed(address, "s3", method, f"/{BUCKET}/images/{number}", body, headers))
    return found


def measure(who: str, address: Address, seconds: float, aim: float | None = None) -> None:
    for method in ("PUT", "GET"):
        found = throughput(address, requests(address, method), seconds, CONNECTIONS)
        line(f"{who}: {method.lower()} of 16 KiB, {CONNECTIONS} connections", found, "/s", more_than=aim)
    client = address.client("s3")
    bodies = [content(number) for number in range(KEYS)]

    def put(number: int) -> None:
        client.put_object(Bucket=BUCKET, Key=f"images/{number % KEYS}", Body=bodies[number % KEYS])

    def get(number: int) -> None:
        answer = client.get_object(Bucket=BUCKET, Key=f"images/{number % KEYS}")
        if len(answer["Body"].read()) != SIZE:
            raise RuntimeError(f"object {number % KEYS} came back with another size")

    line(f"{who}: put of 16 KiB, one boto3 client", one_by_one(put, seconds), "/s")
    line(f"{who}: get of 16 KiB, one boto3 client", one_by_one(get, seconds), "/s")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with servers.local_cloud(stack()) as address:
        measure("local cloud", address, seconds, AIM)
    with servers.moto() as address:
        region = {"LocationConstraint": address.client("s3").meta.region_name}
        address.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
        measure("moto server", address, seconds)


if __name__ == "__main__":
    main()
