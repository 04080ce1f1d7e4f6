"""`Storage.Bucket` on S3.

Private whatever anybody writes into a policy, owned by the account without ACLs, encrypted by S3's own keys, reached
over TLS only. Its changes go to EventBridge only when something is triggered by it, in a project always (a dollar for
a million of them); the rules belong to who is triggered, so that a further subscriber does not touch the bucket.

Source: Amazon S3 User Guide ("Security best practices", "Managing the lifecycle of objects", "Using cross-origin
resource sharing", "Enabling Amazon EventBridge").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.resources import AddResource, Ref, ResourceKey, SetProperty, join, resource_key
from klotho.resources.changes import Action

KIND = "Storage.Bucket"
KEEP_VERSIONS_DAYS = 30
ABORT_UPLOADS_DAYS = 7
_CORS_MAX_AGE_S = 3600


def bucket_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "bucket")


def is_versioned(construct: Construct, setting: Setting) -> bool:
    """Whether what is overwritten or deleted is kept: where the program says so, and where data is protected."""
    return bool(setting.parameter(construct, "versioning")) or setting.policy.protect


def is_triggering(construct: Construct, setting: Setting) -> bool:
    """Whether something is told of its changes, or may be in another repository of the project."""
    said = setting.application.relationships_on(construct.id)
    return setting.application.in_project or any(item.verb in ("triggered_by", "subscribes_to") for item in said)


def s3(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The bucket and its policy."""
    key = bucket_key(construct)
    yield AddResource(
        key,
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "LifecycleConfiguration": {"Rules": list(_lifecycle(construct, setting))},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    )
    if is_versioned(construct, setting):
        yield SetProperty(key, ("VersioningConfiguration",), {"Status": "Enabled"})
    cors = setting.parameter(construct, "cors")
    if cors:
        yield SetProperty(
            key, ("CorsConfiguration", "CorsRules"), [_cors(origin, cors[origin]) for origin in sorted(cors)]
        )
    if is_triggering(construct, setting):
        yield SetProperty(
            key, ("NotificationConfiguration",), {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        )
    yield _policy(construct)


def _policy(construct: Construct) -> Action:
    """Nobody reaches it without TLS, whatever they were granted."""
    arn = Ref(bucket_key(construct), "Arn")
    statement = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, join(arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return AddResource(
        resource_key(construct.id, "policy"),
        "AWS::S3::BucketPolicy",
        {
            "Bucket": Ref(bucket_key(construct)),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    )


def _lifecycle(construct: Construct, setting: Setting) -> Iterator[dict[str, Any]]:
    yield {
        "Id": "abort-uploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABORT_UPLOADS_DAYS},
    }
    days = setting.parameter(construct, "expire_days")
    if days is not None:
        yield {"Id": "expire", "Status": "Enabled", "ExpirationInDays": days}
    prefixes = setting.parameter(construct, "lifecycle") or {}
    for number, prefix in enumerate(sorted(prefixes), 1):
        yield {"Id": f"expire-{number}", "Status": "Enabled", "Prefix": prefix, "ExpirationInDays": prefixes[prefix]}
    if is_versioned(construct, setting):
        yield {
            "Id": "expire-versions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": setting.parameter(construct, "keep_versions_days")},
        }
        if days is None:  # a rule that expires objects removes these markers, too
            yield {"Id": "expire-markers", "Status": "Enabled", "ExpiredObjectDeleteMarker": True}


def _cors(origin: str, methods: list[str]) -> dict[str, Any]:
    return {
        "AllowedOrigins": [origin],
        "AllowedMethods": list(methods),
        "AllowedHeaders": ["*"],
        "ExposedHeaders": ["ETag"],  # an upload in parts from a page needs it
        "MaxAge": _CORS_MAX_AGE_S,
    }


S3 = Implementation(
    kind=KIND,
    name="s3",
    service="Amazon S3",
    expand=s3,
    parameters={
        "versioning": Parameter(
            "keep what is overwritten or deleted for `keep_versions_days`; always where `protect: true`", False
        ),
        "expire_days": Parameter("when an object is deleted (default: never)", unit="days"),
        "lifecycle": Parameter("when objects below a prefix are deleted: {prefix: days}", unit="days"),
        "keep_versions_days": Parameter(
            "how long a version is kept after it was overwritten or deleted", KEEP_VERSIONS_DAYS, "days"
        ),
        "cors": Parameter("origins whose pages may use presigned URLs: {origin: methods}"),
        "protect": Parameter("keep the bucket when it is taken out of the program or its stack is deleted", True),
    },
    outputs={
        "bucket": Output(lambda construct, setting: Ref(bucket_key(construct)), "name of the bucket"),
        "arn": Output(lambda construct, setting: Ref(bucket_key(construct), "Arn"), "ARN of the bucket"),
    },
    shares=lambda construct, setting: (
        ("bucket", None),
        ("bucket", "Arn"),
    ),
    stateful=True,
    keeps=lambda construct, setting: bool(setting.parameter(construct, "protect")),
    adoption=Adoption(
        type="AWS::S3::Bucket",
        key=bucket_key,
        service="s3",
        resource="{}",
        name=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        identifier=lambda found: found.name,
        attributes={"Arn": lambda found: found.arn},
        example="acme-images",
    ),
)
