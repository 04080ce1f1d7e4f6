"""Samples of buckets and their policies."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .network import ref, tags

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}


def read_bucket(cloud: Cloud, record: Record) -> Any:
    bucket = cloud.objects.bucket(record.identifier)
    assert bucket is not None
    return bucket.name, bucket.owner, bucket.versioning, bucket.settings, bucket.tags


def rule(days: int) -> dict[str, Any]:
    return {"Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": days}]}


def cors(origin: str) -> dict[str, Any]:
    return {"CorsRules": [{"AllowedOrigins": [origin], "AllowedMethods": ["GET"]}]}


def encryption(algorithm: str) -> dict[str, Any]:
    default = {"SSEAlgorithm": algorithm}
    return {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]}


def policy(name: str, sid: str) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": {"Fn::GetAtt": [name, "Arn"]},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


SAMPLES = (
    Sample(
        "AWS::S3::Bucket",
        {"VersioningConfiguration": {"Status": "Enabled"}, "LifecycleConfiguration": rule(1), "Tags": tags("a")},
        {
            "BucketEncryption": encryption("AES256"),
            "BucketName": "a-name-of-its-own",
            "CorsConfiguration": cors("https://shop.example"),
            "LifecycleConfiguration": rule(2),
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
            "VersioningConfiguration": {"Status": "Suspended"},
            "Tags": tags("b"),
        },
        refused={
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
            "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Prefix": "a"}]},
        },
        planes=planes("buckets"),
        read=read_bucket,
    ),
    Sample(
        "AWS::S3::BucketPolicy",
        {"Bucket": ref("Left"), "PolicyDocument": policy("Left", "One")},
        {"Bucket": ref("Right"), "PolicyDocument": policy("Left", "Two")},
        {"Left": BUCKET, "Right": BUCKET},
        together={"Bucket": {"PolicyDocument": policy("Right", "One")}},
        planes=planes("buckets"),
    ),
)
