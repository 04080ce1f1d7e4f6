"""The annotated shelf answers as the original does: SQLAlchemy, its asyncio and SQLModel on Postgres, redis-py on a
cache, aiocache on a table, a folder in a bucket, a key in a secret, in two units; Django on Postgres with a cache by an
environment variable; and events reach another unit."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.databases import redis_servers
from tests.examples.deployment import KLOTHO, Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


SHARDS = """import os

from redis.asyncio.cluster import RedisCluster as AsyncCluster
from redis.cluster import RedisCluster

# @klotho::persist { id = "shards" }
shards = RedisCluster.from_url(os.environ.get("CLUSTER_URL", "redis://localhost:6379"), decode_responses=True)

# @klotho::persist { id = "shares" }
shares = AsyncCluster.from_url(os.environ.get("CLUSTER_URL", "redis://localhost:6379"))
"""
SHARDS_SERVED = """
from shelf.shards import shards, shares


@app.get("/shards/{name}")
async def count_shards(name: str) -> dict[str, object]:
    shards.set(f"shard {name}", name)
    return {"count": await shares.incr(name), "name": shards.get(f"shard {name}")}
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Where the originals count: caches of this machine, without data."""
    with redis_servers(tmp_path_factory) as (node, cluster):
        url = f"redis://127.0.0.1:{node}"
        yield {"REDIS_PORT": str(node), "VISITS_URL": url, "CLUSTER_URL": f"redis://127.0.0.1:{cluster}"}


@pytest.fixture(scope="module")
def shelf(deploy: Deploy, servers: Mapping[str, str]) -> Deployment:
    """With clients of clusters beside those that the example has."""
    deployment = deploy("annotated-shelf-python")
    deployment.environment = {**deployment.environment, **servers}
    Path(deployment.folder, "shelf", "shards.py").write_text(SHARDS, encoding="utf-8")
    main, requests = deployment.folder / "main.py", deployment.folder / "requests.json"
    main.write_text(main.read_text(encoding="utf-8") + SHARDS_SERVED, encoding="utf-8")
    asked = [*json.loads(requests.read_text(encoding="utf-8")), *({"path": f"/shards/{name}"} for name in "abcab")]
    requests.write_text(json.dumps(asked), encoding="utf-8")
    assert {"main-unit", "search-unit"} <= set(deployment.up())
    key = Path(deployment.folder, "signing-key.txt")
    with key.open("rb") as value:
        command = [str(KLOTHO), "secret", "set", "signing-key"]
        subprocess.run(command, cwd=deployment.folder, env=dict(deployment.environment), stdin=value, check=True)
    return deployment


def test_every_store_of_the_shelf_answers_as_the_original_on_every_route(shelf: Deployment) -> None:
    found = json.loads(shelf.klotho("verify", "--json").stdout)
    assert found["differences"] == []
    assert found["requests"] == len(json.loads((shelf.folder / "requests.json").read_text(encoding="utf-8")))


def test_what_the_stores_hold_survives_a_change_of_code_and_a_move_into_containers(shelf: Deployment) -> None:
    code = shelf.folder / "shelf" / "notes.py"
    code.write_text(code.read_text(encoding="utf-8").replace("there is such a note", "twice"), encoding="utf-8")
    with (shelf.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("defaults: {execution_unit: {type: fargate}}\n")
    shelf.up()
    client = shelf.client("shelf-api")
    assert client.post("/notes", {"text": "one"}).json == {"detail": "twice"}  # SQLAlchemy
    assert client.get("/media").json["names"] == [
        "b.log",
        "b.txt",
        "c.log",
    ]  # a bucket, which the other unit reads, too
    assert client.get("/visits/home").json == {"visits": 3}  # Redis


def test_a_program_of_django_in_two_units_answers_as_the_original(deploy: Deploy, servers: Mapping[str, str]) -> None:
    deployment = deploy("annotated-library-django")
    deployment.environment = {**deployment.environment, **servers}
    assert {"main-unit", "reviews-unit"} <= set(deployment.up())
    found = json.loads(deployment.klotho("verify", "--json").stdout)
    assert (found["differences"], found["requests"]) == ([], 14)
    written = [path.read_text(encoding="utf-8") for path in (deployment.folder / "compiled").rglob("*.json")]
    assert written and not any("VISITS_URL" in text for text in written)  # set in the process, with its password


def test_events_reach_the_listeners_of_another_unit_on_lambda_and_in_a_container(deploy: Deploy) -> None:
    deployment = deploy("annotated-events-python")
    assert {"main-unit", "mailer-unit"} <= set(deployment.up())
    found = json.loads(deployment.klotho("verify", "--json").stdout)
    assert (found["differences"], found["requests"]) == ([], 7)
    wanted = {"Rex": "Dear Ada, Rex is yours.", "Tom": "Dear Bo, Tom is yours."}
    assert _letters(deployment, wanted) == wanted
    with (deployment.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("execution_units: {mailer: {type: fargate}}\n")
    deployment.up()
    deployment.client("adoptions-api").post("/adoptions/Kim?owner=Cy", {})
    assert _letters(deployment, {**wanted, "Kim": "Dear Cy, Kim is yours."})["Kim"] == "Dear Cy, Kim is yours."


def _letters(deployment: Deployment, wanted: dict[str, str]) -> dict[str, str]:
    """What is there once what is wanted is, or after 20 s."""
    client, deadline = deployment.client("adoptions-api"), time.monotonic() + 20
    while (found := client.get("/letters").json) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return dict(found)
