"""The S3 API of the local cloud.

Input: authenticated `ApiCall`s in S3's REST protocol, path-style (`/bucket/key`). Output: AWS's answers. Durable in
`state/objects`: what was answered survives a kill -9. Buckets are made, changed and deleted by CloudFormation stacks;
the artifact bucket always exists. Changes go to EventBridge where the bucket's switch is on.

Refuses by name every other operation, every parameter and `x-amz-` header that would change the result and is not
carried: ACLs, KMS keys, other storage classes, object lock, browser form posts, S3 Select. Not as on AWS: a single put
takes at most 512 MiB (there 5 GiB; multipart uploads may be larger), and DeleteObjects is denied as a whole when one
key is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.object_store import Bucket, ObjectStore
from klotho.localcloud.services.s3 import buckets, cors, lifecycle, listings, multipart, objects
from klotho.localcloud.services.s3.context import Context
from klotho.localcloud.services.s3.requests import check_headers, check_key
from klotho.localcloud.services.s3.routing import operation_of, place_of

_log = logging.getLogger("klotho.localcloud.s3")

Operation = Callable[[Context, ApiCall, Bucket, str], Awaitable[ApiResponse]]
Send = Callable[[str, str, list[str], Mapping[str, Any]], object]
"""Source, detail type, resources and detail of an event; durable once it returns."""

UPKEEP_S = 60.0
"""Between looks for what the lifecycle rules let go."""
RETRY_S = 1.0

OPERATIONS: Mapping[str, Operation] = {
    "AbortMultipartUpload": multipart.abort,
    "CompleteMultipartUpload": multipart.complete,
    "CopyObject": objects.copy_object,
    "CreateMultipartUpload": multipart.create,
    "DeleteObject": objects.delete_object,
    "DeleteObjectTagging": objects.put_tagging,
    "DeleteObjects": objects.delete_objects,
    "GetBucketCors": buckets.get_cors,
    "GetBucketLocation": buckets.get_location,
    "GetBucketTagging": buckets.get_tagging,
    "GetBucketVersioning": buckets.get_versioning,
    "GetObject": objects.get_object,
    "GetObjectAttributes": objects.get_attributes,
    "GetObjectTagging": objects.get_tagging,
    "HeadBucket": buckets.head_bucket,
    "HeadObject": objects.get_object,
    "ListMultipartUploads": multipart.list_uploads,
    "ListObjectVersions": listings.list_object_versions,
    "ListObjects": listings.list_objects,
    "ListObjectsV2": listings.list_objects_v2,
    "ListParts": multipart.list_parts,
    "PutObject": objects.put_object,
    "PutObjectTagging": objects.put_tagging,
    "UploadPart": multipart.put_part,
    "UploadPartCopy": multipart.put_part_copy,
}


class S3Service:
    """The service, and the plane that keeps it up: events go out, lifecycle rules are applied."""

    name = "s3"

    def __init__(self, store: ObjectStore, account: str, region: str, send: Send | None = None) -> None:
        """`send`: where events of buckets go; without it they wait in the store."""
        self._context = Context(store, account, region)
        self._send = send
        self._posted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        store.on_change = self._posted.set

    async def start(self) -> None:
        """Begin to send events, first what a crash left, and to apply lifecycle rules."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._send_events(), name="s3 events"),
            loop.create_task(self._keep_up(), name="s3 lifecycle"),
        ]

    async def stop(self) -> None:
        """End both and close the store; what was acknowledged is stored already."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._context.store.close()

    async def call(self, call: ApiCall) -> ApiResponse:
        operation = operation_of(call)
        check_headers(operation, call, self._context.account)
        if operation == "ListBuckets":
            return await buckets.list_buckets(self._context, call)
        name, key = place_of(call)
        if operation == "CreateBucket":
            return await buckets.create_bucket(self._context, call, name)
        if operation not in OPERATIONS:
            text = (
                f"klotho's local cloud does not carry s3:{operation}: buckets are made, changed and deleted by stacks"
            )
            raise ApiError("NotImplemented", text, 501)
        bucket = self._context.bucket(name)
        check_key(key)
        return await OPERATIONS[operation](self._context, call, bucket, key)

    def browser(
        self, path: str, origin: str, method: str, wanted: str | None, *, preflight: bool
    ) -> dict[str, str] | None:
        """The headers that let a web page do this, None when the bucket's CORS configuration does not allow it."""
        bucket = self._context.store.bucket(path.removeprefix("/").partition("/")[0])
        return cors.allowed(bucket, origin, method, wanted, preflight=preflight)

    def expire(self) -> int:
        """Apply the lifecycle rules of all buckets now; how much is gone."""
        return sum(lifecycle.expire(self._context, bucket) for bucket in self._context.store.buckets())

    def flush_events(self) -> int:
        """Hand over the events that wait; how many."""
        sent = 0
        while self._send is not None and (waiting := self._context.store.posted()):
            for number, kind, detail in waiting:
                self._send("aws.s3", kind, [f"arn:aws:s3:::{detail['bucket']['name']}"], detail)
                self._context.store.told(number)
                sent += 1
        return sent

    async def _send_events(self) -> None:
        self._posted.set()
        while True:
            await self._posted.wait()
            self._posted.clear()
            try:
                self.flush_events()
            except Exception:  # they are kept, and sent when whatever is wrong is over
                _log.exception("sending events of buckets failed")
                await asyncio.sleep(RETRY_S)
                self._posted.set()

    async def _keep_up(self) -> None:
        while True:
            try:
                self.expire()
            except Exception:
                _log.exception("applying lifecycle rules failed")
            await asyncio.sleep(UPKEEP_S)
