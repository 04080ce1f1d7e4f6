"""Real processes contend for a lease, in a folder and in the local cloud's S3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.diagnostics import Failure
from tests.localcloud.buckets.served_buckets import ServedBuckets
from tests.localcloud.leases import contender

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBuckets]:
    running = ServedBuckets(tmp_path_factory.mktemp("buckets"))
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
    store = contender.store_of(place)
    held = store.read(contender.NAME)
    if held is not None:
        store.delete(contender.NAME, held.etag)


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.localcloud.leases.contender", *arguments],
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_of_fifty_processes_exactly_one_wins_and_the_others_exit_10_naming_it(where: str) -> None:
    with started("race", where, "50") as process:
        said, errors = process.communicate(timeout=120)
    found: dict[str, Any] = json.loads(said)
    assert sorted(found["codes"]) == [0] + [10] * 49, errors
    assert found["held"] == [found["winner"]]
    refused = [json.loads(line) for line in errors.splitlines()]
    assert {item["pid"] for item in refused} == {found["winner"]}
    assert all(f"ann on laptop (pid {found['winner']}), since " in item["said"] for item in refused)
    assert contender.store_of(where).read(contender.NAME) is None


def test_after_kill_9_of_the_holder_the_next_takes_over_when_the_lease_is_over(where: str) -> None:
    with started("hold", where) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Failure, match="is being changed by ann"):
            contender.take(where)
        process.kill()
        process.wait()
    begun = time.monotonic()
    with contender.take(where) as lease:
        waited = time.monotonic() - begun
        lease.check(fresh=True)
    assert waited >= contender.SECONDS


def test_on_the_same_machine_the_next_need_not_wait_for_a_killed_holder(where: str, tmp_path: Path) -> None:
    with started("hold", where, str(tmp_path / "lives")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
    begun = time.monotonic()
    with contender.take(where, machine=tmp_path / "lives"):
        assert time.monotonic() - begun < contender.SECONDS


@pytest.mark.parametrize("where", ["bucket"], indirect=True)
def test_a_robbed_holder_stops_before_its_next_write(where: str, served: ServedBuckets) -> None:
    with started("write", where) as process:
        assert process.stdout is not None and process.stderr is not None
        while process.stdout.readline() != "5\n":
            pass
        os.kill(process.pid, signal.SIGSTOP)
        with contender.take(where):  # waits until the lease of the stopped one is over
            written = _written(served)
            os.kill(process.pid, signal.SIGCONT)
            assert process.wait(timeout=30) == 10
            assert process.stderr.read() == "lease-lost\n"
            assert _written(served) == written


def test_a_stopped_process_loses_its_lease_in_a_folder_too(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    with started("hold", str(tmp_path), str(lives)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        with contender.take(str(tmp_path), machine=lives):
            assert time.monotonic() - begun >= contender.SECONDS
        os.kill(process.pid, signal.SIGKILL)


def _written(served: ServedBuckets) -> int:
    return int(served.s3.list_objects_v2(Bucket="plain", Prefix="written/")["KeyCount"])
