"""Lifecycle: what a bucket's rules let go.

Input: the store and the time. Output: expired objects, noncurrent versions, lonely delete markers and unfinished
uploads are gone, with events where the bucket sends them. An age in days counts from the next midnight UTC, as on AWS.

Source: S3 User Guide, "Lifecycle configuration elements" and "Lifecycle rules: based on an object's age".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from klotho.localcloud.services.object_store import Bucket, Deleted, ObjectHead, uploads
from klotho.localcloud.services.object_store.listing import Asked, listing
from klotho.localcloud.services.s3.context import Context, Told, removed

DAY_S = 86400


def expire(s3: Context, bucket: Bucket) -> int:
    """Apply the rules of one bucket now; how much is gone."""
    rules = (bucket.settings.get("LifecycleConfiguration") or {}).get("Rules") or ()
    return sum(_apply(s3, bucket, rule) for rule in rules if rule.get("Status") == "Enabled")


def _apply(s3: Context, bucket: Bucket, rule: Mapping[str, Any]) -> int:
    now, gone = s3.store.clock(), 0
    if "ExpirationInDays" in rule or "ExpirationDate" in rule:
        for head in list(_heads(s3, bucket, rule, versions=False)):
            if _is_over(head.modified, rule, now):
                s3.store.delete(bucket.name, head.key, event=_event(s3, bucket, head))
                gone += 1
    noncurrent = rule.get("NoncurrentVersionExpiration") or {}
    if noncurrent or rule.get("ExpiredObjectDeleteMarker"):
        for head in list(_superseded(s3, bucket, rule, noncurrent, now)):
            s3.store.delete(bucket.name, head.key, head.version, event=_event(s3, bucket, head))
            gone += 1
    days = (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation")
    if days is not None:
        for upload in uploads.all_of(s3.store, bucket.name):
            if upload.key.startswith(_prefix(rule)) and _due(upload.begun, int(days)) <= now:
                s3.store.drop_upload(upload.id)
                gone += 1
        s3.store.collect()
    return gone


def _event(s3: Context, bucket: Bucket, head: ObjectHead) -> Callable[[Deleted, int], Told | None] | None:
    return removed(bucket, head.key, "Lifecycle Expiration", s3.account)


def _prefix(rule: Mapping[str, Any]) -> str:
    return str(rule.get("Prefix") or "")


def _due(since: float, days: int) -> float:
    """The midnight UTC at or after so many days."""
    return -(-(since + days * DAY_S) // DAY_S) * DAY_S


def _is_over(modified: float, rule: Mapping[str, Any], now: float) -> bool:
    if "ExpirationDate" in rule:
        return datetime.fromisoformat(str(rule["ExpirationDate"])).timestamp() <= now
    return _due(modified, int(rule["ExpirationInDays"])) <= now


def _heads(s3: Context, bucket: Bucket, rule: Mapping[str, Any], *, versions: bool) -> Iterator[ObjectHead]:
    after, version = "", None
    while True:
        page = listing(s3.store, Asked(bucket.name, _prefix(rule), "", after, version, versions=versions))
        yield from (head for head in page.items if _fits(head, rule))
        if page.last is None:
            return
        after, version = page.last[0], page.last[1] if versions else None


def _fits(head: ObjectHead, rule: Mapping[str, Any]) -> bool:
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in rule.get("TagFilters") or ()}
    low, high = rule.get("ObjectSizeGreaterThan"), rule.get("ObjectSizeLessThan")
    return (
        tags.items() <= head.tags.items()
        and (low is None or head.size > int(low))
        and (high is None or head.size < int(high))
    )


def _superseded(
    s3: Context, bucket: Bucket, rule: Mapping[str, Any], noncurrent: Mapping[str, Any], now: float
) -> Iterator[ObjectHead]:
    """Noncurrent versions that are old enough, and delete markers with nothing behind them."""
    newer: ObjectHead | None = None
    """The version made after this one of the same key: since it was made, this one is noncurrent."""
    kept, keep = 0, int(noncurrent.get("NewerNoncurrentVersions", 0))
    versions = list(_heads(s3, bucket, rule, versions=True))
    alone = {head.key for head in versions} - {head.key for head in versions if not head.latest}
    for head in versions:
        if newer is None or newer.key != head.key:
            kept = 0
            if head.marker and head.key in alone and rule.get("ExpiredObjectDeleteMarker"):
                yield head
        elif noncurrent:
            kept += 1
            if kept > keep and _due(newer.modified, int(noncurrent["NoncurrentDays"])) <= now:
                yield head
        newer = head
