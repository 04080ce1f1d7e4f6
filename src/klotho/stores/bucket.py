"""Objects in an S3 bucket, changed by conditional writes.

Input: a client of S3, a bucket that exists (or, for reading, not yet). Output: a `Store` below a prefix. Source: Amazon
S3 User Guide, "Conditional requests": PutObject with `If-None-Match: *` and `If-Match`, DeleteObject with `If-Match`
(general purpose buckets); 412 when the condition fails, 404 when there is nothing to match, 409 when a conflicting
request won while this one ran, which is to be tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from klotho.stores.store import Kept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
_LOST = (404, 412)
_CONFLICT = 409
_ATTEMPTS = 5
_ENDING = ".json"

Translated = Callable[[str], AbstractContextManager[None]]
"""Turns what a call raises into a `Failure` that says what was being done."""


class BucketStore:
    """Safe to use from several threads and machines. Bytes that are written must be unlike any other's: by them a
    write is told apart from somebody else's when its answer was lost. No write may wait for a lease that is kept here.
    """

    def __init__(
        self, s3: Callable[[], S3Client], bucket: str, prefix: str, *, what: str, translated: Translated
    ) -> None:
        """`s3` makes the client, on first use; `prefix` is empty or ends with `/`; `what`: an object of the store in
        words, for messages: `a lease`."""
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._what = what
        self._translated = translated

    def read(self, name: str) -> Kept | None:
        answer = self._called("reading", lambda: self._s3().get_object(**self._at(name)))
        return None if answer is None else Kept(answer["Body"].read(), answer["ETag"])

    def create(self, name: str, body: bytes) -> str | None:
        def put() -> Any:
            return self._s3().put_object(**self._at(name), Body=body, IfNoneMatch="*")

        return self._written(name, body, self._called("making", put))

    def replace(self, name: str, body: bytes, etag: str) -> str | None:
        def put() -> Any:
            return self._s3().put_object(**self._at(name), Body=body, IfMatch=etag)

        return self._written(name, body, self._called("renewing", put))

    def delete(self, name: str, etag: str) -> bool:
        def delete() -> Any:
            return self._s3().delete_object(**self._at(name), IfMatch=etag)

        return self._called("removing", delete) is not None

    def list(self, prefix: str) -> dict[str, str]:
        def pages() -> dict[str, str]:
            listed = self._s3().get_paginator("list_objects_v2")
            found = (
                item
                for page in listed.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{prefix}")
                for item in page.get("Contents", ())
            )
            return {
                item["Key"].removeprefix(self._prefix).removesuffix(_ENDING): item["ETag"]
                for item in found
                if item["Key"].endswith(_ENDING)
            }

        found = self._called("listing", pages, without_bucket=True)
        return dict(sorted(found.items())) if found else {}

    def address(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}{_ENDING}"

    def _written(self, name: str, body: bytes, answer: Any) -> str | None:
        """The new ETag. A refused write may be our own whose answer got lost and which botocore sent again: no two
        writes have the same bytes, so they tell."""
        if answer is not None:
            return str(answer["ETag"])
        held = self.read(name)
        return held.etag if held is not None and held.body == body else None

    def _called(self, doing: str, call: Callable[[], _T], *, without_bucket: bool = False) -> _T | None:
        """The answer; None when the condition failed or nothing is there. `without_bucket`: a bucket that is not there
        holds nothing, else it is an error."""
        from botocore.exceptions import ClientError

        with self._translated(f"{doing} {self._what}"):
            for attempt in range(_ATTEMPTS):
                try:
                    return call()
                except ClientError as error:
                    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                    missing_bucket = error.response.get("Error", {}).get("Code") == "NoSuchBucket"
                    if status in _LOST and (without_bucket or not missing_bucket):
                        return None
                    if status != _CONFLICT or attempt == _ATTEMPTS - 1:
                        raise
        return None

    def _at(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{name}{_ENDING}"}
