"""Code that uses a bucket, and functions that run for its objects: what each verb allows, and what it does not."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
images = Storage.Bucket("images", versioning=True, cors=["https://shop.example"])
plain = Storage.Bucket("plain", protect=False)
reader, writer, both = function("reader"), function("writer"), function("both")
boxed_reader, boxed_writer, boxed_both = container("boxed-reader"), container("boxed-writer"), container("boxed-both")
stranger = function("stranger")
for unit in (reader, boxed_reader):
    unit.reads_from(images)
for unit in (writer, boxed_writer):
    unit.writes_to(images)
for unit in (both, boxed_both):
    unit.read_writes_to(images)
    unit.read_writes_to(plain)
watcher = function("watcher")
watcher.triggered_by(images, prefix="in/", suffix=".png", events="all")
watcher.triggered_by(plain)
"""
PUT = 'return config.buckets.get("images").put(%a, "from %s", content_type="text/plain", metadata={"a": "1"})'
GET = 'return config.buckets.get("images").get(%a).decode()'
LIST = 'return [item.key for item in config.buckets.get("images").list(%a)]'
DELETE = 'config.buckets.get("images").delete(%a)'
HEAD = """
found = config.buckets.get("images").head(%a)
return [found.size, found.content_type, found.metadata]
"""
NAME = 'return config.buckets.get("images").bucket'
BOTH = ("Compute.Function", "Compute.Container")


@pair("reads_from", BOTH, "Storage.Bucket")
@pair("writes_to", BOTH, "Storage.Bucket")
@pytest.mark.parametrize(("reader", "writer"), [("reader", "boxed-writer"), ("boxed-reader", "writer")])
def test_a_reader_may_read_and_a_writer_may_write_no_more(deployed: Deployed, reader: str, writer: str) -> None:
    key = f"{writer}/ü b%2F+.txt"
    deployed.run(writer, PUT % (key, writer))
    assert deployed.run(reader, GET % key) == f"from {writer}"
    assert deployed.run(reader, HEAD % key) == [len(f"from {writer}"), "text/plain", {"a": "1"}]
    assert deployed.run(reader, LIST % f"{writer}/") == [key]
    deployed.denied(reader, PUT % (key, reader), "s3:PutObject", "writes_to(images)")
    deployed.denied(reader, DELETE % key, "s3:DeleteObject", "writes_to(images)")
    deployed.denied(writer, GET % key, "s3:GetObject", "reads_from(images)")
    deployed.denied(writer, LIST % "", "s3:ListBucket", "reads_from(images)")
    deployed.run(writer, DELETE % key)
    assert deployed.run(reader, LIST % f"{writer}/") == []
    name = deployed.run(reader, NAME)
    old = deployed.client("s3", reader).list_object_versions(Bucket=name, Prefix=f"{writer}/")["Versions"]
    version = old[0]["VersionId"]
    body = deployed.client("s3", reader).get_object(Bucket=name, Key=key, VersionId=version)["Body"].read()
    assert body == f"from {writer}".encode(), "what was deleted is there as a version"
    with pytest.raises(Exception, match="s3:DeleteObjectVersion"):
        deployed.client("s3", writer).delete_object(Bucket=name, Key=key, VersionId=version)


@pair("read_writes_to", BOTH, "Storage.Bucket")
@pytest.mark.parametrize("unit", ["both", "boxed-both"])
def test_who_reads_and_writes_may_do_both_and_a_stranger_nothing(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, PUT % (unit, unit))
    assert deployed.run(unit, GET % unit) == f"from {unit}"
    name = deployed.run(unit, NAME)
    stranger = deployed.client("s3", "stranger")
    with pytest.raises(Exception, match="not authorized to perform: s3:GetObject"):
        stranger.get_object(Bucket=name, Key=unit)
    with pytest.raises(Exception, match="not authorized to perform: s3:PutObject"):
        stranger.put_object(Bucket=name, Key=unit, Body=b"")
    with pytest.raises(Exception, match="does not carry s3:PUT bucket with versioning"):
        deployed.client("s3", unit).put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


def test_a_presigned_url_carries_the_permissions_of_who_made_it(deployed: Deployed) -> None:
    upload = 'return config.buckets.get("images").presigned_url("signed", method="PUT", content_type="text/plain")'
    url = deployed.run("writer", upload)
    headers = {"Content-Type": "text/plain", "Origin": "https://shop.example"}
    request = urllib.request.Request(url, data=b"by the page", method="PUT", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    fetch = 'return config.buckets.get("images").presigned_url("signed")'
    with urllib.request.urlopen(deployed.run("reader", fetch), timeout=10) as answer:
        assert answer.read() == b"by the page"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(deployed.run("writer", fetch), timeout=10)


@pair("triggered_by", "Compute.Function", "Storage.Bucket")
def test_a_function_runs_for_the_objects_it_asked_for(deployed: Deployed) -> None:
    for key in ("in/a.txt", "out/a.png", "in/a b.png"):
        deployed.run("both", PUT % (key, "both"))
    deployed.run("both", DELETE % "in/a b.png")
    deployed.run("both", 'config.buckets.get("plain").put("anything", "x")')
    made = deployed.seen("watcher", lambda event: event["detail-type"] == "Object Created" and "in/" in str(event))
    gone = deployed.seen("watcher", lambda event: event["detail-type"] == "Object Deleted")
    other = deployed.seen("watcher", lambda event: event["detail"]["object"]["key"] == "anything")
    assert (made["source"], made["detail"]["object"]["key"], made["detail"]["reason"]) == (
        "aws.s3",
        "in/a b.png",
        "PutObject",
    )
    assert made["detail"]["bucket"]["name"] == deployed.run("both", NAME)
    assert gone["detail"]["deletion-type"] == "Delete Marker Created"
    assert gone["detail"]["object"]["sequencer"] > made["detail"]["object"]["sequencer"]
    assert "plain" in other["detail"]["bucket"]["name"]
    keys = {event["detail"]["object"]["key"] for event in deployed.events("watcher")}
    assert keys == {"in/a b.png", "anything"}, "nothing else runs it"
    with pytest.raises(Exception, match="not authorized to perform: s3:GetObject"):
        deployed.client("s3", "watcher").get_object(Bucket=made["detail"]["bucket"]["name"], Key="in/a.txt")


def test_a_bucket_that_is_not_protected_goes_with_its_stack(deployed: Deployed) -> None:
    client = deployed.client("cloudformation")
    names = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    policies = {}
    for name in names:
        template = client.get_template(StackName=name)["TemplateBody"]
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::S3::Bucket":
                policies[resource["Metadata"]["klotho"]["construct"]] = resource["DeletionPolicy"]
    assert policies == {"Storage.Bucket/images": "RetainExceptOnCreate", "Storage.Bucket/plain": "Delete"}
