"""Conditional requests: `If-Match` and the like, of reads, writes and copies.

Source: S3 User Guide, "Conditional requests" (reads, writes, deletes), and RFC 9110, section 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from klotho.localcloud.service import ApiError
from klotho.localcloud.services.object_store import ObjectHead
from klotho.localcloud.services.s3.errors import failed_condition, no_key, unsupported


def _matches(header: str, etag: str) -> bool:
    return any(item.strip().removeprefix("W/").strip('"') in ("*", etag) for item in header.split(","))


def _seconds(header: str) -> float | None:
    """The time in a header; None for text that is none, which HTTP says to pass over."""
    try:
        return parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError):
        return None


def not_modified(headers: Mapping[str, str], head: ObjectHead, prefix: str = "") -> bool:
    """Whether to answer 304; PreconditionFailed when the object is not the one that is wanted.

    `prefix`: of the headers, `x-amz-copy-source-` for a copy's source.
    """
    changed = int(head.modified)
    wanted, since = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-unmodified-since")
    if wanted is not None:
        if not _matches(wanted, head.etag):
            raise failed_condition("If-Match")
    elif since is not None and (limit := _seconds(since)) is not None and changed > limit:
        raise failed_condition("If-Unmodified-Since")
    known, after = headers.get(f"{prefix}if-none-match"), headers.get(f"{prefix}if-modified-since")
    if known is not None:
        return _matches(known, head.etag)
    return after is not None and (limit := _seconds(after)) is not None and changed <= limit


def for_write(headers: Mapping[str, str], key: str) -> Callable[[ObjectHead | None], None]:
    """The check of a write: what must (not) be there when it happens."""
    none, match = headers.get("if-none-match"), headers.get("if-match")
    if none is not None and none.strip() != "*":
        raise unsupported("If-None-Match of a write with anything but *")

    def check(current: ObjectHead | None) -> None:
        if none is not None and current is not None:
            raise failed_condition("If-None-Match")
        if match is not None:
            if current is None:
                raise no_key(key)
            if not _matches(match, current.etag):
                raise failed_condition("If-Match")

    return check


def for_delete(headers: Mapping[str, str]) -> Callable[[ObjectHead | None], None]:
    match = headers.get("if-match")

    def check(current: ObjectHead | None) -> None:
        if match is not None and (current is None or not _matches(match, current.etag)):
            raise failed_condition("If-Match")

    return check


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of the bytes asked for; None for a header that is no byte range, which S3 ignores."""
    import re

    match = re.fullmatch(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", header or "", re.ASCII)
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
