"""Leases in the artifact bucket, by conditional writes.

Input: clients of a place whose artifact bucket exists. Output: a `Store` under `leases/`. Source: Amazon S3 User Guide,
"Conditional requests": PutObject with `If-None-Match: *` and `If-Match`, DeleteObject with `If-Match` (general purpose
buckets); 412 when the condition fails, 404 when there is nothing to match, 409 when a conflicting request won while
this one ran, which is to be tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from klotho.deploy.lease.store import Kept
from klotho.deploy.place import Clients, translated

_T = TypeVar("_T")
_LOST = (404, 412)
_CONFLICT = 409
_ATTEMPTS = 5


class BucketStore:
    """Safe to use from several threads and machines. Its clients must not be guarded by the lease it keeps."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def read(self, name: str) -> Kept | None:
        answer = self._called("reading a lease", lambda: self._clients.s3.get_object(**self._at(name)))
        return None if answer is None else Kept(answer["Body"].read(), answer["ETag"])

    def create(self, name: str, body: bytes) -> str | None:
        def put() -> Any:
            return self._clients.s3.put_object(**self._at(name), Body=body, IfNoneMatch="*")

        return self._written(name, body, self._called("taking a lease", put))

    def replace(self, name: str, body: bytes, etag: str) -> str | None:
        def put() -> Any:
            return self._clients.s3.put_object(**self._at(name), Body=body, IfMatch=etag)

        return self._written(name, body, self._called("renewing a lease", put))

    def delete(self, name: str, etag: str) -> bool:
        def delete() -> Any:
            return self._clients.s3.delete_object(**self._at(name), IfMatch=etag)

        return self._called("giving a lease back", delete) is not None

    def _written(self, name: str, body: bytes, answer: Any) -> str | None:
        """The new ETag. A refused write may be our own whose answer got lost and which botocore sent again: claims are
        unique, so the bytes tell."""
        if answer is not None:
            return str(answer["ETag"])
        held = self.read(name)
        return held.etag if held is not None and held.body == body else None

    def _called(self, doing: str, call: Callable[[], _T]) -> _T | None:
        """The answer; None when the condition failed or nothing is there."""
        from botocore.exceptions import ClientError

        with translated(doing):
            for attempt in range(_ATTEMPTS):
                try:
                    return call()
                except ClientError as error:
                    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                    missing_bucket = error.response.get("Error", {}).get("Code") == "NoSuchBucket"
                    if status in _LOST and not missing_bucket:
                        return None
                    if status != _CONFLICT or attempt == _ATTEMPTS - 1:
                        raise
        return None

    def _at(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._clients.place.artifact_bucket, "Key": f"leases/{name}.json"}
