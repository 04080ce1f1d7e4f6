"""The object store: buckets and versions of objects in SQLite, contents beside it or in files.

Input: bucket, key, content. Output: `ObjectHead`s and contents. Every method is one transaction and does not wait; only
`draft`, which writes a content that belongs to nothing yet, may run in another thread. A put is atomic and on disk when
it returns: it survives a kill -9 at any moment (a power cut may lose the last ones unless they were flushed). Contents
up to `INLINE_BYTES` lie in the database, which is faster than a file of their own. Refuses failed preconditions
(`Precondition`, or what a `check` raises); whether a bucket exists is the caller's business.

Source of what versioning does: S3 User Guide, "How S3 Versioning works" and "Deleting object versions".
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from klotho.localcloud.services.object_store.files import Files
from klotho.localcloud.services.object_store.model import (
    NULL_VERSION,
    Bucket,
    Deleted,
    Draft,
    ObjectHead,
    Precondition,
)
from klotho.localcloud.services.object_store.schema import earlier_objects, open_database

INLINE_BYTES = 64 * 1024
_PAGE = 500
Check = Callable[[ObjectHead | None], None]
"""Raises what should be answered when the object that is there now does not allow the change."""


class ObjectStore:
    """Everything under `<state>/objects`. Used from the supervisor's event loop only, `draft` excepted."""

    def __init__(self, state: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since 1970."""
        root = state / "objects"
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        earlier = earlier_objects(root)
        self.files = Files(root)
        self.files.prepare()
        self.connection = open_database(root / "index.db")
        self.clock = clock
        self.on_change: Callable[[], None] = lambda: None
        """Called after something was written to the outbox."""
        self._buckets = {bucket.name: bucket for bucket in self._load_buckets()}
        self.files.recover(self._named)
        self.collect()
        for name, described, document, content in earlier:
            self._take_over(name, document, content)
            described.unlink()

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; nested uses join the outermost."""
        if self.connection.in_transaction:
            yield self.connection
            return
        self.connection.execute("begin immediate")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    # --- buckets ---

    def buckets(self) -> list[Bucket]:
        """Those that stacks made, by name."""
        return [self._buckets[name] for name in sorted(self._buckets)]

    def bucket(self, name: str) -> Bucket | None:
        return self._buckets.get(name)

    def set_bucket(self, bucket: Bucket) -> None:
        """Make it or change it."""
        row = (
            bucket.name, bucket.owner, bucket.created, bucket.versioning,
            orjson.dumps(bucket.settings).decode(), orjson.dumps(bucket.tags).decode(),
        )  # fmt: skip
        with self.transaction() as connection:
            connection.execute("insert or replace into buckets values (?,?,?,?,?,?)", row)
        self._buckets[bucket.name] = bucket

    def drop_bucket(self, name: str) -> None:
        """Forget the bucket, with its uploads that never ended; the caller has made sure that it is empty."""
        with self.transaction() as connection:
            for upload in connection.execute("select id from uploads where bucket=?", (name,)).fetchall():
                self.drop_upload(upload["id"])
            connection.execute("delete from buckets where name=?", (name,))
        self._buckets.pop(name, None)
        self.collect()

    def is_empty(self, name: str) -> bool:
        """Whether it holds no object, no version and no delete marker."""
        return self.connection.execute("select 1 from objects where bucket=? limit 1", (name,)).fetchone() is None

    def empty(self, name: str) -> None:
        """Remove every object and version of it."""
        with self.transaction() as connection:
            for row in connection.execute("select number, place from objects where bucket=?", (name,)).fetchall():
                self._erase(row["number"], row["place"])
        self.collect()

    # --- objects ---

    def draft(self, content: bytes, *, as_file: bool = False, flush: bool = False) -> Draft:
        """The content, written down if it is large or `as_file`; another thread may do this."""
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if not as_file and len(content) <= INLINE_BYTES:
            return Draft(len(content), etag, "", content)
        return Draft(len(content), etag, self.files.write(content, flush), None)

    def commit(
        self,
        bucket: str,
        key: str,
        draft: Draft,
        headers: Mapping[str, str] | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        parts: Sequence[int] = (),
        check: Check = lambda current: None,
        event: Callable[[ObjectHead], tuple[str, Mapping[str, Any]]] | None = None,
        instead_of: str | None = None,
    ) -> ObjectHead:
        """The draft becomes the object's newest version. In the same transaction `event` goes to the outbox, and the
        upload `instead_of` ends."""
        known = self._buckets.get(bucket)
        version = new_version() if known is not None and known.versioning == "Enabled" else NULL_VERSION
        try:
            with self.transaction() as connection:
                check(self.head(bucket, key))
                self._make_room(bucket, key, version)
                row = (
                    bucket, key, version, draft.size, draft.etag, self.clock(), orjson.dumps(headers or {}).decode(),
                    orjson.dumps(tags or {}).decode(), orjson.dumps(parts).decode(), draft.place,
                )  # fmt: skip
                number = connection.execute(
                    "insert into objects (bucket,key,version,size,etag,modified,headers,tags,parts,place,latest,marker)"
                    " values (?,?,?,?,?,?,?,?,?,?,1,0)",
                    row,
                ).lastrowid
                if draft.data is not None:
                    connection.execute("insert into contents values (?,?)", (number, draft.data))
                head = self.head(bucket, key)
                assert head is not None
                if event is not None:
                    self.post(*event(head))
                if instead_of is not None:
                    self.drop_upload(instead_of)
        except BaseException:
            self.discard(draft)
            raise
        if draft.place:
            self.files.settle(draft.place)
        self.collect()
        return head

    def discard(self, draft: Draft) -> None:
        """It becomes no object."""
        if draft.place:
            self.files.discard(draft.place)

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
        """Store or replace an object as a file, flushed to disk, for planes that need its `path`.

        Precondition when `if_none_match="*"` and there is one, or `if_match` is not the ETag of the one there is.
        """

        def check(current: ObjectHead | None) -> None:
            if if_none_match is not None and current is not None and if_none_match.strip('"') in ("*", current.etag):
                raise Precondition(f"{key} is already in {bucket}")
            if if_match is not None and (current is None or if_match.strip('"') not in ("*", current.etag)):
                raise Precondition(f"{key} in {bucket} is not the version asked for")

        return self.commit(bucket, key, self.draft(content, as_file=True, flush=True), headers, check=check)

    def head(self, bucket: str, key: str, version: str | None = None) -> ObjectHead | None:
        """The newest version, or the one named; None when there is none, or the newest is a delete marker."""
        row = self._row(bucket, key, version)
        if row is None or (version is None and row["marker"]):
            return None
        return head_of(row)

    def marker(self, bucket: str, key: str) -> ObjectHead | None:
        """The delete marker that hides the object, if one does."""
        row = self._row(bucket, key, None)
        return head_of(row) if row is not None and row["marker"] else None

    def content(self, head: ObjectHead) -> bytes | Path:
        """What the object holds: its bytes, or the file that has them."""
        if head.place:
            return self.files.path(head.place)
        row = self.connection.execute("select data from contents where number=?", (head.number,)).fetchone()
        return bytes(row["data"])

    def get(self, bucket: str, key: str) -> bytes | None:
        """The content; None when there is no such object."""
        head = self.head(bucket, key)
        if head is None:
            return None
        found = self.content(head)
        return found if isinstance(found, bytes) else found.read_bytes()

    def package(self, bucket: str, key: str) -> Path | bytes:
        """The file that holds the content of an object, or the bytes of a small one; KeyError when there is none."""
        head = self.head(bucket, key)
        if head is None:
            raise KeyError(f"{bucket}/{key}")
        return self.content(head)

    def delete(
        self,
        bucket: str,
        key: str,
        version: str | None = None,
        *,
        check: Check = lambda current: None,
        event: Callable[[Deleted, int], tuple[str, Mapping[str, Any]] | None] | None = None,
    ) -> Deleted:
        """Remove an object, or one version of it; what is gone already is fine.

        Without a version, a bucket with versioning only gets a delete marker. `event` is given what was done and a
        number that orders it among all changes; what it returns goes to the outbox.
        """
        known = self._buckets.get(bucket)
        versioning = "" if known is None else known.versioning
        with self.transaction() as connection:
            check(self.head(bucket, key))
            if version is None and versioning:
                done = self._mark(bucket, key, versioning)
            else:
                done = self._remove(bucket, key, version)
            told = None if event is None else event(done, self._next_number(connection))
            if told is not None:
                self.post(*told)
        if done.removed is not None:
            self.collect()
        return done

    def set_tags(self, head: ObjectHead, tags: Mapping[str, str]) -> None:
        with self.transaction() as connection:
            connection.execute("update objects set tags=? where number=?", (orjson.dumps(tags).decode(), head.number))

    def keys(self, bucket: str, prefix: str = "") -> Iterator[str]:
        """Keys with this prefix in S3's order (by UTF-8 bytes)."""
        after = ""
        while True:
            rows = self.connection.execute(
                "select key from objects where bucket=? and latest and not marker and key>=? and key>? "
                "order by key limit ?",
                (bucket, prefix, after, _PAGE),
            ).fetchall()
            for row in rows:
                if not row["key"].startswith(prefix):
                    return
                yield row["key"]
            if len(rows) < _PAGE:
                return
            after = rows[-1]["key"]

    # --- what to tell others ---

    def post(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Put an event into the outbox; in the caller's transaction if there is one."""
        with self.transaction() as connection:
            row = (kind, orjson.dumps(detail).decode())
            connection.execute("insert into outbox (kind, detail) values (?,?)", row)
        self.on_change()

    def posted(self) -> list[tuple[int, str, dict[str, Any]]]:
        """The oldest events of the outbox: number, kind, detail."""
        rows = self.connection.execute("select * from outbox order by number limit ?", (_PAGE,)).fetchall()
        return [(row["number"], row["kind"], orjson.loads(row["detail"])) for row in rows]

    def told(self, number: int) -> None:
        """Another part has taken it over."""
        with self.transaction() as connection:
            connection.execute("delete from outbox where number=?", (number,))

    # --- inside ---

    def collect(self) -> None:
        """Remove the files that nobody names any more."""
        rows = self.connection.execute("select place from garbage").fetchall()
        if not rows:
            return
        for row in rows:
            self.files.remove(row["place"])
        with self.transaction() as connection:
            connection.executemany("delete from garbage where place=?", [(row["place"],) for row in rows])

    def drop_upload(self, upload: str) -> None:
        """Forget a multipart upload and the contents of its parts."""
        with self.transaction() as connection:
            connection.execute(
                "insert or ignore into garbage select place from parts where upload=? and place<>''", (upload,)
            )
            connection.execute("delete from parts where upload=?", (upload,))
            connection.execute("delete from uploads where id=?", (upload,))

    def _row(self, bucket: str, key: str, version: str | None) -> sqlite3.Row | None:
        if version is None:
            found = self.connection.execute(
                "select * from objects where bucket=? and key=? and latest", (bucket, key)
            ).fetchone()
        else:
            found = self.connection.execute(
                "select * from objects where bucket=? and key=? and version=?", (bucket, key, version)
            ).fetchone()
        row: sqlite3.Row | None = found
        return row

    def _make_room(self, bucket: str, key: str, version: str) -> None:
        """A version without a name of its own takes the place of the one before; the others become noncurrent."""
        if version == NULL_VERSION:
            row = self._row(bucket, key, NULL_VERSION)
            if row is not None:
                self._erase(row["number"], row["place"])
        self.connection.execute("update objects set latest=0 where bucket=? and key=? and latest", (bucket, key))

    def _mark(self, bucket: str, key: str, versioning: str) -> Deleted:
        version = new_version() if versioning == "Enabled" else NULL_VERSION
        row = self._row(bucket, key, NULL_VERSION) if version == NULL_VERSION else None
        removed = None if row is None or row["marker"] else head_of(row)
        self._make_room(bucket, key, version)
        self.connection.execute(
            "insert into objects (bucket,key,version,latest,marker,size,etag,modified,headers,tags,parts,place) "
            "values (?,?,?,1,1,0,'',?,'{}','{}','[]','')",
            (bucket, key, version, self.clock()),
        )
        return Deleted(version, True, removed)

    def _remove(self, bucket: str, key: str, version: str | None) -> Deleted:
        row = self._row(bucket, key, version)
        if row is None:
            return Deleted(version, False, None)
        self._erase(row["number"], row["place"])
        if row["latest"]:
            self.connection.execute(
                "update objects set latest=1 where number="
                "(select number from objects where bucket=? and key=? order by number desc limit 1)",
                (bucket, key),
            )
        return Deleted(version, bool(row["marker"]), head_of(row))

    def _erase(self, number: int, place: str) -> None:
        """A row and its content."""
        self.connection.execute("delete from objects where number=?", (number,))
        if place:
            self.connection.execute("insert or ignore into garbage values (?)", (place,))
        else:
            self.connection.execute("delete from contents where number=?", (number,))

    def _next_number(self, connection: sqlite3.Connection) -> int:
        """A number above that of every version so far, which no other change gets."""
        connection.execute("update sqlite_sequence set seq=seq+1 where name='objects'")
        row = connection.execute("select seq from sqlite_sequence where name='objects'").fetchone()
        return 0 if row is None else int(row["seq"])

    def _named(self, place: str) -> bool:
        query = "select 1 from objects where place=? union all select 1 from parts where place=?"
        return self.connection.execute(query, (place, place)).fetchone() is not None

    def _load_buckets(self) -> Iterator[Bucket]:
        for row in self.connection.execute("select * from buckets"):
            yield Bucket(
                row["name"], row["owner"], row["created"], row["versioning"],
                orjson.loads(row["settings"]), orjson.loads(row["tags"]),
            )  # fmt: skip

    def _take_over(self, bucket: str, document: Mapping[str, Any], content: Path) -> None:
        place = uuid.uuid4().hex
        self.files.adopt(content, place)
        draft = Draft(int(document["size"]), str(document["etag"]), place, None)
        self.commit(bucket, str(document["key"]), draft, document["headers"])


def head_of(row: sqlite3.Row) -> ObjectHead:
    return ObjectHead(
        number=row["number"],
        bucket=row["bucket"],
        key=row["key"],
        version=row["version"],
        latest=bool(row["latest"]),
        marker=bool(row["marker"]),
        size=row["size"],
        etag=row["etag"],
        modified=row["modified"],
        headers=orjson.loads(row["headers"]),
        tags=orjson.loads(row["tags"]),
        parts=tuple(orjson.loads(row["parts"])),
        place=row["place"],
    )


def new_version() -> str:
    """As S3 makes them: opaque, 32 characters."""
    return base64.b64encode(uuid.uuid4().bytes + uuid.uuid4().bytes[:8], altchars=b"._").decode()
