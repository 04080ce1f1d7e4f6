"""The operations on one object: put, get, head, delete, copy, tags, attributes.

Source: the operations of these names, Amazon S3 API Reference.
"""

from __future__ import annotations

from klotho.localcloud.service import ApiCall, ApiError, ApiResponse, FileSlice
from klotho.localcloud.services.object_store import Bucket, Draft, ObjectHead
from klotho.localcloud.services.s3 import conditions, documents
from klotho.localcloud.services.s3.checksums import PREFIX, checksum
from klotho.localcloud.services.s3.context import (
    Context,
    beside,
    check_body,
    created,
    described,
    nothing,
    removed,
    tagged,
    version_header,
)
from klotho.localcloud.services.s3.documents import Field, quoted, stamp
from klotho.localcloud.services.s3.errors import (
    bad_request,
    failed_condition,
    invalid,
    malformed,
    no_key,
    no_version,
    unsupported,
)
from klotho.localcloud.services.s3.requests import (
    algorithm_of,
    check_query,
    copy_source,
    sent_checksums,
    stored_headers,
    tags_of_document,
    tags_of_header,
)

MAX_PUT_BYTES = 5 * 1024**3
"""S3: "a single PUT operation … up to 5 GB"; the same for a copy in one go."""
_READ_AT_ONCE_BYTES = 256 * 1024
_RESPONSE_HEADERS = {
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
    "response-content-language": "content-language",
    "response-content-type": "content-type",
    "response-expires": "expires",
}


async def put_object(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("PutObject", call)
    check = conditions.for_write(call.headers, key)
    await check_body(call)
    checksums, algorithm = sent_checksums(call.headers), algorithm_of(call.headers)
    if algorithm is not None and not checksums:
        checksums = {f"{PREFIX}{algorithm}": await beside(len(call.body), lambda: checksum(algorithm, call.body))}
    headers, tags = stored_headers(call.headers) | checksums, tags_of_header(call.headers)
    draft = await s3.draft(bucket.name, call.body)
    event = created(call, bucket, "PutObject", s3.account)
    head = s3.store.commit(bucket.name, key, draft, headers, tags=tags, check=check, event=event)
    return nothing(200, _written(head, bucket, checksums))


def _written(head: ObjectHead, bucket: Bucket, checksums: dict[str, str]) -> dict[str, str]:
    kind = {f"{PREFIX}type": "FULL_OBJECT"} if checksums else {}
    answer = {"etag": quoted(head.etag), "x-amz-server-side-encryption": "AES256", **checksums, **kind}
    return answer | version_header(head, bucket)


async def get_object(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    """GetObject and HeadObject."""
    check_query("GetObject", call, "versionId", "partNumber", *_RESPONSE_HEADERS)
    head = find(s3, call, bucket, key)
    whole = "range" not in call.headers and "partNumber" not in call.query
    headers = described(head, bucket, checksums=whole and call.headers.get(f"{PREFIX}mode", "").upper() == "ENABLED")
    if conditions.not_modified(call.headers, head):
        # Without a body there is nothing a checksum could be of.
        return ApiResponse(304, b"", {name: value for name, value in headers.items() if not name.startswith(PREFIX)})
    headers |= {header: call.query[name] for name, header in _RESPONSE_HEADERS.items() if name in call.query}
    asked = _part(call, head, headers) or conditions.byte_range(call.headers.get("range"), head.size)
    start, end = asked or (0, head.size)
    if asked is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{head.size}"
    headers["content-length"] = str(end - start)
    status = 200 if asked is None else 206
    if call.method == "HEAD":
        return ApiResponse(status, b"", headers)
    content = s3.store.content(head)
    if isinstance(content, bytes):
        return ApiResponse(status, content[start:end], headers)
    file = content.open("rb")  # the endpoint closes it when all of it is sent
    file.seek(start)
    if end - start > _READ_AT_ONCE_BYTES:
        return ApiResponse(status, b"", headers, FileSlice(file, end - start))
    with file:
        return ApiResponse(status, file.read(end - start), headers)


def _part(call: ApiCall, head: ObjectHead, headers: dict[str, str]) -> tuple[int, int] | None:
    """The bytes of one part of a multipart object."""
    given = call.query.get("partNumber")
    if given is None:
        return None
    if "range" in call.headers:
        raise bad_request("Cannot specify both Range header and partNumber query parameter")
    sizes = head.parts or (head.size,)
    if not given.isdecimal() or not 1 <= int(given) <= 10000:
        raise invalid("Part number must be an integer between 1 and 10000, inclusive")
    if int(given) > len(sizes):
        raise ApiError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)
    if head.parts:
        headers["x-amz-mp-parts-count"] = str(len(sizes))
    start = sum(sizes[: int(given) - 1])
    return (start, start + sizes[int(given) - 1]) if head.size else None


def find(s3: Context, call: ApiCall, bucket: Bucket, key: str, version: str | None = None) -> ObjectHead:
    """The version that is asked for, or S3's error that says why there is none."""
    version = version if version is not None else call.query.get("versionId")
    head = s3.store.head(bucket.name, key, version)
    if version is not None:
        if head is None:
            raise no_version()
        if head.marker:
            gone = {"x-amz-delete-marker": "true", "x-amz-version-id": head.version, "allow": "DELETE"}
            text = "The specified method is not allowed against this resource."
            raise ApiError("MethodNotAllowed", text, 405, gone)
        return head
    if head is None:
        marker = s3.store.marker(bucket.name, key)
        error = no_key(key)
        if marker is not None:
            error.headers = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version}
        raise error
    return head


async def delete_object(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("DeleteObject", call, "versionId")
    event = removed(bucket, key, "DeleteObject", s3.account)
    check = conditions.for_delete(call.headers)
    done = s3.store.delete(bucket.name, key, call.query.get("versionId"), check=check, event=event)
    headers = {"x-amz-delete-marker": "true"} if done.marker else {}
    if bucket.versioning and done.version is not None:
        headers["x-amz-version-id"] = done.version
    return nothing(204, headers)


async def delete_objects(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("DeleteObjects", call, "delete")
    if "content-md5" not in call.headers and not sent_checksums(call.headers):
        raise bad_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    await check_body(call)
    document = documents.read(call.body, "Delete")
    document.only("Object", "Quiet")
    asked = document.all("Object")
    if not 1 <= len(asked) <= 1000:
        raise malformed("between 1 and 1000 objects are expected")
    quiet = document.text("Quiet") == "true"
    results: list[Field] = []
    for item in asked:
        item.only("Key", "VersionId")
        name, version = item.needed("Key"), item.text("VersionId")
        event = removed(bucket, name, "DeleteObject", s3.account)
        done = s3.store.delete(bucket.name, name, version, event=event)
        marked = [("DeleteMarker", True), ("DeleteMarkerVersionId", done.version)] if done.marker else []
        fields: list[Field] = [("Key", name), ("VersionId", version), *marked]
        results += [] if quiet else [("Deleted", fields)]
    return documents.answer("DeleteResult", results)


async def copy_object(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("CopyObject", call)
    source, source_bucket = source_of(s3, call)
    replace = _directive(call, "x-amz-metadata-directive") == "REPLACE"
    same = (source.bucket, source.key) == (bucket.name, key) and source.latest
    if same and not replace:
        raise bad_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
    kept = {name: value for name, value in source.headers.items() if not name.startswith(PREFIX)}
    headers = stored_headers(call.headers) if replace else kept
    tags = tags_of_header(call.headers) if _directive(call, "x-amz-tagging-directive") == "REPLACE" else source.tags
    draft = await piece(s3, source, 0, source.size, as_file=bool(source.place))
    event = created(call, bucket, "CopyObject", s3.account)
    check = conditions.for_write(call.headers, key)
    head = s3.store.commit(bucket.name, key, draft, headers, tags=tags, check=check, event=event)
    answer = {"x-amz-server-side-encryption": "AES256", **version_header(head, bucket)}
    if source_bucket.versioning:
        answer["x-amz-copy-source-version-id"] = source.version
    fields: list[Field] = [("LastModified", stamp(head.modified)), ("ETag", quoted(head.etag))]
    return documents.answer("CopyObjectResult", fields, headers=answer)


def source_of(s3: Context, call: ApiCall) -> tuple[ObjectHead, Bucket]:
    """What a copy is of; its own conditions hold."""
    bucket_name, key, version = copy_source(call.headers)
    bucket = s3.bucket(bucket_name)
    head = find(s3, call, bucket, key, version)
    if conditions.not_modified(call.headers, head, "x-amz-copy-source-"):
        raise failed_condition("x-amz-copy-source-if-none-match")
    return head, bucket


async def piece(s3: Context, source: ObjectHead, start: int, end: int, *, as_file: bool) -> Draft:
    """Some bytes of an object as a new content."""
    if end - start > MAX_PUT_BYTES:
        text = f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_PUT_BYTES}"
        raise bad_request(text)
    content = s3.store.content(source)
    if isinstance(content, bytes):
        return s3.store.draft(content[start:end], as_file=as_file)
    place, digest = await beside(end - start, lambda: s3.store.files.join([(source.place, start, end - start)]))
    return Draft(end - start, digest, place, None)


def _directive(call: ApiCall, name: str) -> str:
    value = call.headers.get(name, "COPY")
    if value not in ("COPY", "REPLACE"):
        raise invalid(f"Unknown {name.removeprefix('x-amz-')}.")
    return value


async def get_tagging(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("GetObjectTagging", call, "tagging", "versionId")
    head = find(s3, call, bucket, key)
    tags: list[Field] = [("Tag", [("Key", name), ("Value", value)]) for name, value in head.tags.items()]
    return documents.answer("Tagging", [("TagSet", tags)], headers=version_header(head, bucket))


async def put_tagging(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    """PutObjectTagging and DeleteObjectTagging."""
    check_query("PutObjectTagging", call, "tagging", "versionId")
    deleting = call.method == "DELETE"
    await check_body(call)
    tags = {} if deleting else tags_of_document(documents.read(call.body, "Tagging"))
    head = find(s3, call, bucket, key)
    with s3.store.transaction():
        s3.store.set_tags(head, tags)
        if bucket.sends_events:
            s3.store.post(*tagged(head, bucket, f"Object Tags {'Deleted' if deleting else 'Added'}", s3.account))
    return nothing(204 if deleting else 200, version_header(head, bucket))


async def get_attributes(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("GetObjectAttributes", call, "attributes", "versionId")
    wanted = [item.strip() for item in call.headers.get("x-amz-object-attributes", "").split(",")]
    unknown = [item for item in wanted if item not in ("ETag", "Checksum", "StorageClass", "ObjectSize", "ObjectParts")]
    if unknown:
        raise invalid("Invalid attribute name specified")
    if "ObjectParts" in wanted:
        raise unsupported("GetObjectAttributes of ObjectParts")
    head = find(s3, call, bucket, key)
    sums = [(name, value) for name, value in head.headers.items() if name.startswith(PREFIX)]
    values: dict[str, Field] = {
        "ETag": ("ETag", head.etag),
        "Checksum": ("Checksum", [(f"Checksum{name.removeprefix(PREFIX).upper()}", value) for name, value in sums]),
        "StorageClass": ("StorageClass", "STANDARD"),
        "ObjectSize": ("ObjectSize", head.size),
    }
    found = [field for name, field in values.items() if name in wanted and (name != "Checksum" or sums)]
    headers = {"last-modified": described(head, bucket)["last-modified"], **version_header(head, bucket)}
    return documents.answer("GetObjectAttributesResponse", found, headers=headers)
