"""The listings of a bucket: ListObjectsV2, ListObjects, ListObjectVersions.

Source: the operations of these names, Amazon S3 API Reference.
"""

from __future__ import annotations

from collections.abc import Callable

from klotho.localcloud.service import ApiCall, ApiResponse
from klotho.localcloud.services.object_store import Bucket, ObjectHead, Page
from klotho.localcloud.services.object_store.listing import Asked, listing
from klotho.localcloud.services.s3 import documents
from klotho.localcloud.services.s3.checksums import PREFIX
from klotho.localcloud.services.s3.context import Context
from klotho.localcloud.services.s3.documents import Field, encoded, quoted, stamp
from klotho.localcloud.services.s3.errors import invalid
from klotho.localcloud.services.s3.requests import check_query

MAX_KEYS = 1000
_COMMON = ("prefix", "delimiter", "max-keys", "encoding-type")
Spell = Callable[[str], str]


def _limit(call: ApiCall) -> tuple[int, int]:
    """How many are shown at most, and how many were asked for."""
    given = call.query.get("max-keys") or str(MAX_KEYS)
    if not given.isdecimal() or int(given) > 2**31 - 1:
        raise invalid("Provided max-keys not an integer or within integer range")
    return min(int(given), MAX_KEYS), int(given)


def _spelling(call: ApiCall) -> Spell:
    kind = call.query.get("encoding-type")
    if kind not in (None, "", "url"):
        raise invalid("Invalid Encoding Method specified in Request")
    return lambda text: encoded(text, kind == "url")


def _owner(s3: Context) -> Field:
    return ("Owner", [("ID", s3.account)])


def _contents(page: Page, spell: Spell, owner: Field | None) -> list[Field]:
    """The objects and, after them, the rolled-up prefixes."""
    found: list[Field] = []
    for head in page.items:
        sums = [name.removeprefix(PREFIX).upper() for name in head.headers if name.startswith(PREFIX)]
        fields: list[Field] = [
            ("Key", spell(head.key)),
            ("LastModified", stamp(head.modified)),
            ("ETag", quoted(head.etag)),
            *(("ChecksumAlgorithm", name) for name in sums),
            ("Size", head.size),
            *([owner] if owner else []),
            ("StorageClass", "STANDARD"),
        ]
        found.append(("Contents", fields))
    return found + _prefixes(page, spell)


def _prefixes(page: Page, spell: Spell) -> list[Field]:
    return [("CommonPrefixes", [("Prefix", spell(prefix))]) for prefix in page.prefixes]


def _head(bucket: Bucket, call: ApiCall, spell: Spell, wanted: int, page: Page) -> list[Field]:
    return [
        ("Name", bucket.name),
        ("Prefix", spell(call.query.get("prefix", ""))),
        ("Delimiter", spell(call.query["delimiter"]) if call.query.get("delimiter") else None),
        ("MaxKeys", wanted),
        ("EncodingType", call.query.get("encoding-type") or None),
        ("IsTruncated", page.last is not None),
    ]


async def list_objects_v2(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("ListObjectsV2", call, *_COMMON, "list-type", "continuation-token", "start-after", "fetch-owner")
    if call.query["list-type"] != "2":
        raise invalid("Invalid List Type specified in Request")
    (limit, _), spell = _limit(call), _spelling(call)
    token, start = call.query.get("continuation-token"), call.query.get("start-after", "")
    if token == "":
        raise invalid("The continuation token provided is incorrect")
    # The token is the last key or prefix of the page before; clients give it back as it was.
    page = listing(s3.store, Asked(bucket.name, call.query.get("prefix", ""), call.query.get("delimiter", ""),
                                   _key_of(token) if token else start, limit=limit))  # fmt: skip
    owner = _owner(s3) if call.query.get("fetch-owner") == "true" else None
    fields = [
        *_head(bucket, call, spell, limit, page),
        ("KeyCount", len(page.items) + len(page.prefixes)),
        ("ContinuationToken", token),
        ("NextContinuationToken", _token_of(page.last[0]) if page.last else None),
        ("StartAfter", spell(start) if start else None),
    ]
    return documents.answer("ListBucketResult", [*fields, *_contents(page, spell, owner)])


def _token_of(key: str) -> str:
    """Opaque, and plain characters whatever the key holds."""
    return key.encode().hex() or "-"


def _key_of(token: str) -> str:
    try:
        return bytes.fromhex(token).decode()
    except ValueError:
        raise invalid("The continuation token provided is incorrect") from None


async def list_objects(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("ListObjects", call, *_COMMON, "marker")
    (limit, _), spell = _limit(call), _spelling(call)
    marker, delimiter = call.query.get("marker", ""), call.query.get("delimiter", "")
    page = listing(s3.store, Asked(bucket.name, call.query.get("prefix", ""), delimiter, marker, limit=limit))
    fields = [
        *_head(bucket, call, spell, limit, page),
        ("Marker", spell(marker)),
        ("NextMarker", spell(page.last[0]) if page.last and delimiter else None),
    ]
    return documents.answer("ListBucketResult", [*fields, *_contents(page, spell, _owner(s3))])


async def list_object_versions(s3: Context, call: ApiCall, bucket: Bucket, key: str) -> ApiResponse:
    check_query("ListObjectVersions", call, *_COMMON, "versions", "key-marker", "version-id-marker")
    (limit, _), spell = _limit(call), _spelling(call)
    after, version = call.query.get("key-marker", ""), call.query.get("version-id-marker") or None
    if version is not None and not after:
        raise invalid("A version-id marker cannot be specified without a key marker.")
    asked = Asked(bucket.name, call.query.get("prefix", ""), call.query.get("delimiter", ""), after, version,
                  limit, versions=True)  # fmt: skip
    page = listing(s3.store, asked)
    fields = [
        *_head(bucket, call, spell, limit, page),
        ("KeyMarker", spell(after)),
        ("VersionIdMarker", version or ""),
        ("NextKeyMarker", spell(page.last[0]) if page.last else None),
        ("NextVersionIdMarker", page.last[1] or None if page.last else None),
    ]
    shown = [_version(head, spell, _owner(s3)) for head in page.items]
    return documents.answer("ListVersionsResult", [*fields, *shown, *_prefixes(page, spell)])


def _version(head: ObjectHead, spell: Spell, owner: Field) -> Field:
    fields: list[Field] = [
        ("Key", spell(head.key)),
        ("VersionId", head.version),
        ("IsLatest", head.latest),
        ("LastModified", stamp(head.modified)),
        owner,
    ]
    if head.marker:
        return ("DeleteMarker", fields)
    more: list[Field] = [("ETag", quoted(head.etag)), ("Size", head.size), ("StorageClass", "STANDARD")]
    return ("Version", [*fields, *more])
