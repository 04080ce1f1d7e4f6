"""Twenty real processes publish at once, to a folder and to the local cloud's S3: nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from klotho.deploy.place import Clients, Place
from klotho.diagnostics import Failure
from klotho.driver.projects import bucket_store
from klotho.localcloud.services.object_store import Bucket
from klotho.registry import Registry, entry_name
from klotho.stores import Store
from tests.localcloud.buckets.served_buckets import ServedBuckets
from tests.localcloud.projects import publisher
from tests.unit.registry.applications import application, construct, news

pytestmark = pytest.mark.localcloud

NUMBER = 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBuckets]:
    running = ServedBuckets(tmp_path_factory.mktemp("served"))
    running.objects.set_bucket(Bucket(publisher.BUCKET, "t", 1.0, "Enabled", {}))
    yield running
    running.close()


@pytest.fixture(params=["folder", "bucket"])
def where(
    request: pytest.FixtureRequest, served: ServedBuckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A store that holds nothing."""
    monkeypatch.setenv("TEST_ACCESS_KEY", served.key.id)
    monkeypatch.setenv("TEST_SECRET_KEY", served.key.secret)
    place = str(tmp_path) if request.param == "folder" else served.url
    yield place
    store = publisher.store_of(place)
    for name, etag in store.list("").items():
        assert store.delete(name, etag)


def race(where: str, mode: str) -> Registry:
    command = [sys.executable, "-m", "tests.localcloud.projects.publisher", where, str(NUMBER), mode]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=100, check=False
    )
    assert json.loads(done.stdout) == [0] * NUMBER, done.stderr
    return Registry(publisher.store_of(where), "acme", "prod")


def test_twenty_processes_that_publish_one_application_at_once_lose_no_publication(where: str) -> None:
    found = race(where, "same").read("shop")
    assert found is not None
    assert {item.when_ms for item in found.history} == {1000 + number for number in range(NUMBER)}
    assert len(found.history) == NUMBER
    (jobs,) = found.application.constructs
    assert jobs.name == f"jobs{found.latest.when_ms - 1000}", "model and history are of one publication"


def test_twenty_processes_that_publish_each_its_own_application_are_all_there(where: str) -> None:
    found = race(where, "own").snapshot()
    assert [item.application.name for item in found.entries] == [f"app{number:02}" for number in range(NUMBER)]
    assert found.unreadable == ()
    assert list(found.etags) == [entry_name("acme", "prod", f"app{number:02}") for number in range(NUMBER)]


def test_a_damaged_entry_is_refused_and_stays_as_it_is(where: str) -> None:
    store: Store = publisher.store_of(where)
    name = entry_name("acme", "prod", "shop")
    store.create(name, b'{"schema": 1, "half": ')
    with pytest.raises(Failure, match="can't be read") as caught:
        Registry(store, "acme", "prod").publish(news(application("shop", construct("Messaging.Queue", "jobs"))))
    assert store.address(name) in " ".join((*caught.value.diagnostic.notes, *caught.value.diagnostic.helps))
    held = store.read(name)
    assert held is not None and held.body == b'{"schema": 1, "half": '


def test_a_bucket_that_is_not_there_yet_holds_nothing(served: ServedBuckets) -> None:
    key = served.key
    store = bucket_store(Clients(Place(publisher.REGION, "999999999999", served.url, key.id, key.secret)))
    assert Registry(store, "acme", "prod").snapshot().entries == ()
    assert Registry(store, "acme", "prod").withdraw("shop") is False
