"""Reads the files of a bucket as CloudFront does: signed by the distribution's origin access control.

Input: a bucket, a key, the distribution. Output: the object, or S3's refusal. What the deployed *bucket policy* does
not let `cloudfront.amazonaws.com` do on behalf of this distribution is refused: nothing here reads around it.

Source: Amazon CloudFront Developer Guide, "Restrict access to an Amazon S3 origin"; Amazon S3 API Reference, GetObject
("If you have the s3:ListBucket permission … 404, if you don't … 403").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from klotho.localcloud.identity import arn
from klotho.localcloud.permissions.services import service_may

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

SERVICE = "cloudfront.amazonaws.com"
_SHOWN = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer of the origin."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class BucketOrigin:
    """The one kind of origin."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def fetch(self, bucket: str, key: str, distribution: str, etag: str | None = None) -> Fetched:
        """The object; 304 without a body when it still is the one with this ETag."""
        facts = self._facts(distribution)
        policy = self._policy(bucket)
        if self._cloud.world.get("AWS::S3::Bucket", bucket) is None:
            return _refused(404, "NoSuchBucket", "The specified bucket does not exist")
        if not service_may(policy, SERVICE, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", facts):
            return _refused(403, "AccessDenied", "Access Denied")
        head = self._cloud.objects.head(bucket, key)
        if head is None:
            if service_may(policy, SERVICE, "s3:ListBucket", f"arn:aws:s3:::{bucket}", facts):
                return _refused(404, "NoSuchKey", "The specified key does not exist.", key)
            return _refused(403, "AccessDenied", "Access Denied")
        headers = {
            "content-type": "binary/octet-stream",
            **{name: value for name, value in head.headers.items() if name in _SHOWN or name.startswith("x-amz-meta-")},
            "etag": f'"{head.etag}"',
            "last-modified": formatdate(head.modified, usegmt=True),
        }
        if etag is not None and etag == headers["etag"]:
            return Fetched(304, headers, b"")
        return Fetched(200, headers, self._cloud.objects.get(bucket, key) or b"")

    def _policy(self, bucket: str) -> Mapping[str, Any] | str | None:
        for record in self._cloud.world.list("AWS::S3::BucketPolicy"):
            if record.properties.get("Bucket") == bucket:
                found: Mapping[str, Any] | str | None = record.properties.get("PolicyDocument")
                return found
        return None

    def _facts(self, distribution: str) -> dict[str, Any]:
        account = self._cloud.account
        return {
            "aws:principalisawsservice": "true",
            "aws:resourceaccount": account,
            # Loopback stands for TLS: CloudFront reads from S3 over it.
            "aws:securetransport": "true",
            "aws:sourceaccount": account,
            "aws:sourcearn": arn("cloudfront", f"distribution/{distribution}", "", account),
        }


def _refused(status: int, code: str, message: str, key: str | None = None) -> Fetched:
    named = "" if key is None else f"<Key>{escape(key)}</Key>"
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{named}</Error>'
    )
    return Fetched(status, {"content-type": "application/xml"}, text.encode())
