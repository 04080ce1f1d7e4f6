"""The annotated shelf answers as the original does: SQLAlchemy, its asyncio and SQLModel on Postgres, redis-py on a
cache, aiocache on a table, a folder in a bucket, a key in a secret, in two units; and events reach another unit."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from klotho.localcloud.planes.redis_programs import program
from tests.examples.conftest import Deploy
from tests.examples.deployment import KLOTHO, Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def redis_of_the_original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis server without data."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [str(program().path), "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL)
    yield port
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="module")
def shelf(deploy: Deploy, redis_of_the_original: int) -> Deployment:
    deployment = deploy("annotated-shelf-python")
    deployment.environment = {**deployment.environment, "REDIS_PORT": str(redis_of_the_original)}
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
