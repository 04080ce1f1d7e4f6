"""The object store: one folder per bucket, content and description of each object as two files.

Input: bucket, key, content. Output: `ObjectHead`s and a `Path` to the content (for planes that unpack it). A put is
atomic: the content is written under a fresh name, then the description that points to it is renamed into place; a
kill -9 leaves the old object or the new one, and content nobody points to is removed at the next start. Refuses
only failed preconditions.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import orjson


class Precondition(Exception):
    """`If-Match` or `If-None-Match` did not hold."""


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of an object without its content."""

    size: int
    """Bytes."""
    etag: str
    """MD5 of the content in hexadecimal, without quotes."""
    modified: float
    """Seconds since 1970."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Stored with the object: content-type and the like, `x-amz-meta-…`, `x-amz-checksum-…`."""
    content: str = ""
    """The file name of the content in the bucket's folder."""


class _Bucket:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heads: dict[str, ObjectHead] = {}
        self.keys: list[str] = []
        if folder.exists():
            self._load()

    def _load(self) -> None:
        for path in self.folder.glob("*.json"):
            document = orjson.loads(path.read_bytes())
            key = document.pop("key")
            self.heads[key] = ObjectHead(**document)
        self.keys = sorted(self.heads)
        wanted = {head.content for head in self.heads.values()}
        for path in self.folder.iterdir():
            if path.suffix != ".json" and path.name not in wanted:
                path.unlink()


class ObjectStore:
    """All objects under `<state>/objects`. Used from the supervisor's event loop only."""

    def __init__(self, state: Path) -> None:
        self._root = state / "objects"
        self._buckets: dict[str, _Bucket] = {}

    def put(
        self,
        bucket: str,
        key: str,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        if_none_match: str | None = None,
        if_match: str | None = None,
    ) -> ObjectHead:
        """Store or replace an object, durably.

        Precondition when `if_none_match="*"` and there is one, or `if_match` is not the ETag of the one there is.
        """
        known = self._bucket(bucket)
        old = known.heads.get(key)
        if if_none_match is not None and old is not None and if_none_match.strip('"') in ("*", old.etag):
            raise Precondition(f"{key} is already in {bucket}")
        if if_match is not None and (old is None or if_match.strip('"') not in ("*", old.etag)):
            raise Precondition(f"{key} in {bucket} is not the version asked for")
        known.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{_stem(key)}.{uuid.uuid4().hex}"
        _write(known.folder / name, content)
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        head = ObjectHead(len(content), etag, int(time.time()), dict(headers or {}), name)
        draft = known.folder / f"{name}.draft"
        _write(draft, orjson.dumps({"key": key, **asdict(head)}))
        draft.replace(known.folder / f"{_stem(key)}.json")
        known.heads[key] = head
        if old is None:
            bisect.insort(known.keys, key)
        else:
            (known.folder / old.content).unlink(missing_ok=True)
        return head

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        return self._bucket(bucket).heads.get(key)

    def get(self, bucket: str, key: str) -> bytes | None:
        """The content; None when there is no such object."""
        return None if self.head(bucket, key) is None else self.path(bucket, key).read_bytes()

    def path(self, bucket: str, key: str) -> Path:
        """The file that holds the content now (a later put uses another file); KeyError when there is none."""
        known = self._bucket(bucket)
        return known.folder / known.heads[key].content

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that is gone already is fine."""
        known = self._bucket(bucket)
        head = known.heads.pop(key, None)
        if head is None:
            return
        known.keys.remove(key)
        (known.folder / f"{_stem(key)}.json").unlink(missing_ok=True)
        (known.folder / head.content).unlink(missing_ok=True)

    def keys(self, bucket: str, prefix: str = "") -> Iterator[str]:
        """Keys with this prefix in S3's order (by code point)."""
        keys = self._bucket(bucket).keys
        for index in range(bisect.bisect_left(keys, prefix), len(keys)):
            if not keys[index].startswith(prefix):
                return
            yield keys[index]

    def buckets(self) -> list[str]:
        """Buckets that hold or held an object."""
        return sorted(unquote(path.name) for path in self._root.iterdir()) if self._root.exists() else []

    def _bucket(self, name: str) -> _Bucket:
        known = self._buckets.get(name)
        if known is None:
            known = self._buckets[name] = _Bucket(self._root / quote(name, safe="").replace(".", "%2E"))
        return known


def _stem(key: str) -> str:
    """Keys may be longer than a file name and hold anything, so files are named by digest."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _write(path: Path, content: bytes) -> None:
    """Write and flush to disk: a deployment that was told "stored" must find it after a power cut."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
