"""Brings a bucket and the CDN in front of it to what a site's files are.

Input: the files, the bucket, the distribution, clients. Output: what was done. Only what differs is touched: nothing
changed means no call that changes anything. A note in the artifact bucket says which paths the CDN may still hold in an
old version: it is written before the first file is replaced and cleared when the CDN has forgotten them, so that a run
that was killed anywhere is finished by the next one.

New and changed files come before the pages that name them, removals come last. Source: Amazon CloudFront Developer
Guide, "Invalidate files to remove content" (a path that was rewritten by a function is invalidated as rewritten; 1,000
paths a month are free; one request may hold 3,000 paths), API Reference, CreateInvalidation (CallerReference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.sites.files import SiteFile
from klotho.diagnostics import Failure

MOST_PATHS = 1000
"""More than these are one `/*`, which counts as one path."""
INVALIDATION_SECONDS = 900.0
_TELL_EVERY = 50
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Note:
    """What must be known beyond the bucket's own listing."""

    headers: Mapping[str, str]
    """What each file was stored with."""
    stale: tuple[str, ...] = ()
    """Paths the CDN may still hold in an old version."""
    reference: str = ""
    """The CallerReference of their invalidation: the same for every try, so that it is made once."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a site's files and its bucket."""

    put: tuple[SiteFile, ...]
    """New and changed, pages last."""
    removed: tuple[str, ...]
    stale: tuple[str, ...]
    """Paths the CDN has to forget: of what is replaced or removed now, or was by a run that did not finish."""
    known: Mapping[str, str]
    reference: str = ""

    @property
    def any(self) -> bool:
        return bool(self.put or self.removed or self.stale)


class Publisher:
    """One site's way into its bucket."""

    def __init__(self, clients: Clients, bucket: str, distribution: str) -> None:
        self._clients = clients
        self._bucket = bucket
        self._distribution = distribution
        self._note_key = f"sites/{bucket}.json"

    def compare(self, files: Mapping[str, SiteFile]) -> Changes:
        """Reads only."""
        with translated(f"comparing the files of {self._bucket}"):
            there, note = self._listed(), self._read_note()
        differs = [
            file for key, file in files.items() if there.get(key) != file.md5 or note.headers.get(key) != file.headers
        ]
        put = sorted(differs, key=lambda file: (file.is_page, file.key))
        removed = tuple(sorted(there.keys() - files.keys()))
        replaced = {_path(file.key) for file in put if file.key in there} | {_path(key) for key in removed}
        stale = tuple(sorted(replaced | set(note.stale)))
        return Changes(tuple(put), removed, stale, note.headers, note.reference)

    def apply(
        self, files: Mapping[str, SiteFile], changes: Changes, executor: Executor, run_id: str, pace: Pace, log: Log
    ) -> None:
        """Make it so, and return once the CDN shows it."""
        # A new reference once something else is stale than what the unfinished run noted.
        fresh = changes.put or changes.removed
        reference = f"klotho-{run_id}" if fresh or not changes.reference else changes.reference
        headers = {key: file.headers for key, file in files.items()}
        with translated(f"publishing to {self._bucket}"):
            if fresh:
                # What a file that is about to be replaced is stored with is not known until it was.
                sure = {key: value for key, value in headers.items() if changes.known.get(key) == value}
                self._write_note(_Note(sure, changes.stale, reference))
            self._put(changes.put, executor, log)
            for _ in executor.map(self._remove, changes.removed):
                pass
            if changes.stale:
                if fresh:  # from here on a run that is killed only has to wait for the CDN
                    self._write_note(_Note(headers, changes.stale, reference))
                self._invalidate(changes.stale, reference, pace, log)
            self._write_note(_Note(headers))

    def _put(self, files: Iterable[SiteFile], executor: Executor, log: Log) -> None:
        for pages in (False, True):
            wanted = [file for file in files if file.is_page is pages]
            for count, file in enumerate(executor.map(self._put_one, wanted), 1):
                if count % _TELL_EVERY == 0 or count == len(wanted):
                    log(f"{'pages' if pages else 'files'} {count}/{len(wanted)}: {file.key}")

    def _put_one(self, file: SiteFile) -> SiteFile:
        given: dict[str, Any] = {
            "Bucket": self._bucket, "Key": file.key, "ContentType": file.content_type,
            "CacheControl": file.cache_control,
        }  # fmt: skip
        if file.kept:
            self._clients.s3.copy_object(
                **given,
                CopySource={"Bucket": self._clients.place.artifact_bucket, "Key": file.kept},
                MetadataDirective="REPLACE",
            )
        elif file.path is None:
            self._clients.s3.put_object(**given, Body=file.content)
        else:
            with file.path.open("rb") as body:
                self._clients.s3.put_object(**given, Body=body)
        return file

    def _remove(self, key: str) -> None:
        self._clients.s3.delete_object(Bucket=self._bucket, Key=key)

    def _invalidate(self, stale: tuple[str, ...], reference: str, pace: Pace, log: Log) -> None:
        paths = list(stale) if len(stale) <= MOST_PATHS else ["/*"]
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": reference}
        log(f"invalidating {len(paths)} {'path' if len(paths) == 1 else 'paths'}")
        cdn = self._clients.cloudfront
        made = cdn.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)["Invalidation"]
        begun, interval = pace.clock(), pace.fastest
        while made["Status"] != "Completed":
            waited = pace.clock() - begun
            if waited > INVALIDATION_SECONDS:
                raise Failure(
                    "invalidation-not-done",
                    f"the CDN did not finish forgetting old files within {INVALIDATION_SECONDS:.0f} s",
                    notes=("the new files are in place; until then some visitors see old ones",),
                    helps=("run the command again: it goes on waiting for the same invalidation",),
                )
            log(f"waiting for the CDN to forget {len(paths)} {'path' if len(paths) == 1 else 'paths'} ({waited:.0f} s)")
            pace.sleep(interval)
            interval = min(interval * 1.5, pace.slowest)
            made = cdn.get_invalidation(DistributionId=self._distribution, Id=made["Id"])["Invalidation"]

    def _listed(self) -> dict[str, str]:
        """ETags by key."""
        found: dict[str, str] = {}
        for page in self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
            found.update({item["Key"]: item["ETag"].strip('"') for item in page.get("Contents", ())})
        return found

    def _read_note(self) -> _Note:
        from botocore.exceptions import ClientError

        try:
            answer = self._clients.s3.get_object(Bucket=self._clients.place.artifact_bucket, Key=self._note_key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                raise
            return _Note({})
        data = orjson.loads(answer["Body"].read())
        return _Note(data["headers"], tuple(data["stale"]), data["reference"])

    def _write_note(self, note: _Note) -> None:
        body = orjson.dumps({"headers": dict(note.headers), "stale": note.stale, "reference": note.reference})
        self._clients.s3.put_object(
            Bucket=self._clients.place.artifact_bucket, Key=self._note_key, Body=body, ContentType="application/json"
        )


def _path(key: str) -> str:
    """As an address names it (RFC 3986: what is not plain is percent-encoded)."""
    return "/" + quote(key, safe="/~-._!$&'()*+,;=:@")
