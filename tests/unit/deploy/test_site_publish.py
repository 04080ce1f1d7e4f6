"""Publishing: only what changed, pages last, the CDN told exactly what to forget, and safe to kill anywhere."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.deploy.place import Pace
from klotho.deploy.sites.files import REVALIDATE, SHARED, SiteFile
from klotho.deploy.sites.publish import Publisher
from klotho.diagnostics import Failure

BUCKET, ARTIFACTS = "site-bucket", "klotho-assets"
PACE = Pace(clock=lambda: 0.0, sleep=lambda seconds: None, fastest=0.0, slowest=0.0)


class Killed(BaseException):
    """The process ended here."""


class FakeCloud:
    """A bucket and a CDN that keeps what was asked for until it is told to forget it."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, tuple[bytes, str, str]]] = {BUCKET: {}, ARTIFACTS: {}}
        self.edge: dict[str, bytes] = {}
        self.mutating: list[tuple[str, str]] = []
        self.kill_at: int | None = None
        self.invalidations: dict[str, tuple[str, ...]] = {}
        self.s3 = self.cloudfront = self
        self.place = type("Place", (), {"artifact_bucket": ARTIFACTS})()

    def _change(self, what: str, about: str) -> None:
        if self.kill_at is not None and len(self.mutating) == self.kill_at:
            raise Killed(what)
        self.mutating.append((what, about))

    def put_object(self, Bucket: str, Key: str, Body: Any, ContentType: str, CacheControl: str = "") -> None:
        self._change("put", Key if Bucket == BUCKET else "note")
        body = Body if isinstance(Body, bytes) else Body.read()
        self.buckets[Bucket][Key] = (body, ContentType, CacheControl)

    def delete_object(self, Bucket: str, Key: str) -> None:
        self._change("delete", Key)
        self.buckets[Bucket].pop(Key, None)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.buckets[Bucket]:
            raise ClientError(
                {"Error": {"Code": "NoSuchKey"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "GetObject"
            )  # type: ignore[typeddict-item]
        return {"Body": io.BytesIO(self.buckets[Bucket][Key][0])}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return self

    def paginate(self, Bucket: str) -> Iterator[dict[str, Any]]:
        tags = {key: hashlib.md5(value[0]).hexdigest() for key, value in self.buckets[Bucket].items()}
        yield {"Contents": [{"Key": key, "ETag": f'"{tag}"'} for key, tag in sorted(tags.items())]}

    def create_invalidation(self, DistributionId: str, InvalidationBatch: dict[str, Any]) -> dict[str, Any]:
        self._change("invalidate", " ".join(InvalidationBatch["Paths"]["Items"]))
        assert InvalidationBatch["Paths"]["Quantity"] == len(InvalidationBatch["Paths"]["Items"])
        for path in InvalidationBatch["Paths"]["Items"]:
            self.edge = {} if path == "/*" else {key: item for key, item in self.edge.items() if key != path}
        self.invalidations[InvalidationBatch["CallerReference"]] = tuple(InvalidationBatch["Paths"]["Items"])
        return {"Invalidation": {"Id": "I1", "Status": "InProgress"}}

    def get_invalidation(self, DistributionId: str, Id: str) -> dict[str, Any]:
        return {"Invalidation": {"Id": Id, "Status": "Completed"}}

    def visit(self) -> None:
        """Somebody asks for everything: the edge keeps copies for a year."""
        for key, (body, _, _) in self.buckets[BUCKET].items():
            self.edge.setdefault(f"/{key}", body)

    def seen(self) -> dict[str, bytes]:
        """What visitors get."""
        there = {f"/{key}": value[0] for key, value in self.buckets[BUCKET].items()}
        return {**there, **self.edge}


def files(**contents: str) -> dict[str, SiteFile]:
    made = {}
    for name, text in contents.items():
        key = name.replace("__", "/").replace("_", ".")
        kind, control = ("text/html", REVALIDATE) if key.endswith(".html") else ("text/css", SHARED)
        made[key] = SiteFile(key, hashlib.md5(text.encode()).hexdigest(), kind, control, None, text.encode())
    return made


def publish(cloud: FakeCloud, wanted: dict[str, SiteFile], run: str = "run") -> None:
    publisher = Publisher(cloud, BUCKET, "E1")  # type: ignore[arg-type]
    changes = publisher.compare(wanted)
    if changes.any:
        with ThreadPoolExecutor(1) as threads:
            publisher.apply(wanted, changes, threads, run, PACE, lambda line: None)


FIRST = files(index_html="one", style_css="red", old_css="old")
SECOND = files(index_html="two", style_css="red", new_css="new")


def test_the_first_time_everything_is_put_pages_last_and_nothing_is_invalidated() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST)
    assert [about for _, about in cloud.mutating] == ["note", "old.css", "style.css", "index.html", "note"]
    assert cloud.buckets[BUCKET]["index.html"] == (b"one", "text/html", REVALIDATE)


def test_unchanged_means_no_call_that_changes_anything() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST)
    cloud.mutating.clear()
    publish(cloud, FIRST)
    assert cloud.mutating == []


def test_only_what_changed_is_touched_and_only_what_was_kept_is_forgotten() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST)
    cloud.mutating.clear()
    publish(cloud, SECOND)
    assert cloud.mutating == [
        ("put", "note"),
        ("put", "new.css"),
        ("put", "index.html"),
        ("delete", "old.css"),
        ("put", "note"),
        ("invalidate", "/index.html /old.css"),
        ("put", "note"),
    ]


def test_another_header_alone_is_a_change() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST)
    one = SECOND | {"index.html": FIRST["index.html"]}
    changed = {**one, "style.css": SiteFile("style.css", one["style.css"].md5, "text/css", "no-store", None, b"red")}
    publish(cloud, changed)
    assert cloud.buckets[BUCKET]["style.css"][2] == "no-store"


def test_what_somebody_changed_in_the_bucket_is_put_right() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST)
    cloud.buckets[BUCKET]["index.html"] = (b"defaced", "text/html", REVALIDATE)
    publish(cloud, FIRST)
    assert cloud.buckets[BUCKET]["index.html"][0] == b"one"


def test_paths_are_written_as_addresses_name_them() -> None:
    cloud, odd = FakeCloud(), "gr\u00fc\u00dfe aus.html"
    page = SiteFile(odd, hashlib.md5(b"a").hexdigest(), "text/html", REVALIDATE, None, b"a")
    publish(cloud, {odd: page})
    publish(cloud, {})
    assert cloud.invalidations["klotho-run"] == ("/gr%C3%BC%C3%9Fe%20aus.html",)


def test_very_many_paths_are_one_for_all() -> None:
    cloud = FakeCloud()
    many = files(**{f"f{number}_css": "a" for number in range(1001)})
    publish(cloud, many)
    publish(cloud, {})
    assert cloud.invalidations["klotho-run"] == ("/*",)


def test_killed_anywhere_and_run_again_is_the_same_end() -> None:
    steps = 7
    for kill_at in range(steps):
        cloud = FakeCloud()
        publish(cloud, FIRST, "first")
        cloud.visit()
        cloud.mutating.clear()
        cloud.kill_at = kill_at
        with pytest.raises(Killed):
            publish(cloud, SECOND, "second")
        cloud.visit()  # visitors come at the worst moment
        cloud.kill_at = None
        publish(cloud, SECOND, "third")
        assert cloud.seen() == {"/index.html": b"two", "/style.css": b"red", "/new.css": b"new"}, kill_at
        cloud.mutating.clear()
        publish(cloud, SECOND, "fourth")
        assert cloud.mutating == [], kill_at


def test_an_invalidation_that_was_made_already_is_asked_for_by_the_same_reference() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST, "first")
    cloud.kill_at = len(cloud.mutating) + 6
    with pytest.raises(Killed):
        publish(cloud, SECOND, "second")  # the invalidation is made, the note not cleared
    cloud.kill_at = None
    publish(cloud, SECOND, "third")
    assert set(cloud.invalidations) == {"klotho-second"}


def test_an_invalidation_that_does_not_end_is_a_failure() -> None:
    cloud = FakeCloud()
    publish(cloud, FIRST)
    cloud.get_invalidation = lambda DistributionId, Id: {"Invalidation": {"Id": Id, "Status": "InProgress"}}  # type: ignore[method-assign]
    times = iter(range(0, 100_000, 100))
    publisher = Publisher(cloud, BUCKET, "E1")  # type: ignore[arg-type]
    pace = Pace(lambda: float(next(times)), lambda seconds: None, 0.0, 0.0)
    with ThreadPoolExecutor(1) as threads, pytest.raises(Failure, match="did not finish forgetting"):
        publisher.apply(SECOND, publisher.compare(SECOND), threads, "run", pace, lambda line: None)


CONTENTS = st.dictionaries(st.sampled_from(["index_html", "a_css", "b_css", "c_html"]), st.sampled_from(["x", "y"]))


@settings(max_examples=60)
@given(st.lists(st.tuples(CONTENTS, st.integers(0, 8)), min_size=1, max_size=4))
def test_whatever_was_killed_before_visitors_see_the_last_version(runs: list[tuple[dict[str, str], int]]) -> None:
    cloud = FakeCloud()
    for number, (contents, kill_after) in enumerate(runs):
        cloud.kill_at = len(cloud.mutating) + kill_after
        with suppress(Killed):
            publish(cloud, files(**contents), f"run{number}")
        cloud.visit()
    cloud.kill_at = None
    last = files(**runs[-1][0])
    publish(cloud, last, "last")
    assert cloud.seen() == {f"/{key}": file.content for key, file in last.items()}
