"""S3 through boto3, on the artifact bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.localcloud.services.object_store import ObjectStore, Precondition
from tests.localcloud.frame.frame_harness import EndpointUnderTest

pytestmark = pytest.mark.localcloud

BUCKET = "klotho-assets-000000000000-eu-west-1"
keys = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20).filter(
    lambda key: not set(key.split("/")) & {".", "..", ""}
)


def test_an_object_is_stored_described_read_and_deleted(endpoint: EndpointUnderTest) -> None:
    s3 = endpoint.client("s3")
    put = s3.put_object(Bucket=BUCKET, Key="a b/ü+c%2F.zip", Body=b"hello", ContentType="x/y", Metadata={"m": "1"})
    head = s3.head_object(Bucket=BUCKET, Key="a b/ü+c%2F.zip")
    assert (head["ContentLength"], head["ContentType"], head["Metadata"]) == (5, "x/y", {"m": "1"})
    assert head["ETag"] == put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert s3.get_object(Bucket=BUCKET, Key="a b/ü+c%2F.zip")["Body"].read() == b"hello"
    for _ in range(2):
        s3.delete_object(Bucket=BUCKET, Key="a b/ü+c%2F.zip")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=BUCKET, Key="a b/ü+c%2F.zip")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=keys, content=st.binary(max_size=50))
def test_any_key_and_content_come_back(endpoint: EndpointUnderTest, key: str, content: bytes) -> None:
    s3 = endpoint.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"any/{key}", Body=content)
    assert s3.get_object(Bucket=BUCKET, Key=f"any/{key}")["Body"].read() == content
    assert f"any/{key}" in [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"any/{key}")["Contents"]]
    s3.delete_object(Bucket=BUCKET, Key=f"any/{key}")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-3", b"0123"),
        ("bytes=7-", b"789"),
        ("bytes=-2", b"89"),
        ("bytes=5-99", b"56789"),
        ("bytes=5-2", None),
        ("x", None),
    ],
)
def test_ranges_are_served(endpoint: EndpointUnderTest, asked: str, expected: bytes | None) -> None:
    s3 = endpoint.client("s3")
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")
    answer = s3.get_object(Bucket=BUCKET, Key="digits", Range=asked)
    assert answer["Body"].read() == (b"0123456789" if expected is None else expected)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == (200 if expected is None else 206)


def test_a_range_beyond_the_object_is_refused(endpoint: EndpointUnderTest) -> None:
    s3 = endpoint.client("s3")
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=BUCKET, Key="digits", Range="bytes=10-")


def test_listing_pages_and_groups_by_delimiter(endpoint: EndpointUnderTest) -> None:
    s3 = endpoint.client("s3")
    made = [*sorted(f"list/{folder}/{name}" for folder in "abc" for name in ("1 +&<", "2")), "list/z"]
    for key in made:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 2}
    )
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == made
    grouped = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    found = [
        e.get("Prefix") or e.get("Key") for p in grouped for e in p.get("CommonPrefixes", []) + p.get("Contents", [])
    ]
    assert found == ["list/a/", "list/b/", "list/c/", "list/z"]


def test_conditions_hold_or_nothing_is_written(endpoint: EndpointUnderTest) -> None:
    s3 = endpoint.client("s3")
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=BUCKET, Key="once", Body=b"2", IfNoneMatch="*")
    tag = s3.head_object(Bucket=BUCKET, Key="once")["ETag"]
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"3", IfMatch=tag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=BUCKET, Key="once", Body=b"4", IfMatch=tag)
    assert s3.get_object(Bucket=BUCKET, Key="once")["Body"].read() == b"3"
    s3.delete_object(Bucket=BUCKET, Key="once")


def test_the_artifact_bucket_always_exists_and_no_other(endpoint: EndpointUnderTest) -> None:
    s3 = endpoint.client("s3")
    assert s3.head_bucket(Bucket=BUCKET)["BucketRegion"] == "eu-west-1"
    where = {"LocationConstraint": "eu-west-1"}
    with pytest.raises(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    with pytest.raises(ClientError, match="does not carry s3:CreateBucket of mine"):
        s3.create_bucket(Bucket="mine", CreateBucketConfiguration=where)
    for call in (s3.get_object, s3.head_object, s3.delete_object):
        with pytest.raises(ClientError, match=r"NoSuchBucket|404"):
            call(Bucket="mine", Key="k")


def test_what_would_change_the_object_but_is_not_carried_is_refused_by_name(endpoint: EndpointUnderTest) -> None:
    s3 = endpoint.client("s3")
    with pytest.raises(ClientError, match="AccessControlListNotSupported"):
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"", ACL="private")
    with pytest.raises(ClientError, match="PutObject with the storage class GLACIER"):
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"", StorageClass="GLACIER")
    with pytest.raises(ClientError, match="PutObject with x-amz-website-redirect-location"):
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"", WebsiteRedirectLocation="/x")
    with pytest.raises(ClientError, match="does not carry s3:PutBucket with policy yet"):
        s3.put_bucket_policy(Bucket=BUCKET, Policy="{}")


def test_objects_survive_a_restart_and_half_written_ones_leave_nothing(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    head = store.put(BUCKET, "k", b"one", {"content-type": "a/b"})
    store.put(BUCKET, "k2", b"two")
    half = tmp_path / "objects" / "incoming" / "half"
    half.write_bytes(b"tw")
    again = ObjectStore(tmp_path)
    assert (again.get(BUCKET, "k"), again.head(BUCKET, "k"), list(again.keys(BUCKET))) == (b"one", head, ["k", "k2"])
    assert again.get(BUCKET, "nothing") is None
    assert not half.exists()
    with pytest.raises(Precondition):
        again.put(BUCKET, "k", b"", if_none_match="*")
    path = again.package(BUCKET, "k")
    assert isinstance(path, Path)
    again.delete(BUCKET, "k")
    assert not path.exists()


def test_objects_of_the_store_before_are_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "objects" / BUCKET
    folder.mkdir(parents=True)
    (folder / "aa.1").write_bytes(b"code")
    described = {"key": "a/b.zip", "size": 4, "etag": "e", "modified": 1, "headers": {"content-type": "x/y"}}
    (folder / "aa.json").write_text(json.dumps({**described, "content": "aa.1"}))
    for _ in range(2):
        store = ObjectStore(tmp_path)
        assert store.get(BUCKET, "a/b.zip") == b"code"
        head = store.head(BUCKET, "a/b.zip")
        assert head is not None
        assert (head.size, head.etag, head.headers) == (4, "e", {"content-type": "x/y"})
        store.close()
