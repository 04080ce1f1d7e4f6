"""A shop in Go answers as the original does: database/sql with lib/pq, GORM and pgx on Postgres, go-redis on a cache,
gocloud's buckets in S3 and a secret of the environment, in two units."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.conftest import Deploy
from tests.examples.databases import postgres, redis_servers
from tests.examples.deployment import Deployment
from tests.go_modules import go_on_path, with_go_sum

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]
SHOP = Path(__file__).parent / "go_shop"
KEY = "s3cret"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the original keeps things: a database and a cache of this machine, without data."""
    with redis_servers(tmp_path_factory) as ports, postgres(tmp_path_factory.mktemp("postgres")) as database:
        url = f"{database}?sslmode=disable"
        yield {"DATABASE_URL": url, "LEDGER_URL": url, "VISITS_URL": f"redis://127.0.0.1:{ports[0]}"}


@pytest.fixture(scope="module")
def shop(deploy: Deploy, servers: dict[str, str]) -> Iterator[Deployment]:
    with go_on_path():
        deployment = deploy("annotated-pets")
        for path in deployment.folder.iterdir():
            if path.name != "klotho.yaml":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(SHOP, deployment.folder, dirs_exist_ok=True)
        with_go_sum(deployment.folder)
        deployment.environment = {**deployment.environment, **servers, "RECEIPT_KEY": KEY}
        assert {"main-unit", "receipts-unit"} <= set(deployment.up())
        deployment.set_secret("receipt-key", KEY.encode())
        yield deployment


def test_every_store_of_the_shop_answers_as_the_original_on_every_route(shop: Deployment) -> None:
    found = json.loads(shop.klotho("verify", "--json").stdout)
    assert found["differences"] == []
    assert found["requests"] == len(json.loads((SHOP / "requests.json").read_text(encoding="utf-8")))


def test_no_password_is_in_what_was_compiled(shop: Deployment) -> None:
    written = [path.read_text(encoding="utf-8") for path in (shop.folder / "compiled").rglob("*.json")]
    assert written
    assert not any("DATABASE_URL" in text or KEY in text for text in written)


def test_what_the_stores_hold_survives_a_move_into_containers(shop: Deployment) -> None:
    with (shop.folder / "klotho.yaml").open("a", encoding="utf-8") as settings:
        settings.write("defaults: {execution_unit: {type: fargate}}\n")
    shop.up()
    client = shop.client("shop-api")
    assert [order["item"] for order in client.get("/orders").json] == ["tea", "Käse"]  # lib/pq
    assert client.get("/orders/1/receipt").text.startswith("tea x2\n")  # a bucket, of the other unit
    assert client.get("/visits/home").json == {"visits": 3}  # go-redis
    assert client.call("PUT", "/customers/Cy").json["all"] == 3  # GORM
    until = "2026-12-24T18:00:00Z"
    made = client.post("/orders", {"item": "nuts", "count": 1, "until": until}).json
    assert (made["order"]["item"], made["receipts"]) == ("nuts", 3)  # pgx
