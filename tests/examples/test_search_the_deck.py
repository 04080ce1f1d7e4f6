"""Search the deck: a thousand slides through OCR and resize, each exactly once, found by a page behind the CDN."""

from __future__ import annotations

import importlib.util
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.examples.conftest import Deploy
from tests.examples.deployment import EXAMPLES, Client, Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(600)]

SLIDES = 1000
SECONDS_FOR_ALL = 240

_spec = importlib.util.spec_from_file_location("make_slides", EXAMPLES / "search-the-deck" / "make_slides.py")
assert _spec is not None and _spec.loader is not None
make_slides = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_slides)
COLOURS = make_slides.COLOURS


@pytest.fixture(scope="module")
def deck(deploy: Deploy) -> Deployment:
    """Up, with every twentieth slide failing at its first try."""
    deployment = deploy("search-the-deck")
    infra = deployment.folder / "infra.py"
    infra.write_text(infra.read_text(encoding="utf-8").replace('"FAIL_EVERY": 0', '"FAIL_EVERY": 20'), encoding="utf-8")
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def clients(deck: Deployment) -> Callable[[str], Any]:
    where = deck.supervisor
    make: Any = boto3.client

    def client(service: str) -> Any:
        return make(
            service,
            endpoint_url=where["endpoint_url"],
            region_name=where["region"],
            aws_access_key_id=where["access_key"],
            aws_secret_access_key=where["secret_key"],
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
        )

    return client


def scanned(clients: Callable[[str], Any], table: str) -> list[dict[str, Any]]:
    pages = clients("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


@pytest.fixture(scope="module")
def cards(deck: Deployment, clients: Callable[[str], Any]) -> list[dict[str, Any]]:
    """Puts all slides into the bucket, some twice, and waits until each has its card."""
    s3, bucket = clients("s3"), deck.klotho("outputs", "slides.bucket").stdout.strip()
    table = deck.klotho("outputs", "cards.table").stdout.strip()

    def put(number: int) -> None:
        s3.put_object(Bucket=bucket, Key=f"n{number:04d}.pgm", Body=make_slides.slide(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(SLIDES)))
        list(pool.map(put, range(0, SLIDES, 50)))  # put again: the same card
    deadline = time.monotonic() + SECONDS_FOR_ALL
    while len(found := scanned(clients, table)) < SLIDES:
        assert time.monotonic() < deadline, f"only {len(found)} cards"
        time.sleep(0.5)
    return found


def test_each_of_a_thousand_slides_has_exactly_one_card(cards: list[dict[str, Any]]) -> None:
    assert sorted(card["slide"]["S"] for card in cards) == [f"n{number:04d}.pgm" for number in range(SLIDES)]
    for card in cards:
        number = int(card["slide"]["S"][1:5])
        assert card["text"]["S"] == f"Slide n{number:04d} the {COLOURS[number % len(COLOURS)]} chart"


def test_what_failed_at_its_first_try_was_done_at_the_next_and_nothing_is_left(
    deck: Deployment, clients: Callable[[str], Any], cards: list[dict[str, Any]]
) -> None:
    sqs = clients("sqs")
    deadline = time.monotonic() + 60
    for queue in ("found", "failed"):
        url = deck.klotho("outputs", f"{queue}.url").stdout.strip()
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        while any(
            int(count) for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
        ):
            assert time.monotonic() < deadline, f"messages are left in {queue}"
            time.sleep(0.5)
    logs = deck.logs("resize")
    assert logs.count("fails at its first try") >= SLIDES // 40, "every twentieth was to fail once"


def test_every_slide_has_its_thumbnail(deck: Deployment, clients: Callable[[str], Any], cards: list[Any]) -> None:
    s3, bucket = clients("s3"), deck.klotho("outputs", "thumbnails.bucket").stdout.strip()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    assert keys == [f"n{number:04d}.png" for number in range(SLIDES)]


def test_words_find_their_slides(deck: Deployment, cards: list[Any]) -> None:
    api = deck.client("deck-api")
    found = api.get("/search?q=N0042").json
    assert (found["count"], found["slides"][0]["text"]) == (1, "Slide n0042 the crimson chart")
    assert api.get("/search?q=crimson+chart").json["count"] == SLIDES // len(COLOURS)
    assert api.get("/search?q=nothing").json == {"count": 0, "slides": []}
    assert api.get("/search").json == {"slides": []}


def test_a_thumbnail_is_a_picture(deck: Deployment, cards: list[Any]) -> None:
    with urllib.request.urlopen(deck.url("deck-api") + "/thumbnails/n0042.png", timeout=30) as answer:
        assert answer.headers["content-type"] == "image/png"
        assert answer.read().startswith(b"\x89PNG\r\n\x1a\n")
    assert deck.client("deck-api").get("/thumbnails/no.png").status == 404


def test_the_page_is_served_by_the_cdn_and_knows_its_api(deck: Deployment) -> None:
    site = Client(deck.url("deck"))
    assert "Search the deck" in site.get("/").text
    assert deck.url("deck-api") in site.get("/klotho-config.js").text
