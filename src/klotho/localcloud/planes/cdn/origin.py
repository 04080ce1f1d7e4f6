"""Reads the files of a bucket as CloudFront does: signed by the distribution's origin access control.

Input: a bucket, a key, the distribution. Output: the object, or S3's refusal. What the deployed *bucket policy* does
not let `cloudfront.amazonaws.com` do on behalf of this distribution is refused: nothing here reads around it.

Source: Amazon CloudFront Developer Guide, "Restrict access to an Amazon S3 origin"; Amazon S3 API Reference, GetObject
("If you have the s3:ListBucket permission … 404, if you don't … 403").
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from klotho.localcloud.identity import arn
from klotho.localcloud.permissions.resource_policies import ServicePrincipals

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
        self._principals = ServicePrincipals(cloud.world, cloud.region, cloud.account)

    def fetch(self, bucket: str, key: str, distribution: str, etag: str | None = None) -> Fetched:
        """The object; 304 without a body when it still is the one with this ETag."""
        source = arn("cloudfront", f"distribution/{distribution}", "", self._cloud.account)
        if self._cloud.world.get("AWS::S3::Bucket", bucket) is None:
            return _refused(404, "NoSuchBucket", "The specified bucket does not exist")
        if not self._may("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", source):
            return _refused(403, "AccessDenied", "Access Denied")
        head = self._cloud.objects.head(bucket, key)
        if head is None:
            if self._may("s3:ListBucket", f"arn:aws:s3:::{bucket}", source):
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

    def _may(self, action: str, resource: str, source: str) -> bool:
        return self._principals.decide(SERVICE, action, resource, source).allowed


def _refused(status: int, code: str, message: str, key: str | None = None) -> Fetched:
    named = "" if key is None else f"<Key>{escape(key)}</Key>"
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{named}</Error>'
    )
    return Fetched(status, {"content-type": "application/xml"}, text.encode())
