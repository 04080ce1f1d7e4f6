"""Objects on disk, and the S3 calls the deployer and the functions need on the artifact bucket.

Input: an S3 request (`ApiCall`), or in-process `put`, `get`, `head`, `delete`, `path`. Output: S3's XML answers.
Refuses by name: every other operation, parameters and `x-amz-` headers that would change what is stored but are not
carried, and any bucket that does not exist. The bucket `klotho-assets-{account}-{region}` always exists.

Source: Amazon S3 API Reference, the operations named in `S3Service`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import quote
from xml.sax.saxutils import escape

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.object_store import ObjectHead, ObjectStore, Precondition
from klotho.localcloud.sigv4_check import check_content

__all__ = ["ObjectHead", "ObjectStore", "S3Service", "assets_bucket"]

MAX_KEY_BYTES = 1024
MAX_LIST_KEYS = 1000
_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_STORED_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_PUT_HEADERS = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-sdk-checksum-algorithm", "x-amz-trailer",
                          "x-amz-decoded-content-length", "x-amz-user-agent",
                          "x-amz-expected-bucket-owner"})  # fmt: skip
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)

_LIST_PARAMETERS = frozenset({"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after",
                              "encoding-type", "fetch-owner"})  # fmt: skip


def assets_bucket(account: str, region: str) -> str:
    """The bucket that holds code and other assets of deployments."""
    return f"klotho-assets-{account}-{region}"


class S3Service:
    """PutObject, GetObject (with ranges), HeadObject, DeleteObject, ListObjectsV2, HeadBucket, GetBucketLocation,
    CreateBucket (of the artifact bucket)."""

    name = "s3"

    def __init__(self, store: ObjectStore, account: str, region: str) -> None:
        self._store = store
        self._region = region
        self._assets = assets_bucket(account, region)

    async def call(self, call: ApiCall) -> ApiResponse:
        bucket, _, key = call.path.lstrip("/").partition("/")
        if not bucket:
            raise wire.not_carried("s3", "ListBuckets" if call.method == "GET" else call.method)
        return self._bucket(call, bucket) if not key else self._object(call, bucket, key)

    def _bucket(self, call: ApiCall, bucket: str) -> ApiResponse:
        operation = _bucket_operation(call)
        if operation == "CreateBucket":
            return self._create(bucket)
        self._must_exist(bucket)
        if operation == "HeadBucket":
            return ApiResponse(200, b"", {"x-amz-bucket-region": self._region})
        if operation == "GetBucketLocation":
            location = "" if self._region == "us-east-1" else self._region
            return _xml(f"<LocationConstraint {_XMLNS}>{location}</LocationConstraint>")
        if operation == "ListObjectsV2":
            return self._list(call, bucket)
        raise wire.not_carried("s3", operation)

    def _create(self, bucket: str) -> ApiResponse:
        if bucket != self._assets:
            raise ApiError(
                "NotImplemented",
                f"klotho's local cloud does not carry s3:CreateBucket of {bucket} yet, only {self._assets} exists",
                501,
            )
        if self._region != "us-east-1":  # the one region where making one's own bucket again is no error
            raise ApiError("BucketAlreadyOwnedByYou", f"{bucket} always exists in the local cloud", 409)
        return ApiResponse(200, b"", {"location": f"/{bucket}"})

    def _must_exist(self, bucket: str) -> None:
        if bucket != self._assets:
            raise ApiError("NoSuchBucket", f"The specified bucket does not exist: {bucket}", 404)

    def _list(self, call: ApiCall, bucket: str) -> ApiResponse:
        unknown = sorted(set(call.query) - _LIST_PARAMETERS)
        if unknown:
            raise ApiError(
                "NotImplemented", f"klotho's local cloud does not carry ListObjectsV2 with {unknown[0]}", 501
            )
        limit = call.query.get("max-keys", str(MAX_LIST_KEYS))
        if not limit.isdecimal():
            raise ApiError("InvalidArgument", "max-keys must be a whole number")
        query = {
            name: call.query.get(name, "") for name in ("prefix", "delimiter", "continuation-token", "start-after")
        }
        after = query["continuation-token"] or query["start-after"]
        found = _page(self._store, bucket, query["prefix"], query["delimiter"], after, min(int(limit), MAX_LIST_KEYS))
        return _xml(_list_document(bucket, query, found, call.query.get("encoding-type") == "url"))

    def _object(self, call: ApiCall, bucket: str, key: str) -> ApiResponse:
        operation = _object_operation(call)
        self._must_exist(bucket)
        if len(key.encode("utf-8", "surrogateescape")) > MAX_KEY_BYTES:
            raise ApiError("KeyTooLongError", "Your key is too long")
        try:
            key.encode()
        except UnicodeEncodeError:
            raise ApiError("InvalidURI", "The key is not valid UTF-8.") from None
        if operation == "PutObject":
            return self._put(call, bucket, key)
        if operation == "DeleteObject":
            self._store.delete(bucket, key)
            return ApiResponse(204)
        if operation in ("GetObject", "HeadObject"):
            return self._get(call, bucket, key)
        raise wire.not_carried("s3", operation)

    def _put(self, call: ApiCall, bucket: str, key: str) -> ApiResponse:
        for name in call.headers:
            carried = name in _PUT_HEADERS or name.startswith(("x-amz-meta-", "x-amz-checksum-"))
            if name.startswith("x-amz-") and not carried:
                raise ApiError("NotImplemented", f"klotho's local cloud does not carry PutObject with {name}", 501)
        check_content(call.headers, call.body)
        headers = {name: call.headers[name] for name in _STORED_HEADERS if name in call.headers}
        if "content-encoding" in headers:  # aws-chunked is the transport's, not the object's
            encodings = [part.strip() for part in headers.pop("content-encoding").split(",")]
            rest = ", ".join(part for part in encodings if part and part != "aws-chunked")
            headers |= {"content-encoding": rest} if rest else {}
        kept = ("x-amz-meta-", "x-amz-checksum-")
        headers |= {k: v for k, v in call.headers.items() if k.startswith(kept) and k != "x-amz-checksum-algorithm"}
        try:
            if_none_match, if_match = call.headers.get("if-none-match"), call.headers.get("if-match")
            head = self._store.put(bucket, key, call.body, headers, if_none_match=if_none_match, if_match=if_match)
        except Precondition as error:
            raise ApiError("PreconditionFailed", str(error), 412) from error
        answer = {name: value for name, value in head.headers.items() if name.startswith("x-amz-checksum-")}
        return ApiResponse(200, b"", {"etag": f'"{head.etag}"', **answer})

    def _get(self, call: ApiCall, bucket: str, key: str) -> ApiResponse:
        head = self._store.head(bucket, key)
        if head is None:
            raise ApiError("NoSuchKey", f"The specified key does not exist: {key}", 404)
        headers = {
            "content-type": "binary/octet-stream",
            **{k: v for k, v in head.headers.items() if _shown(k, call)},
            "etag": f'"{head.etag}"',
            "last-modified": formatdate(head.modified, usegmt=True),
            "accept-ranges": "bytes",
        }
        tag = f'"{head.etag}"'
        if call.headers.get("if-match", tag) not in (tag, head.etag, "*"):
            raise ApiError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
        if call.headers.get("if-none-match") in (tag, head.etag, "*"):
            return ApiResponse(304, b"", headers)
        asked = _range(call.headers.get("range"), head.size)
        start, end = asked or (0, head.size)
        status = 200
        if asked is not None:
            status = 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{head.size}"
        if call.method == "HEAD":
            return ApiResponse(status, b"", {**headers, "content-length": str(end - start)})
        with self._store.path(bucket, key).open("rb") as file:
            file.seek(start)
            return ApiResponse(status, file.read(end - start), headers)


def _shown(header: str, call: ApiCall) -> bool:
    """Checksums are of the whole object and shown on request only."""
    return not header.startswith("x-amz-checksum-") or (
        call.headers.get("x-amz-checksum-mode") == "ENABLED" and "range" not in call.headers
    )


def _bucket_operation(call: ApiCall) -> str:
    if call.method == "GET" and call.query.get("list-type") == "2":
        return "ListObjectsV2"
    if call.method == "GET" and set(call.query) == {"location"}:
        return "GetBucketLocation"
    names = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
    return _refined(names.get(call.method, call.method), call)


def _object_operation(call: ApiCall) -> str:
    if call.method == "PUT" and "x-amz-copy-source" in call.headers:
        return "CopyObject"
    names = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
    return _refined(names.get(call.method, call.method), call)


_SUB_RESOURCES = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("POST", "delete"): "DeleteObjects",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("GET", "acl"): "GetObjectAcl",
}


def _refined(operation: str, call: ApiCall) -> str:
    """With a sub-resource in the query (`?uploads`, `?tagging`, `?versionId=`) it is another operation, not carried."""
    extra = sorted(name for name in call.query if name != "x-id")
    return _SUB_RESOURCES.get((call.method, extra[0]), f"{operation} with {extra[0]}") if extra else operation


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of the bytes asked for; None for a header that is no byte range, which S3 ignores."""
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    elif last and int(last) < int(first):
        return None
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise ApiError("InvalidRange", "The requested range is not satisfiable", 416)
    return start, end


_Page = tuple[list[tuple[str, ObjectHead]], list[str], str | None]


def _page(store: ObjectStore, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> _Page:
    """Objects and common prefixes after a key, and the last key or prefix when there are more."""
    contents: list[tuple[str, ObjectHead]] = []
    prefixes: list[str] = []
    last = after
    for key in store.keys(bucket, prefix):
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if cut < 0 else key[: cut + len(delimiter)]
        if entry <= after or (prefixes and prefixes[-1] == entry):
            continue
        if len(contents) + len(prefixes) >= limit:
            return contents, prefixes, last if limit else None
        head = store.head(bucket, key)
        if cut >= 0:
            prefixes.append(entry)
        elif head is not None:
            contents.append((key, head))
        last = entry
    return contents, prefixes, None


def _list_document(bucket: str, query: Mapping[str, str], page: _Page, encode: bool) -> str:
    contents, prefixes, more = page

    def text(value: str) -> str:
        return quote(value, safe="/") if encode else escape(value)

    # The token is the key itself, url-encoded because it must survive XML whatever the key holds.
    parts = [
        f"<Name>{escape(bucket)}</Name><Prefix>{text(query['prefix'])}</Prefix>",
        f"<KeyCount>{len(contents) + len(prefixes)}</KeyCount><MaxKeys>{MAX_LIST_KEYS}</MaxKeys>",
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>",
        f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else "",
        f"<Delimiter>{text(query['delimiter'])}</Delimiter>" if query["delimiter"] else "",
        "<EncodingType>url</EncodingType>" if encode else "",
    ]
    for key, head in contents:
        stamp = _iso(head.modified)
        parts.append(
            f"<Contents><Key>{text(key)}</Key><LastModified>{stamp}</LastModified><ETag>&quot;{head.etag}&quot;</ETag>"
            f"<Size>{head.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    parts += [f"<CommonPrefixes><Prefix>{text(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes]
    return f"<ListBucketResult {_XMLNS}>{''.join(parts)}</ListBucketResult>"


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _xml(text: str) -> ApiResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return ApiResponse(200, body, {"content-type": "application/xml"})
