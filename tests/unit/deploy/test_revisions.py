"""Revisions: what is kept, what is swept, and that a kept one always finds what it needs."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from klotho.deploy.place import Clients, Place
from klotho.deploy.revisions import KEPT, About, Revisions, StoredAssets, Version, template_key
from klotho.diagnostics import ExitCode, Failure
from klotho.resources import PackageAsset
from klotho.stacks import AssetSource

from .manifests import manifest_of, template_of

HELLO = PackageAsset("Compute.Function/hello", "zip", {})
ABOUT = About(1_000, "ann", "laptop", "klotho up", Version("4f2a91c" * 5, dirty=True))


class Bucket:
    """S3 in memory, as far as revisions call it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.place = Place("eu-west-1", "123456789012")
        self.reads: list[str] = []

    @property
    def s3(self) -> Bucket:
        return self

    def put_object(self, Key: str, Body: bytes, IfNoneMatch: str = "", **_: Any) -> None:
        if IfNoneMatch and Key in self.objects:
            raise _error("PreconditionFailed", 412)
        self.objects[Key] = Body

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:
        self.reads.append(Key)
        if Key not in self.objects:
            raise _error("NoSuchKey", 404)
        return {"Body": io.BytesIO(self.objects[Key])}

    def head_object(self, Key: str, **_: Any) -> None:
        if Key not in self.objects:
            raise _error("404", 404)

    def delete_object(self, Key: str, **_: Any) -> None:
        self.objects.pop(Key, None)

    def get_paginator(self, name: str) -> Bucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, Prefix: str, **_: Any) -> list[dict[str, Any]]:
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        return [{"Contents": [{"Key": key} for key in keys[at : at + 7]]} for at in range(0, len(keys), 7)]


def _error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Call")


def revisions(bucket: Bucket, application: str = "shop") -> Revisions:
    return Revisions(cast(Clients, bucket), "acme", "prod", application)


def deploy(bucket: Bucket, code: str, shape: str = "PAY_PER_REQUEST", application: str = "shop") -> int:
    """One deployment: a stack with a function's zip, whose template says `shape`."""
    templates = {"hello": template_of("hello", BillingMode=shape)}
    manifest, files = manifest_of({"hello": ()}, templates=templates, assets={"hello": HELLO})
    bucket.objects[f"functions/{code}.zip"] = b"zip"
    values = {"hello": {"CodeKey": f"functions/{code}.zip"}}
    kept = revisions(bucket, application)
    return kept.record(ABOUT, manifest, files, values, "succeeded", {"hello": "updated"}).number


def test_a_revision_comes_back_as_it_was_kept() -> None:
    bucket = Bucket()
    assert [deploy(bucket, "a"), deploy(bucket, "b", "PROVISIONED")] == [1, 2]
    second, first = revisions(bucket).all()
    assert (first.number, first.about, first.outcome, first.changed) == (1, ABOUT, "succeeded", ["hello"])
    assert first.zips == {HELLO.construct: "functions/a.zip"}
    assert (
        revisions(bucket).templates(first)["hello.template.json"]
        != revisions(bucket).templates(second)["hello.template.json"]
    )
    source = first.manifest.stacks[0].parameters["CodeKey"]
    assert isinstance(source, AssetSource)
    assert StoredAssets(first).value(source, "bucket") == "functions/a.zip"
    assert revisions(bucket).missing(first.objects) == set()


def test_a_revision_is_never_written_over() -> None:
    bucket = Bucket()
    deploy(bucket, "a")
    bucket.paginate = lambda Prefix, **_: [{}]  # type: ignore[method-assign]  # another run's list is older
    with pytest.raises(Failure, match="refused"):
        deploy(bucket, "b")


def test_templates_the_last_revision_has_are_not_written_again() -> None:
    bucket = Bucket()
    deploy(bucket, "a")
    (template,) = [key for key in bucket.objects if key.startswith("templates/")]
    bucket.objects[template] = b"as it was"
    deploy(bucket, "b")
    assert bucket.objects[template] == b"as it was"


def test_the_last_fifty_stay_whole_and_what_only_older_ones_needed_goes() -> None:
    bucket = Bucket()
    deploy(bucket, "shared", application="other")
    deploy(bucket, "shared")
    deploy(bucket, "old", "PROVISIONED")
    deploy(bucket, "kept")
    for number in range(4, 61):
        assert deploy(bucket, "kept" if number % 2 else f"code-{number}") == number
    assert len(revisions(bucket).numbers()) == 60
    assert deploy(bucket, "last") == 61
    kept = revisions(bucket)
    assert kept.numbers() == list(range(12, 62))
    assert len(kept.numbers()) == KEPT
    for revision in kept.all():
        assert kept.missing(revision.objects) == set()
    assert "functions/old.zip" not in bucket.objects
    assert "functions/code-10.zip" not in bucket.objects
    assert "functions/code-12.zip" in bucket.objects
    assert "functions/shared.zip" in bucket.objects, "another application needs it"
    assert len([key for key in bucket.objects if key.startswith("templates/")]) == 1


def test_a_sweep_that_was_cut_short_is_finished_by_the_next() -> None:
    bucket = Bucket()
    for number in range(60):
        deploy(bucket, f"code-{number}")
    bucket.objects.pop("functions/code-0.zip")  # removed before the run ended
    deploy(bucket, "last")
    assert revisions(bucket).numbers()[0] == 12


def test_numbers_that_are_not_there_and_bytes_nobody_understands_are_refused_by_name() -> None:
    bucket = Bucket()
    with pytest.raises(Failure, match="there is no revision 3") as caught:
        revisions(bucket).read(3)
    assert caught.value.exit_code == ExitCode.NOT_FOUND
    deploy(bucket, "a")
    (key,) = [key for key in bucket.objects if key.startswith("revisions/")]
    bucket.objects[key] = b'{"schema": 99}'
    with pytest.raises(Failure, match="revision 1 can't be read"):
        revisions(bucket).read(1)
    assert template_key("x") == "templates/x.json"
