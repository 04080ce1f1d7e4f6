"""Multipart uploads.

Source: the operations of these names, Amazon S3 API Reference; S3 User Guide, "Amazon S3 multipart upload limits" and
"Checking object integrity" (composite and full-object checksums).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.object_store import Bucket, Draft, MissingError, Part, Upload, uploads
from klotho.localcloud.services.s3 import conditions, documents
from klotho.localcloud.services.s3.checksums import FULL_OBJECT, PREFIX, check_content, checksum, composite
from klotho.localcloud.services.s3.context import (
    IN_A_THREAD_BYTES,
    Context,
    beside,
    check_body,
    created,
    nothing,
    version_header,
)
from klotho.localcloud.services.s3.documents import Element, Field, quoted, stamp
from klotho.localcloud.services.s3.errors import bad_request, invalid, malformed
from klotho.localcloud.services.s3.objects import piece, source_of
from klotho.localcloud.services.s3.requests import (
    algorithm_of,
    check_query,
    sent_checksums,
    stored_headers,
    tags_of_header,
)

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PARTS = 10000
_ALGORITHM, _TYPE = f"{PREFIX}algorithm", f"{PREFIX}type"
"""Kept in the upload's headers until it is complete."""


async def create(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("CreateMultipartUpload", call, "uploads")
    algorithm = algorithm_of(call.headers)
    headers, told = stored_headers(call.headers), {}
    if algorithm is not None:
        kind = call.headers.get(_TYPE) or ("FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE")
        if kind not in ("COMPOSITE", "FULL_OBJECT") or (kind == "FULL_OBJECT" and algorithm not in FULL_OBJECT):
            text = f"The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
            raise bad_request(text)
        told = {_ALGORITHM: algorithm.upper(), _TYPE: kind}
    upload = uploads.begin(s3.store, bucket.name, key, headers | told, tags_of_header(call.headers))
    fields: list[Field] = [("Bucket", bucket.name), ("Key", key), ("UploadId", upload.id)]
    answer = {"x-amz-server-side-encryption": "AES256", **told}
    return documents.answer("InitiateMultipartUploadResult", fields, headers=answer)


def _upload(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> Upload:
    try:
        return uploads.find(s3.store, bucket.name, key, call.query["uploadId"])
    except MissingError as error:
        raise ApiError(error.code, error.message, 404) from None


def _number(call: ApiCall) -> int:
    given = call.query.get("partNumber", "")
    if not (given.isdecimal() and len(given) <= 5 and 1 <= int(given) <= MAX_PARTS):
        raise invalid(f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive")
    return int(given)


async def put_part(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("UploadPart", call, "partNumber", "uploadId")
    upload, number = _upload(s3, call, bucket, key), _number(call)
    await check_body(call)
    checksums = sent_checksums(call.headers)
    algorithm = upload.headers.get(_ALGORITHM, "").lower()
    if algorithm and not checksums:
        checksums = {f"{PREFIX}{algorithm}": await beside(len(call.body), lambda: checksum(algorithm, call.body))}
    draft = await s3.draft(bucket.name, call.body, as_file=True)
    part = _stored(s3, upload, number, draft, checksums)
    return nothing(200, {"etag": quoted(part.etag), "x-amz-server-side-encryption": "AES256", **checksums})


async def put_part_copy(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("UploadPartCopy", call, "partNumber", "uploadId")
    upload, number = _upload(s3, call, bucket, key), _number(call)
    source, _ = source_of(s3, call)
    start, end = 0, source.size
    asked = call.headers.get("x-amz-copy-source-range")
    if asked is not None:
        found = conditions.byte_range(asked, source.size)
        if found is None:
            raise invalid("The x-amz-copy-source-range value must be of the form bytes=first-last")
        start, end = found
    part = _stored(s3, upload, number, await piece(s3, source, start, end, as_file=True), {})
    fields: list[Field] = [("LastModified", stamp(part.modified)), ("ETag", quoted(part.etag))]
    return documents.answer("CopyPartResult", fields)


def _stored(s3: Context, upload: Upload, number: int, draft: Draft, checksums: Mapping[str, str]) -> Part:
    try:
        return uploads.put_part(s3.store, upload, number, draft, checksums)
    except MissingError as error:
        raise ApiError(error.code, error.message, 404) from None


async def complete(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("CompleteMultipartUpload", call, "uploadId")
    upload = _upload(s3, call, bucket, key)
    document = documents.read(call.body, "CompleteMultipartUpload")
    parts = _chosen(document, {part.number: part for part in uploads.parts_of(s3.store, upload)})
    draft = await beside(IN_A_THREAD_BYTES, lambda: uploads.joined(s3.store, parts))
    try:
        checksums = await beside(IN_A_THREAD_BYTES, lambda: _checksums(s3, call, upload, parts, draft))
        _upload(s3, call, bucket, key)  # completed or aborted by another meanwhile
    except BaseException:
        s3.store.discard(draft)
        raise
    kept = {name: value for name, value in upload.headers.items() if name not in (_ALGORITHM, _TYPE)}
    head = s3.store.commit(
        bucket.name, key, draft, kept | checksums, tags=upload.tags, parts=[part.size for part in parts],
        check=conditions.for_write(call.headers, key),
        event=created(call, bucket, "CompleteMultipartUpload", s3.account),
        instead_of=upload.id,
    )  # fmt: skip
    sums: list[Field] = [(f"Checksum{name.removeprefix(PREFIX).upper()}", value) for name, value in checksums.items()]
    where = f"/{bucket.name}/{key}"
    fields: list[Field] = [("Location", where), ("Bucket", bucket.name), ("Key", key), ("ETag", quoted(head.etag))]
    kind: list[Field] = [("ChecksumType", upload.headers.get(_TYPE, "FULL_OBJECT"))] if sums else []
    answer = {"x-amz-server-side-encryption": "AES256", **version_header(head, bucket)}
    return documents.answer("CompleteMultipartUploadResult", [*fields, *sums, *kind], headers=answer)


def _chosen(document: Element, known: Mapping[int, Part]) -> list[Part]:
    """The parts of the object, in their order, as the client lists them."""
    listed = document.all("Part")
    if not listed:
        raise malformed("at least one Part is expected")
    numbers = [item.needed("PartNumber").strip() for item in listed]
    if not all(number.isdecimal() and len(number) <= 5 for number in numbers):
        raise malformed("PartNumber is a whole number")
    if any(int(left) >= int(right) for left, right in pairwise(numbers)):
        text = "The list of parts was not in ascending order. The parts list must be specified in order by part number."
        raise ApiError("InvalidPartOrder", text)
    chosen = []
    for number, item in zip(numbers, listed, strict=True):
        part = known.get(int(number))
        if part is None or item.needed("ETag").strip().strip('"') != part.etag or not _agrees(item, part):
            text = "One or more of the specified parts could not be found. The part may not have been uploaded, or the "
            raise ApiError("InvalidPart", f"{text}specified entity tag may not match the part's entity tag.")
        chosen.append(part)
    if any(part.size < MIN_PART_BYTES for part in chosen[:-1]):
        raise ApiError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    return chosen


def _agrees(item: Element, part: Part) -> bool:
    """The checksums the client lists are those of the part."""
    for name, value in part.checksums.items():
        listed = item.text(f"Checksum{name.removeprefix(PREFIX).upper()}")
        if listed is not None and listed != value:
            return False
    return True


def _checksums(s3: Context, call: ApiCall, upload: Upload, parts: list[Part], draft: Draft) -> dict[str, str]:
    """The checksum of the whole, of the kind the upload was begun with; BadDigest when the client says another."""
    size = call.headers.get("x-amz-mp-object-size")
    if size is not None and size != str(draft.size):
        raise bad_request("The provided object size does not match the object size calculated from the parts.")
    algorithm = upload.headers.get(_ALGORITHM, "").lower()
    if not algorithm:
        return {}
    name = f"{PREFIX}{algorithm}"
    if upload.headers[_TYPE] == "COMPOSITE":
        sums = [part.checksums.get(name) for part in parts]
        if not all(sums):
            raise bad_request(f"The upload was created using a {algorithm} checksum. The complete request must include "
                              "the checksum for each part.")  # fmt: skip
        return {name: composite(algorithm, [str(item) for item in sums])}
    content = s3.store.files.incoming(draft.place).read_bytes()
    check_content(sent_checksums(call.headers), content)
    return {name: checksum(algorithm, content)}


async def abort(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("AbortMultipartUpload", call, "uploadId")
    s3.store.drop_upload(_upload(s3, call, bucket, key).id)
    s3.store.collect()
    return nothing(204)


async def list_parts(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("ListParts", call, "uploadId", "max-parts", "part-number-marker", "encoding-type")
    upload = _upload(s3, call, bucket, key)
    limit, after = call.query.get("max-parts", "1000"), call.query.get("part-number-marker", "0")
    if not (limit.isdecimal() and after.isdecimal()):
        raise invalid("max-parts and part-number-marker must be whole numbers")
    wanted = min(int(limit), 1000)
    found = uploads.parts_of(s3.store, upload, min(int(after), MAX_PARTS), wanted + 1)
    parts, more = found[:wanted], len(found) > wanted
    shown: list[Field] = [
        (
            "Part",
            [
                ("PartNumber", part.number),
                ("LastModified", stamp(part.modified)),
                ("ETag", quoted(part.etag)),
                ("Size", part.size),
                *((f"Checksum{name.removeprefix(PREFIX).upper()}", value) for name, value in part.checksums.items()),
            ],
        )
        for part in parts
    ]
    fields: list[Field] = [
        ("Bucket", bucket.name),
        ("Key", documents.encoded(key, call.query.get("encoding-type") == "url")),
        ("UploadId", upload.id),
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", parts[-1].number if more and parts else None),
        ("MaxParts", wanted),
        ("IsTruncated", more),
        ("StorageClass", "STANDARD"),
    ]
    return documents.answer("ListPartsResult", [*fields, *shown])


async def list_uploads(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("ListMultipartUploads", call, "uploads", "prefix", "max-uploads", "encoding-type", "key-marker",
                "upload-id-marker")  # fmt: skip
    url, prefix = call.query.get("encoding-type") == "url", call.query.get("prefix", "")
    limit, after = call.query.get("max-uploads", "1000"), call.query.get("key-marker", "")
    marker = call.query.get("upload-id-marker", "") if after else ""
    if not limit.isdecimal():
        raise invalid("max-uploads must be a whole number")
    found = [item for item in uploads.all_of(s3.store, bucket.name) if item.key.startswith(prefix)]
    place = next((index for index, item in enumerate(found) if (item.key, item.id) == (after, marker)), None)
    found = found[place + 1 :] if place is not None else [item for item in found if item.key > after]
    wanted = min(int(limit), 1000)
    shown, more = found[:wanted], len(found) > wanted
    fields: list[Field] = [
        ("Bucket", bucket.name),
        ("KeyMarker", documents.encoded(after, url)),
        ("UploadIdMarker", marker),
        ("NextKeyMarker", documents.encoded(shown[-1].key, url) if more and shown else None),
        ("NextUploadIdMarker", shown[-1].id if more and shown else None),
        ("Prefix", documents.encoded(prefix, url)),
        ("EncodingType", "url" if url else None),
        ("MaxUploads", wanted),
        ("IsTruncated", more),
    ]
    items: list[Field] = [
        (
            "Upload",
            [
                ("Key", documents.encoded(item.key, url)),
                ("UploadId", item.id),
                ("StorageClass", "STANDARD"),
                ("Initiated", stamp(item.begun)),
            ],
        )
        for item in shown
    ]
    return documents.answer("ListMultipartUploadsResult", [*fields, *items])
