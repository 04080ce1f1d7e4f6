"""What every operation works with, and what they have in common."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, TypeVar

from klotho.localcloud.service import ApiCall, ApiResponse
from klotho.localcloud.services.object_store import Bucket, Deleted, Draft, ObjectHead, ObjectStore
from klotho.localcloud.services.s3.checksums import PREFIX, check_content
from klotho.localcloud.services.s3.errors import no_bucket
from klotho.localcloud.services.s3.routing import assets_bucket

T = TypeVar("T")

IN_A_THREAD_BYTES = 1024 * 1024
"""Contents from here on are hashed, written and copied beside the event loop, which serves others meanwhile."""
Told = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """The store and the place."""

    store: ObjectStore
    account: str
    region: str

    @property
    def assets(self) -> str:
        return assets_bucket(self.account, self.region)

    def bucket(self, name: str) -> Bucket:
        """The bucket, the artifact bucket too; NoSuchBucket when there is none."""
        found = self.store.bucket(name)
        if found is not None:
            return found
        if name == self.assets:
            return Bucket(name, "klotho", 0.0)
        raise no_bucket(name)

    async def draft(self, bucket: str, content: bytes, *, as_file: bool = False) -> Draft:
        """The content on disk. In the artifact bucket a file of its own that survives a power cut: planes unpack it,
        and a deployment that was told "stored" must find it."""
        assets = bucket == self.assets
        return await beside(
            len(content), lambda: self.store.draft(content, as_file=as_file or assets, flush=assets)
        )  # fmt: skip


async def beside(size: int, work: Callable[[], T]) -> T:
    """Runs the work; for a large content in another thread."""
    return work() if size < IN_A_THREAD_BYTES else await asyncio.to_thread(work)


async def check_body(call: ApiCall) -> None:
    """Every checksum that came with the body holds."""
    await beside(len(call.body), lambda: check_content(call.headers, call.body))


def described(head: ObjectHead, bucket: Bucket, *, checksums: bool = False) -> dict[str, str]:
    """The headers of a read."""
    kept = {name: value for name, value in head.headers.items() if checksums or not name.startswith(PREFIX)}
    found = {
        "content-type": "binary/octet-stream",
        **kept,
        "etag": f'"{head.etag}"',
        "last-modified": formatdate(head.modified, usegmt=True),
        "accept-ranges": "bytes",
        "x-amz-server-side-encryption": "AES256",
    }
    if head.tags:
        found["x-amz-tagging-count"] = str(len(head.tags))
    return found | version_header(head, bucket)


def version_header(head: ObjectHead, bucket: Bucket) -> dict[str, str]:
    return {"x-amz-version-id": head.version} if bucket.versioning else {}


def created(call: ApiCall, bucket: Bucket, reason: str, account: str) -> Callable[[ObjectHead], Told] | None:
    """The event of a new version; None when the bucket sends none.

    Source: S3 User Guide, "EventBridge event message structure".
    """
    if not bucket.sends_events:
        return None

    def event(head: ObjectHead) -> Told:
        what = {"key": head.key, "size": head.size, "etag": head.etag, "sequencer": sequencer(head.number)}
        return "Object Created", _detail(head.bucket, what | _version(head.version, bucket), reason, account)

    return event


def removed(bucket: Bucket, key: str, reason: str, account: str) -> Callable[[Deleted, int], Told | None] | None:
    """The event of a delete; None when the bucket sends none. Where nothing was, nothing is sent."""
    if not bucket.sends_events:
        return None

    def event(done: Deleted, number: int) -> Told | None:
        marked = done.marker and (done.removed is None or not done.removed.marker)
        if done.removed is None and not marked:
            return None
        what: dict[str, Any] = {"key": key, "sequencer": sequencer(number)}
        if done.removed is not None and done.removed.etag:
            what["etag"] = done.removed.etag
        detail = _detail(bucket.name, what | _version(done.version, bucket), reason, account)
        return "Object Deleted", {
            **detail,
            "deletion-type": "Delete Marker Created" if marked else "Permanently Deleted",
        }

    return event


def tagged(head: ObjectHead, bucket: Bucket, kind: str, account: str) -> Told:
    """The event of changed tags, which has no reason."""
    what = {"key": head.key, "etag": head.etag, **_version(head.version, bucket)}
    detail = _detail(head.bucket, what, "", account)
    return kind, {name: value for name, value in detail.items() if name != "reason"}


def sequencer(number: int) -> str:
    """Rises with every change; compared as text of equal length, as AWS says."""
    return f"{number:018X}"


def _version(version: str | None, bucket: Bucket) -> dict[str, str]:
    return {"version-id": version} if bucket.versioning and version is not None else {}


def _detail(bucket: str, what: Mapping[str, Any], reason: str, account: str) -> dict[str, Any]:
    return {
        "version": "0",
        "bucket": {"name": bucket},
        "object": what,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": account,
        "source-ip-address": "127.0.0.1",
        "reason": reason,
    }


def nothing(status: int = 200, headers: Mapping[str, str] | None = None) -> ApiResponse:
    return ApiResponse(status, b"", dict(headers or {}))
