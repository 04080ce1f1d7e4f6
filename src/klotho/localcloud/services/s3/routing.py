"""Which operation of the S3 API a request is.

Input: method, path, query and headers. Output: bucket, key and the operation's name; permissions are decided by the
same name that is then served, so that no request is checked as one thing and answered as another. Refuses, by name,
what is not carried.

Source: Amazon S3 API Reference, the request syntax of each operation.
"""

from __future__ import annotations

from collections.abc import Mapping

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall
from klotho.localcloud.services.s3.errors import bad_request

_BUCKET: Mapping[tuple[str, str], str] = {
    ("DELETE", ""): "DeleteBucket",
    ("GET", ""): "ListObjects",
    ("GET", "cors"): "GetBucketCors",
    ("GET", "lifecycle"): "GetBucketLifecycleConfiguration",
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "tagging"): "GetBucketTagging",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "versions"): "ListObjectVersions",
    ("HEAD", ""): "HeadBucket",
    ("POST", "delete"): "DeleteObjects",
    ("PUT", ""): "CreateBucket",
}
_OBJECT: Mapping[tuple[str, str], str] = {
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", ""): "GetObject",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "uploadId"): "ListParts",
    ("HEAD", ""): "HeadObject",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", ""): "PutObject",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "uploadId"): "UploadPart",
}
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
_REFUSED = (
    "accelerate", "acl", "analytics", "encryption", "intelligent-tiering", "inventory", "legal-hold", "logging",
    "metrics", "notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock",
    "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session", "torrent", "website",
)  # fmt: skip
"""Sub-resources of operations that are not carried."""
_SUB_RESOURCES = tuple(dict.fromkeys(name for _, name in (*_BUCKET, *_OBJECT) if name))


def assets_bucket(account: str, region: str) -> str:
    """The bucket that holds code and other assets of deployments."""
    return f"klotho-assets-{account}-{region}"


def place_of(call: ApiCall) -> tuple[str, str]:
    """Bucket and key; both empty for a request to the service itself."""
    bucket, _, key = call.path.removeprefix("/").partition("/")
    return bucket, key


def operation_of(call: ApiCall) -> str:
    """The operation's name; ApiError 501 for one that is not carried."""
    bucket, key = place_of(call)
    if not bucket:
        if call.method == "GET" and not set(call.query) - {"x-id", "max-buckets", "prefix", "continuation-token"}:
            return "ListBuckets"
        raise wire.not_carried("s3", f"{call.method} /")
    found = [name for name in _SUB_RESOURCES if name in call.query]
    refused = [name for name in _REFUSED if name in call.query]
    if refused:
        kind = "Object" if key else "Bucket"
        raise wire.not_carried("s3", f"{call.method.title()}{kind} with {refused[0]}")
    if len(found) > 1:
        raise bad_request(f"Conflicting query string parameters: {', '.join(found)}")
    sub = found[0] if found else ""
    name = (_OBJECT if key else _BUCKET).get((call.method, sub))
    if name is None:
        raise wire.not_carried("s3", f"{call.method} {'object' if key else 'bucket'}{f' with {sub}' if sub else ''}")
    return _COPIES.get(name, name) if "x-amz-copy-source" in call.headers else name


OPERATIONS = frozenset({*_BUCKET.values(), *_OBJECT.values(), *_COPIES.values(), "ListBuckets"})
"""Every operation a request can be."""
