"""What a request says of an object: the headers to keep with it, its tags, its source; what can't be kept is refused.

Source: the request headers of PutObject, CopyObject and CreateMultipartUpload; "Object tagging", S3 User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from klotho.localcloud.service import ApiCall, ApiError
from klotho.localcloud.services.s3.checksums import ALGORITHMS, NOT_CHECKSUMS, PREFIX
from klotho.localcloud.services.s3.documents import Element
from klotho.localcloud.services.s3.errors import bad_request, invalid, unsupported

MAX_KEY_BYTES = 1024
MAX_METADATA_BYTES = 2048
MAX_TAGS = 10
STORED_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_COMMON = frozenset(
    {
        "x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-expected-bucket-owner",
        "x-amz-request-payer", "x-amz-sdk-checksum-algorithm", "x-amz-security-token", "x-amz-trailer",
        "x-amz-user-agent",
    }
)  # fmt: skip
_WRITING = frozenset({"x-amz-acl", "x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-tagging"})
_COPYING = frozenset(
    {
        "x-amz-copy-source", "x-amz-copy-source-if-match", "x-amz-copy-source-if-modified-since",
        "x-amz-copy-source-if-none-match", "x-amz-copy-source-if-unmodified-since", "x-amz-metadata-directive",
        "x-amz-tagging-directive",
    }
)  # fmt: skip
_MORE: Mapping[str, frozenset[str]] = {
    "CompleteMultipartUpload": frozenset({"x-amz-checksum-type", "x-amz-mp-object-size"}),
    "CopyObject": _WRITING | _COPYING | {"x-amz-checksum-algorithm"},
    "CreateMultipartUpload": _WRITING | {"x-amz-checksum-algorithm", "x-amz-checksum-type"},
    "GetObject": frozenset({"x-amz-checksum-mode"}),
    "GetObjectAttributes": frozenset({"x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker"}),
    "HeadObject": frozenset({"x-amz-checksum-mode"}),
    "ListObjects": frozenset({"x-amz-optional-object-attributes"}),
    "ListObjectsV2": frozenset({"x-amz-optional-object-attributes"}),
    "PutObject": _WRITING | {"x-amz-checksum-algorithm"},
    "UploadPart": frozenset({"x-amz-checksum-algorithm"}),
    "UploadPartCopy": (_COPYING - {"x-amz-metadata-directive", "x-amz-tagging-directive"})
    | {"x-amz-copy-source-range"},
}
_WITH_CHECKSUMS = ("PutObject", "UploadPart", "CompleteMultipartUpload", "DeleteObjects", "PutObjectTagging")
_WITH_METADATA = ("PutObject", "CopyObject", "CreateMultipartUpload")


def check_headers(operation: str, call: ApiCall, account: str) -> None:
    """Refuse, by name, every `x-amz-` header that would change the result and is not carried."""
    allowed = _COMMON | _MORE.get(operation, frozenset())
    for name in call.headers:
        if not name.startswith("x-amz-") or name in allowed:
            continue
        if name.startswith("x-amz-meta-") and operation in _WITH_METADATA:
            continue
        if name.startswith(PREFIX) and name not in NOT_CHECKSUMS and operation in _WITH_CHECKSUMS:
            continue
        raise unsupported(f"{operation} with {name}")
    _check_values(operation, call.headers, account)


def _check_values(operation: str, headers: Mapping[str, str], account: str) -> None:
    if headers.get("x-amz-expected-bucket-owner", account) != account:
        raise ApiError("AccessDenied", "The bucket belongs to another account than the expected one", 403)
    if headers.get("x-amz-storage-class", "STANDARD") != "STANDARD":
        raise unsupported(f"{operation} with the storage class {headers['x-amz-storage-class']}")
    if headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        raise unsupported(f"{operation} with the encryption {headers['x-amz-server-side-encryption']}")
    if headers.get("x-amz-acl", "bucket-owner-full-control") != "bucket-owner-full-control":
        raise ApiError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def check_query(operation: str, call: ApiCall, *allowed: str) -> None:
    """Refuse, by name, query parameters that are not carried."""
    for name in sorted(call.query):
        if name not in allowed and name != "x-id" and not name.lower().startswith("x-amz-"):
            raise unsupported(f"{operation} with {name}")


def check_key(key: str) -> None:
    if len(key.encode("utf-8", "surrogateescape")) > MAX_KEY_BYTES:
        raise ApiError("KeyTooLongError", "Your key is too long")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise ApiError("InvalidURI", "The key is not valid UTF-8.") from None


def stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What is kept with the object and given back with it."""
    kept = {name: headers[name] for name in STORED_HEADERS if name in headers}
    if "content-encoding" in kept:  # aws-chunked is the transport's, not the object's
        encodings = [part.strip() for part in kept.pop("content-encoding").split(",")]
        rest = ", ".join(part for part in encodings if part and part != "aws-chunked")
        kept |= {"content-encoding": rest} if rest else {}
    metadata = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
    size = sum(len(name) - len("x-amz-meta-") + len(value.encode()) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise ApiError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return kept | metadata


def sent_checksums(headers: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.startswith(PREFIX) and k not in NOT_CHECKSUMS}


def algorithm_of(headers: Mapping[str, str]) -> str | None:
    """The checksum a client wants, in lower case."""
    given = headers.get("x-amz-checksum-algorithm") or headers.get("x-amz-sdk-checksum-algorithm")
    if given is None:
        return None
    if given.lower() not in ALGORITHMS:
        raise bad_request("Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                          "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")  # fmt: skip
    return given.lower()


def tags_of_header(headers: Mapping[str, str]) -> dict[str, str]:
    """`x-amz-tagging: a=1&b=2`."""
    given = headers.get("x-amz-tagging", "")
    pairs = parse_qsl(given, keep_blank_values=True)
    return _checked_tags(pairs)


def tags_of_document(document: Element) -> dict[str, str]:
    sets = document.all("TagSet")
    tags = [tag for item in sets for tag in item.all("Tag")]
    return _checked_tags([(tag.needed("Key"), tag.needed("Value")) for tag in tags])


def _checked_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    tags = dict(pairs)
    if len(tags) < len(pairs):
        raise ApiError("InvalidTag", "Cannot provide multiple Tags with the same key")
    if len(tags) > MAX_TAGS:
        raise ApiError("BadRequest", "Object tags cannot be greater than 10")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128:
            raise ApiError("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > 256:
            raise ApiError("InvalidTag", "The TagValue you have provided is invalid")
        if key.lower().startswith("aws:"):
            raise ApiError("InvalidTag", "System tags cannot be added/updated by requester")
    return tags


def copy_source(headers: Mapping[str, str]) -> tuple[str, str, str | None]:
    """Bucket, key and version of the source of a copy."""
    path, _, query = headers.get("x-amz-copy-source", "").partition("?")
    bucket, _, key = unquote(path, errors="surrogateescape").removeprefix("/").partition("/")
    if not bucket or not key or bucket.startswith("arn:"):
        raise invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    version = dict(parse_qsl(query)).get("versionId")
    return bucket, key, version
