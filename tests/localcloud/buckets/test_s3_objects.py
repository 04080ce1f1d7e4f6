"""Objects, versions, copies, tags, conditions and listings through boto3."""

from __future__ import annotations

import io
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.localcloud.buckets.served_buckets import DAY_S, KEPT, PLAIN, ServedBuckets

pytestmark = pytest.mark.localcloud

MIB = 1024 * 1024


def refused(code: str, call: Any, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    found: dict[str, Any] = dict(error.value.response)
    assert found["Error"]["Code"] == code, found
    return found


def test_versions_are_kept_hidden_by_markers_and_removed_one_by_one(served: ServedBuckets) -> None:
    s3 = served.s3
    first, second = (s3.put_object(Bucket=KEPT, Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    marker = s3.delete_object(Bucket=KEPT, Key="k")
    assert marker["DeleteMarker"]
    gone = refused("NoSuchKey", s3.get_object, Bucket=KEPT, Key="k")
    assert gone["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert s3.get_object(Bucket=KEPT, Key="k", VersionId=first)["Body"].read() == b"1"
    refused("MethodNotAllowed", s3.get_object, Bucket=KEPT, Key="k", VersionId=marker["VersionId"])
    refused("NoSuchVersion", s3.get_object, Bucket=KEPT, Key="k", VersionId="no")
    listed = s3.list_object_versions(Bucket=KEPT, Prefix="k")
    assert [item["VersionId"] for item in listed["Versions"]] == [second, first]
    assert [(item["VersionId"], item["IsLatest"]) for item in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    s3.delete_object(Bucket=KEPT, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=KEPT, Key="k")["Body"].read() == b"2"
    s3.delete_object(Bucket=KEPT, Key="k", VersionId=second)
    assert s3.get_object(Bucket=KEPT, Key="k")["Body"].read() == b"1"
    batch = s3.delete_objects(Bucket=KEPT, Delete={"Objects": [{"Key": "k", "VersionId": first}, {"Key": "nobody"}]})
    assert {item["Key"] for item in batch["Deleted"]} == {"k", "nobody"}


def test_conditions_of_writes_deletes_and_reads(served: ServedBuckets) -> None:
    s3 = served.s3
    tag = s3.put_object(Bucket=PLAIN, Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", s3.put_object, Bucket=PLAIN, Key="once", Body=b"2", IfNoneMatch="*")
    refused("PreconditionFailed", s3.put_object, Bucket=PLAIN, Key="once", Body=b"2", IfMatch='"other"')
    refused("NoSuchKey", s3.put_object, Bucket=PLAIN, Key="never", Body=b"2", IfMatch=tag)
    refused("PreconditionFailed", s3.get_object, Bucket=PLAIN, Key="once", IfMatch='"other"')
    refused("304", s3.get_object, Bucket=PLAIN, Key="once", IfNoneMatch=tag)
    modified = s3.head_object(Bucket=PLAIN, Key="once")["LastModified"]
    refused("304", s3.head_object, Bucket=PLAIN, Key="once", IfModifiedSince=modified)
    refused("PreconditionFailed", s3.delete_object, Bucket=PLAIN, Key="once", IfMatch='"other"')
    s3.delete_object(Bucket=PLAIN, Key="once", IfMatch=tag)


def test_copies_carry_content_metadata_and_tags(served: ServedBuckets) -> None:
    s3 = served.s3
    put = {"Metadata": {"a": "ü"[:0] + "1"}, "ContentType": "x/y", "Tagging": "color=red&size=big+one"}
    s3.put_object(Bucket=PLAIN, Key="von/a b+ü", Body=b"content", **put)
    source = {"Bucket": PLAIN, "Key": "von/a b+ü"}
    s3.copy_object(Bucket=KEPT, Key="nach", CopySource=source)
    head = s3.head_object(Bucket=KEPT, Key="nach")
    assert (head["Metadata"], head["ContentType"], head["ContentLength"]) == ({"a": "1"}, "x/y", 7)
    tags = s3.get_object_tagging(Bucket=KEPT, Key="nach")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"color": "red", "size": "big one"}
    replaced = {"MetadataDirective": "REPLACE", "Metadata": {"b": "2"}, "ContentType": "z/z"}
    s3.copy_object(Bucket=KEPT, Key="nach", CopySource={"Bucket": KEPT, "Key": "nach"}, **replaced)
    assert s3.head_object(Bucket=KEPT, Key="nach")["Metadata"] == {"b": "2"}
    refused("InvalidRequest", s3.copy_object, Bucket=PLAIN, Key="von/a b+ü", CopySource=source)
    refused("NoSuchKey", s3.copy_object, Bucket=PLAIN, Key="x", CopySource={"Bucket": PLAIN, "Key": "nothing"})
    s3.put_object_tagging(Bucket=KEPT, Key="nach", Tagging={"TagSet": [{"Key": "k", "Value": "<&>"}]})
    assert s3.get_object_tagging(Bucket=KEPT, Key="nach")["TagSet"] == [{"Key": "k", "Value": "<&>"}]
    s3.delete_object_tagging(Bucket=KEPT, Key="nach")
    assert s3.get_object_tagging(Bucket=KEPT, Key="nach")["TagSet"] == []
    many = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    refused("BadRequest", s3.put_object_tagging, Bucket=KEPT, Key="nach", Tagging=many)


def test_an_upload_in_parts_is_one_object_afterwards(served: ServedBuckets) -> None:
    s3 = served.s3
    content = bytes(range(256)) * (4096 * 11)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(content), PLAIN, "big", Config=config)
    head = s3.head_object(Bucket=PLAIN, Key="big", PartNumber=1)
    assert (head["ETag"][-3:], head["PartsCount"], head["ContentLength"]) == ('-3"', 3, 5 * MIB)
    back = io.BytesIO()
    s3.download_fileobj(PLAIN, "big", back, Config=config)
    assert back.getvalue() == content
    middle = s3.get_object(Bucket=PLAIN, Key="big", Range="bytes=5242879-5242882")["Body"].read()
    assert middle == content[5242879:5242883]
    assert s3.list_multipart_uploads(Bucket=PLAIN).get("Uploads", []) == []
    assert len(list((served.objects.files._content).rglob("*"))) >= 256


def test_what_s3_refuses_of_uploads_in_parts(served: ServedBuckets) -> None:
    s3 = served.s3
    upload = s3.create_multipart_upload(Bucket=PLAIN, Key="parts")["UploadId"]
    where = {"Bucket": PLAIN, "Key": "parts", "UploadId": upload}
    tags = [s3.upload_part(**where, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)]
    both = [{"PartNumber": number, "ETag": tag} for number, tag in zip((1, 2), tags, strict=True)]
    complete = s3.complete_multipart_upload
    refused("EntityTooSmall", complete, **where, MultipartUpload={"Parts": both})
    refused("InvalidPartOrder", complete, **where, MultipartUpload={"Parts": both[::-1]})
    refused("InvalidPart", complete, **where, MultipartUpload={"Parts": [{"PartNumber": 3, "ETag": tags[0]}]})
    refused("InvalidArgument", s3.upload_part, **where, PartNumber=10001, Body=b"")
    assert [part["Size"] for part in s3.list_parts(**where)["Parts"]] == [5, 5]
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket=PLAIN)["Uploads"]] == ["parts"]
    s3.put_object(Bucket=PLAIN, Key="source", Body=b"0123456789")
    source = {"Bucket": PLAIN, "Key": "source"}
    s3.upload_part_copy(**where, PartNumber=3, CopySource=source, CopySourceRange="bytes=2-4")
    third = s3.list_parts(**where)["Parts"][2]
    last = [{"PartNumber": 3, "ETag": third["ETag"]}]
    complete(**where, MultipartUpload={"Parts": last})
    assert s3.get_object(Bucket=PLAIN, Key="parts")["Body"].read() == b"234"
    refused("NoSuchUpload", complete, **where, MultipartUpload={"Parts": last})
    again = s3.create_multipart_upload(Bucket=PLAIN, Key="parts")["UploadId"]
    s3.abort_multipart_upload(Bucket=PLAIN, Key="parts", UploadId=again)
    refused("NoSuchUpload", s3.list_parts, Bucket=PLAIN, Key="parts", UploadId=again)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_checked_kept_and_given_back(served: ServedBuckets, algorithm: str) -> None:
    from klotho.localcloud.services.s3.checksums import checksum

    s3 = served.s3
    right, wrong = (checksum(algorithm.lower(), body) for body in (b"content", b"other"))
    field = f"Checksum{algorithm}"
    s3.put_object(Bucket=PLAIN, Key="sum", Body=b"content", **{field: right})
    assert s3.get_object(Bucket=PLAIN, Key="sum", ChecksumMode="ENABLED")[field] == right
    assert s3.get_object_attributes(Bucket=PLAIN, Key="sum", ObjectAttributes=["Checksum"])["Checksum"][field] == right
    refused("BadDigest", s3.put_object, Bucket=PLAIN, Key="sum", Body=b"content", **{field: wrong})


def test_the_published_check_values_of_the_algorithms() -> None:
    """Of the catalogue of parametrised CRC algorithms, over `123456789`."""
    from klotho.localcloud.services.s3.checksums import ALGORITHMS

    found = {name: ALGORITHMS[name](b"123456789").hex() for name in ("crc32", "crc32c", "crc64nvme")}
    assert found == {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}


def test_listings_go_page_by_page(served: ServedBuckets) -> None:
    s3 = served.s3
    made = sorted(f"pages/{folder}/{name}" for folder in ("a", "b ü", "c") for name in ("1 +&<", "2", "3\x01", "4\r\n"))
    for key in made:
        s3.put_object(Bucket=KEPT, Key=key, Body=b"x")
    for size in (1, 3, 100):
        for name in ("list_objects_v2", "list_objects"):
            pages = s3.get_paginator(name).paginate(Bucket=KEPT, Prefix="pages/", PaginationConfig={"PageSize": size})
            assert [item["Key"] for page in pages for item in page["Contents"]] == made, (name, size)
        grouped = s3.get_paginator("list_objects_v2").paginate(
            Bucket=KEPT, Prefix="pages/", Delimiter="/", PaginationConfig={"PageSize": size}
        )
        folders = [item["Prefix"] for page in grouped for item in page.get("CommonPrefixes", ())]
        assert folders == ["pages/a/", "pages/b ü/", "pages/c/"]
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=KEPT, Prefix="pages/", PaginationConfig={"PageSize": size}
        )
        assert [item["Key"] for page in pages for item in page.get("Versions", ())] == made


def test_limits_are_those_of_s3(served: ServedBuckets) -> None:
    s3 = served.s3
    s3.put_object(Bucket=PLAIN, Key="ü" * 512, Body=b"")
    refused("KeyTooLongError", s3.put_object, Bucket=PLAIN, Key="ü" * 512 + "x", Body=b"")
    refused("MetadataTooLarge", s3.put_object, Bucket=PLAIN, Key="m", Body=b"", Metadata={"a": "x" * 2048})
    refused("NoSuchBucket", s3.put_object, Bucket="nobody", Key="m", Body=b"")
    refused("InvalidRange", s3.get_object, Bucket=PLAIN, Key="ü" * 512, Range="bytes=0-")


def test_changes_are_told_once_each_in_the_order_of_their_sequencers(served: ServedBuckets) -> None:
    s3 = served.s3
    served.events()
    etag = s3.put_object(Bucket=PLAIN, Key="told", Body=b"12345")["ETag"].strip('"')
    version = s3.put_object(Bucket=KEPT, Key="told", Body=b"1")["VersionId"]
    s3.delete_object(Bucket=PLAIN, Key="told")
    s3.delete_object(Bucket=PLAIN, Key="told")
    marker = s3.delete_object(Bucket=KEPT, Key="told")["VersionId"]
    s3.delete_object(Bucket=KEPT, Key="told", VersionId=version)
    found = served.events()
    kinds = [(kind, detail["reason"], detail.get("deletion-type")) for kind, detail in found]
    assert kinds == [
        ("Object Created", "PutObject", None),
        ("Object Created", "PutObject", None),
        ("Object Deleted", "DeleteObject", "Permanently Deleted"),
        ("Object Deleted", "DeleteObject", "Delete Marker Created"),
        ("Object Deleted", "DeleteObject", "Permanently Deleted"),
    ]
    objects = [detail["object"] for _, detail in found]
    assert {"key": "told", "size": 5, "etag": etag}.items() <= objects[0].items()
    assert [item.get("version-id") for item in objects] == [None, version, None, marker, version]
    order = [item["sequencer"] for item in objects]
    assert order == sorted(order)
    assert len(set(order)) == 5


def test_lifecycle_rules_let_go_what_is_old_enough(served: ServedBuckets) -> None:
    s3 = served.s3
    rules = [
        {"Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": 2},
        {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
        {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"Status": "Disabled", "ExpirationInDays": 1},
    ]
    served.settle(LifecycleConfiguration={"Rules": rules})
    start = 100 * DAY_S + 3600
    try:
        served.now = start
        for key in ("tmp/a", "stays"):
            s3.put_object(Bucket=PLAIN, Key=key, Body=b"")
        for body in (b"1", b"2"):
            s3.put_object(Bucket=KEPT, Key="versions", Body=body)
        upload = s3.create_multipart_upload(Bucket=PLAIN, Key="never")["UploadId"]
        served.events()
        served.now = start + 2 * DAY_S
        served.service.expire()
        assert s3.head_object(Bucket=PLAIN, Key="tmp/a"), "it goes at midnight"
        refused("NoSuchUpload", s3.list_parts, Bucket=PLAIN, Key="never", UploadId=upload)
        served.now = 103 * DAY_S
        served.service.expire()
        refused("404", s3.head_object, Bucket=PLAIN, Key="tmp/a")
        assert s3.head_object(Bucket=PLAIN, Key="stays")
        assert [detail["reason"] for _, detail in served.events()] == ["Lifecycle Expiration"]
        assert len(s3.list_object_versions(Bucket=KEPT, Prefix="versions")["Versions"]) == 2
        served.now = 104 * DAY_S
        served.service.expire()
        left = s3.list_object_versions(Bucket=KEPT, Prefix="versions")["Versions"]
        assert [item["IsLatest"] for item in left] == [True]
    finally:
        served.now = None
        served.settle()
