"""Revisions: what is kept, what is swept, and that a kept one always finds what it needs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from klotho.deploy.place import Clients, Place
from klotho.deploy.revisions import KEPT, About, Revisions, StoredAssets, Version, template_key
from klotho.deploy.sites.files import site_files
from klotho.diagnostics import ExitCode, Failure
from klotho.resources import PackageAsset
from klotho.stacks import AssetSource

from .manifests import manifest_of, template_of

HELLO = PackageAsset("Compute.Function/hello", "zip", {})
SITE = "Site/web"
ABOUT = About(1_000, "ann", "laptop", "klotho up", Version("4f2a91c" * 5, dirty=True))


class Bucket:
    """S3 in memory, as far as revisions call it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.place = Place("eu-west-1", "123456789012")
        self.reads: list[str] = []
        self.written: list[str] = []

    @property
    def s3(self) -> Bucket:
        return self

    def put_object(self, Key: str, Body: Any, IfNoneMatch: str = "", **_: Any) -> None:
        if IfNoneMatch and Key in self.objects:
            raise _error("PreconditionFailed", 412)
        self.written.append(Key)
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()

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


def deploy(
    bucket: Bucket, code: str, shape: str = "PAY_PER_REQUEST", application: str = "shop", site: Path | None = None
) -> int:
    """One deployment: a stack with a function's zip, whose template says `shape`, and perhaps a site's folder."""
    templates = {"hello": template_of("hello", BillingMode=shape)}
    manifest, files = manifest_of({"hello": ()}, templates=templates, assets={"hello": HELLO})
    bucket.objects[f"functions/{code}.zip"] = b"zip"
    values = {"hello": {"CodeKey": f"functions/{code}.zip"}}
    kept = revisions(bucket, application)
    sites = {} if site is None else {SITE: site_files(site, "web", [], {"API_URL": "http://api"}, print)}
    return kept.record(ABOUT, manifest, files, values, "succeeded", {"hello": "updated"}, sites, tuple(sites)).number


def folder(path: Path, **files: str) -> Path:
    """A site's folder with these pages."""
    path.mkdir()
    for name, text in files.items():
        (path / f"{name}.html").write_text(text)
    return path


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


def test_files_of_sites_are_kept_once_and_come_back_with_their_headers(tmp_path: Path) -> None:
    bucket = Bucket()
    deploy(bucket, "a", site=folder(tmp_path / "one", index="first", about="about", copy="about"))
    assert len([key for key in bucket.written if key.startswith("site-files/")]) == 2
    bucket.written.clear()
    deploy(bucket, "a", site=folder(tmp_path / "two", index="second", about="about"))
    assert [bucket.objects[key] for key in bucket.written if key.startswith("site-files/")] == [b"second"]
    bucket.written.clear()
    deploy(bucket, "b", site=tmp_path / "two")
    assert not [key for key in bucket.written if key.startswith("site-")], "it is that of the revision before"
    third, second, first = revisions(bucket).all()
    assert (third.sites == second.sites, second.sites == first.sites, first.published) == (True, False, (SITE,))
    files = revisions(bucket).site_files(first)[SITE]
    assert {key: bucket.objects[file.kept] for key, file in files.items()} == {
        "about.html": b"about", "copy.html": b"about", "index.html": b"first",
    }  # fmt: skip
    page = files["index.html"]
    assert (page.content_type, page.cache_control) == ("text/html; charset=utf-8", "no-cache")


def test_files_that_only_old_revisions_had_go_with_them(tmp_path: Path) -> None:
    bucket = Bucket()
    both = folder(tmp_path / "both", index="old", shared="other")
    deploy(bucket, "a", site=both)
    deploy(bucket, "a", application="other", site=folder(tmp_path / "other", shared="other"))
    new = folder(tmp_path / "new", index="new")
    for _ in range(60):
        deploy(bucket, "a", site=new)
    kept = sorted(body for key, body in bucket.objects.items() if key.startswith("site-files/"))
    assert kept == [b"new", b"other"]
    assert len([key for key in bucket.objects if key.startswith("site-indexes/")]) == 2
    for revision in revisions(bucket).all():
        revisions(bucket).site_files(revision)


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
