"""A project of many applications: joined and validated, and published to and read from the local cloud's S3.

Input: none (`python benchmarks/registry.py`). Output: a line for each figure (`figures.line`). The server is a process
of its own on loopback and checks signature and permission; the bucket has versions, as the bootstrap stack's has. Needs
the `dev` extra.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import servers
from figures import line

from klotho.application import Application, Construct, Relationship
from klotho.deploy.place import translated
from klotho.diagnostics import Span
from klotho.registry import News, Origin, Publication, Registry, digest_of, join
from klotho.stores.bucket import BucketStore

APPLICATIONS, CONSTRUCTS = 50, 20
RUNS = 20
BUCKET = "klotho-projects-bench"


def application(number: int) -> Application:
    """Half functions, half tables they read, and one domain of its own."""
    half = CONSTRUCTS // 2

    def at(index: int) -> Span:
        return Span("infra.py", index + 3, 1, index + 3, 60)

    tables = [Construct("Databases.KeyValue", f"table{index}", {"key": "id"}, at(index)) for index in range(half)]
    handler = {"handler": "work.handler", "memory": 512, "environment": {"LEVEL": "info"}}
    functions = [Construct("Compute.Function", f"work{index}", handler, at(half + index)) for index in range(half - 1)]
    domain = Construct("Domain", f"a{number}.example", {}, at(CONSTRUCTS))
    reads = [
        Relationship("reads_from", one.id, other.id, {}, at(100)) for one, other in zip(functions, tables, strict=False)
    ]
    return Application(f"app{number:02}", "acme", None, None, (*tables, *functions, domain), tuple(reads))


def news(app: Application, run: int) -> News:
    published = Publication(1_790_000_000_000 + run, "ann", "laptop", "0.1.0", digest_of(app), f"{app.name}-{run}")
    outputs = {f"{item.name}.arn": f"arn:aws:made:up:{item.name}" for item in app.constructs}
    return News(app, "eu-west-1", Origin("/home/ann/app"), published, ("cluster", "vpc"), outputs)


def seconds(act: Callable[[int], Any], runs: int = RUNS) -> float:
    """The median of one act."""
    taken = []
    for run in range(runs):
        begun = time.perf_counter()
        act(run)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def stack() -> dict[str, Any]:
    bucket = {"Type": "AWS::S3::Bucket"}
    properties = {"BucketName": BUCKET, "VersioningConfiguration": {"Status": "Enabled"}}
    actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
    allowed = {
        "Effect": "Allow",
        "Action": actions,
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }
    return {"Projects": {**bucket, "Properties": properties}, "Role": servers.role([allowed])}


def main() -> None:
    apps = [application(number) for number in range(APPLICATIONS)]
    few = [replace(app, project="few") for app in apps[:3]]
    with servers.local_cloud(stack()) as address:
        client = address.client("s3")
        store = BucketStore(lambda: client, BUCKET, "", what="the registry", translated=translated)
        large, small = Registry(store, "acme", "prod"), Registry(store, "few", "prod")
        for registry, found in ((large, apps), (small, few)):
            for app in found:
                registry.publish(news(app, 0))
        snapshot = large.snapshot()
        assert len(snapshot.entries) == APPLICATIONS
        many = f"{APPLICATIONS} applications of {CONSTRUCTS} constructs"
        line(f"joined validation of {many}", seconds(lambda run: join(snapshot, apps[7], "/here")), "s", less_than=1.0)
        published = seconds(lambda run: large.publish(news(apps[3], run + 1)))
        line("publish to S3 in the local cloud", published * 1000, "ms", less_than=200)
        joined = seconds(lambda run: join(small.snapshot(), few[1], "/here"))
        line("read and join 3 applications from it", joined * 1000, "ms", less_than=200)
        joined = seconds(lambda run: join(large.snapshot(), apps[7], "/here"))
        line(f"read and join {many} from it", joined * 1000, "ms", less_than=200)


if __name__ == "__main__":
    main()
