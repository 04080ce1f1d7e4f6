"""One answer to a visitor, from a copy: conditions, ranges, compression.

Input: the copy and the request's headers. Output: status, headers and body. Refuses only a range that lies outside
(416).

Source: RFC 9110 (conditional requests, ranges); Amazon CloudFront Developer Guide, "Serve compressed files": objects of
1,000 to 10,000,000 bytes, of the content types listed there, and a strong ETag becomes a weak one. CloudFront prefers
Brotli where the visitor takes it; here it is gzip.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from klotho.localcloud.planes.cdn.cache import Copy

_SMALLEST, _LARGEST = 1_000, 10_000_000
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)
_COMPRESSED_TYPES = re.compile(
    r"text/(css|csv|html|javascript|js|markdown|plain|richtext|tab-separated-values|x-component|x-java-source|x-script"
    r"|xml)|application/(dash\+xml|eot|font|font-sfnt|graphql|javascript|json|ld\+json|manifest\+json|opentype|otf"
    r"|pkcs7-mime|protobuf|rss\+xml|truetype|ttf|vnd\.apple\.mpegurl|vnd\.mapbox-vector-tile|vnd\.ms-fontobject|wasm"
    r"|xhtml\+xml|x-font-opentype|x-font-truetype|x-font-ttf|x-httpd-cgi|x-javascript|x-mpegurl|x-opentype|x-otf|x-perl"
    r"|x-ttf|xml)|font/(eot|opentype|otf|ttf)|image/svg\+xml"
)
Answer = tuple[int, dict[str, str], bytes]


def answer_of(copy: Copy, asked: Mapping[str, str], *, compress: bool) -> Answer:
    """What the visitor gets of this copy; header names in lower case, both ways."""
    headers, body = dict(copy.headers), copy.body
    if copy.status != 200:
        return copy.status, headers, body
    if compress and _may_be_compressed(copy) and _takes_gzip(asked.get("accept-encoding", "")):
        if copy.packed is None:
            copy.packed = gzip.compress(body, 6, mtime=0)
        body = copy.packed
        headers |= {"content-encoding": "gzip", "etag": f"W/{headers['etag']}", "vary": "Accept-Encoding"}
    elif compress and _may_be_compressed(copy):
        headers["vary"] = "Accept-Encoding"
    if _not_modified(headers, asked):
        return 304, {name: value for name, value in headers.items() if not name.startswith("content-")}, b""
    headers["accept-ranges"] = "bytes"
    if "range" in asked and "content-encoding" not in headers and _range_holds(headers, asked):
        return _part(headers, body, asked["range"])
    return 200, headers, body


def _may_be_compressed(copy: Copy) -> bool:
    kind = copy.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        _SMALLEST <= len(copy.body) <= _LARGEST
        and "content-encoding" not in copy.headers
        and _COMPRESSED_TYPES.fullmatch(kind) is not None
    )


def _takes_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _not_modified(headers: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    wanted = asked.get("if-none-match")
    if wanted is not None:
        tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
        return "*" in tags or headers.get("etag", "").removeprefix("W/") in tags
    since, changed = asked.get("if-modified-since"), headers.get("last-modified")
    if since is None or changed is None:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False


def _range_holds(headers: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    return asked.get("if-range", headers.get("etag")) in (headers.get("etag"), headers.get("last-modified"))


def _part(headers: dict[str, str], body: bytes, wanted: str) -> Answer:
    match = _RANGE.fullmatch(wanted.strip())
    if match is None:  # several ranges, or no byte range: the whole is always a right answer
        return 200, headers, body
    first, last, suffix = match.groups()
    size = len(body)
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return 200, headers, body
    if start >= end:
        return 416, {"content-range": f"bytes */{size}"}, b""
    headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    return 206, headers, body[start:end]
