"""`--delete-data` beside other applications: buckets that go are emptied first, those that stay are not touched."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from klotho.deploy.emptying import empty_buckets
from tests.localcloud.buckets.served_buckets import KEPT, PLAIN, ServedBuckets

pytestmark = pytest.mark.localcloud


class Described:
    """CloudFormation, as far as it is asked."""

    def describe_stack_resources(self, StackName: str) -> Any:
        names = {"Plain": PLAIN, "Kept": KEPT, "Gone": "nobody"}
        found = [
            {"LogicalResourceId": name, "PhysicalResourceId": bucket, "ResourceStatus": "CREATE_COMPLETE"}
            for name, bucket in names.items()
        ]
        return {"StackResources": found}


def template(**policies: str) -> dict[str, Any]:
    return {"Resources": {n: {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy} for n, policy in policies.items()}}


def test_versions_markers_and_unfinished_uploads_go_and_what_is_kept_stays(served: ServedBuckets) -> None:
    s3 = served.s3
    for bucket in (PLAIN, KEPT):
        for number in range(3):
            s3.put_object(Bucket=bucket, Key=f"k{number % 2}", Body=b"x")
        s3.delete_object(Bucket=bucket, Key="k0")
        s3.create_multipart_upload(Bucket=bucket, Key="never")
    clients: Any = SimpleNamespace(s3=s3, cloudformation=Described())
    empty_buckets(clients, "stack", template(Plain="RetainExceptOnCreate", Kept="Delete", Gone="Delete"))
    assert served.objects.is_empty(KEPT)
    assert s3.list_multipart_uploads(Bucket=KEPT).get("Uploads", []) == []
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=PLAIN)["Contents"]] == ["k1"]
    assert len(s3.list_multipart_uploads(Bucket=PLAIN)["Uploads"]) == 1
