"""Empties the buckets of sites that are about to be deleted: CloudFormation deletes only empty ones.

Input: templates of a deployed stack, before and after. Output: nothing is left in the buckets that go. Only what the
emitter marked as made again by the deployer is touched, never a bucket that holds data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.template import is_remade

_BUCKET = "AWS::S3::Bucket"


def empty_what_goes(clients: Clients, stack_name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Empty every such bucket of the template `before` that `after` does not hold."""
    for logical_id in _buckets(before):
        if logical_id in after.get("Resources", {}):
            continue
        with translated("emptying the bucket of a site that is removed"):
            found = clients.cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId=logical_id)[
                "StackResourceDetail"
            ]
            bucket = found.get("PhysicalResourceId")
            if bucket and not found["ResourceStatus"].startswith("DELETE_COMPLETE"):
                _empty(clients, bucket)


def _buckets(template: Mapping[str, Any]) -> Iterator[str]:
    for logical_id, resource in sorted(template.get("Resources", {}).items()):
        if resource.get("Type") == _BUCKET and is_remade(resource):
            yield logical_id


def _empty(clients: Clients, bucket: str) -> None:
    for page in clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", ()):
            clients.s3.delete_object(Bucket=bucket, Key=item["Key"])
    clients.s3.delete_object(Bucket=clients.place.artifact_bucket, Key=f"sites/{bucket}.json")
