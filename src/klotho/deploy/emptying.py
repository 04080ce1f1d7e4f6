"""Empties buckets before their stack is deleted: CloudFormation does not delete one that holds anything.

Input: clients, a stack's template and its resources. Output: the buckets the template deletes along with the stack are
empty, old versions, delete markers and unfinished uploads included. Buckets that the template keeps are not touched.

Source: S3 User Guide, "Emptying a bucket"; S3 API Reference, DeleteObjects (at most 1,000 keys).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from klotho.deploy.place import Clients, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TYPE = "AWS::S3::Bucket"


def empty_buckets(clients: Clients, stack: str, template: Mapping[str, Any]) -> None:
    """Of this stack, those whose DeletionPolicy is Delete."""
    resources = template.get("Resources", {})
    going = {
        name for name, item in resources.items() if item["Type"] == _TYPE and item.get("DeletionPolicy") == "Delete"
    }
    if not going:
        return
    with translated(f"emptying the buckets of {stack}"):
        for item in clients.cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
            bucket = item.get("PhysicalResourceId")
            if item["LogicalResourceId"] in going and bucket and item["ResourceStatus"] != "DELETE_COMPLETE":
                _empty(clients.s3, bucket)


def _empty(s3: S3Client, bucket: str) -> None:
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if found:
                objects: Any = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for uploads in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in uploads.get("Uploads", ()):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucket":  # gone already
            raise
