"""A project of many applications: joined and validated, and published to and read from the local cloud's S3.

Input: none (`python benchmarks/registry.py`). Output: a line for each figure (`figures.line`). The server is a process
of its own on loopback and checks signature and permission; the bucket has versions, as the bootstrap stack's has. Needs
the `dev` extra.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import servers
from figures import line

from klotho.application import Application, Construct, Relationship
from klotho.deploy.place import translated
from klotho.diagnostics import Span
from klotho.registry import Entry, News, Origin, Publication, Registry, Snapshot, digest_of, join
from klotho.stores import Remembered
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


def sharing(number: int) -> Application:
    """The same, whose functions also read the table of the application before, and attach routes to one API of all."""
    plain = application(number)
    before = Construct("Databases.KeyValue", f"own{(number - 1) % APPLICATIONS}", {}, Span("infra.py", 200), None, True)
    own = Construct("Databases.KeyValue", f"own{number}", {"key": "id"}, Span("infra.py", 201))
    api = Construct("API", "shared", {}, Span("infra.py", 202), None, number != 0)
    functions = [item for item in plain.constructs if item.kind == "Compute.Function"]
    attached = [
        Relationship(
            "attach_service", api.id, item.id, {"route": f"/app{number}/{item.name}/{{id}}"}, Span("infra.py", 203)
        )
        for item in functions
    ]
    reads = [Relationship("reads_from", item.id, before.id, {}, Span("infra.py", 204)) for item in functions]
    kept = tuple(item for item in plain.constructs if item.name not in ("table0", "table1", "table2"))
    relationships = tuple(
        item for item in plain.relationships if item.target.rpartition("/")[2] not in ("table0", "table1", "table2")
    )
    return replace(
        plain, project="share", constructs=(*kept, before, own, api), relationships=(*relationships, *reads, *attached)
    )


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


def entries_of(apps: list[Application]) -> Snapshot:
    entries = []
    for app in apps:
        said = news(app, 0)
        entries.append(Entry(app, "prod", said.region, said.origin, (said.publication,), said.needs, said.outputs))
    return Snapshot(apps[0].project, "prod", tuple(entries))


def shared_projects() -> None:
    """Everybody uses something of somebody: when all fits, and when most of it does not."""
    many = f"{APPLICATIONS} applications of {CONSTRUCTS} constructs that share"
    apps = [sharing(number) for number in range(APPLICATIONS)]
    snapshot = entries_of(apps)
    assert join(snapshot, apps[7], "/here") == []
    line(f"joined validation of {many}", seconds(lambda run: join(snapshot, apps[7], "/here")), "s", less_than=1.0)
    owners = entries_of([replace(app, constructs=(*app.constructs[:-2], app.constructs[-1])) for app in apps])
    found = join(owners, apps[0], "/here")
    assert len(found) > APPLICATIONS / 2, "nobody has what the others refer to"
    line(
        f"  of which {len(found)} do not fit",
        seconds(lambda run: join(owners, apps[0], "/here"), 5),
        "s",
        less_than=1.0,
    )
    guarded = replace(apps[0], relationships=(*apps[0].relationships, *_rules(apps[0])))
    found = join(snapshot, guarded, "/here")
    line(
        f"  whose API gets rules for {len(found)} repositories",
        seconds(lambda run: join(snapshot, guarded, "/here"), 5),
        "s",
        less_than=1.0,
    )


def _rules(app: Application) -> list[Relationship]:
    api = next(item for item in app.constructs if item.kind == "API")
    judge = next(item for item in app.constructs if item.kind == "Compute.Function")
    routes = ["/", "/app1", "/app2/work1/{id}"]
    return [
        Relationship("authenticates_with", api.id, judge.id, {"route": item}, Span("infra.py", 300)) for item in routes
    ]


def main() -> None:
    shared_projects()
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
        line(f"read and join {many} from it, for the first time", joined * 1000, "ms")
        with tempfile.TemporaryDirectory() as folder:
            known = Registry(store, "acme", "prod", Remembered(Path(folder)))
            known.snapshot()
            joined = seconds(lambda run: join(known.snapshot(), apps[7], "/here"))
        line("the same again, nothing new", joined * 1000, "ms", less_than=200)


if __name__ == "__main__":
    main()
