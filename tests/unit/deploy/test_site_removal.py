"""The bucket of a site that goes is emptied; no other bucket ever is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.deploy.differences import holds_data
from klotho.deploy.sites.removal import empty_what_goes

SITE = {"Type": "AWS::S3::Bucket", "Metadata": {"klotho": {"construct": "Site/web", "remade": True}}}
DATA = {"Type": "AWS::S3::Bucket", "Metadata": {"klotho": {"construct": "Storage.Bucket/images"}}}


class FakeCloud:
    def __init__(self) -> None:
        self.cloudformation = self.s3 = self
        self.place = type("Place", (), {"artifact_bucket": "assets"})()
        self.deleted: list[tuple[str, str]] = []

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
        bucket = f"{StackName}-{LogicalResourceId}".lower()
        return {"StackResourceDetail": {"PhysicalResourceId": bucket, "ResourceStatus": "CREATE_COMPLETE"}}

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, Bucket: str) -> Iterator[dict[str, Any]]:
        yield {"Contents": [{"Key": "a"}]}
        yield {"Contents": [{"Key": "b"}]}
        yield {}

    def delete_object(self, Bucket: str, Key: str) -> None:
        self.deleted.append((Bucket, Key))


def emptied(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    cloud = FakeCloud()
    empty_what_goes(cloud, "shop", {"Resources": before}, {"Resources": after})  # type: ignore[arg-type]
    return cloud.deleted


def test_a_site_that_goes_leaves_nothing_behind() -> None:
    assert emptied({"Files": SITE}, {}) == [
        ("shop-files", "a"),
        ("shop-files", "b"),
        ("assets", "sites/shop-files.json"),
    ]


def test_a_site_that_stays_and_data_are_never_touched() -> None:
    assert emptied({"Files": SITE, "Images": DATA}, {"Files": SITE}) == []


def test_files_of_a_site_are_no_data() -> None:
    assert not holds_data(SITE)
    assert holds_data({**SITE, "Metadata": {}, "DeletionPolicy": "Retain"})
