"""Multipart uploads: parts that become one object when the upload is completed.

Input: the store, an upload's id. Output: `Upload`, `Part`, and a `Draft` of all parts together. Parts are files; an
answered part is on disk. Refuses an upload that is not there (`MissingError`, S3's `NoSuchUpload`).
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Mapping, Sequence

import orjson

from klotho.localcloud.services.object_store.model import Draft, MissingError, Part, Upload
from klotho.localcloud.services.object_store.store import ObjectStore


def begin(store: ObjectStore, bucket: str, key: str, headers: Mapping[str, str], tags: Mapping[str, str]) -> Upload:
    made = Upload(uuid.uuid4().hex + uuid.uuid4().hex, bucket, key, store.clock(), headers, tags)
    row = (made.id, bucket, key, made.begun, orjson.dumps(headers).decode(), orjson.dumps(tags).decode())
    with store.transaction() as connection:
        connection.execute("insert into uploads values (?,?,?,?,?,?)", row)
    return made


def find(store: ObjectStore, bucket: str, key: str, upload: str) -> Upload:
    row = store.connection.execute(
        "select * from uploads where id=? and bucket=? and key=?", (upload, bucket, key)
    ).fetchone()
    if row is None:
        message = (
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
            "or completed."
        )
        raise MissingError("NoSuchUpload", message)
    return _upload(row)


def put_part(store: ObjectStore, upload: Upload, number: int, draft: Draft, checksums: Mapping[str, str]) -> Part:
    """The draft becomes this part, instead of an earlier one of the same number."""
    part = Part(number, draft.size, draft.etag, store.clock(), checksums, draft.place)
    row = (
        upload.id, number, part.size, part.etag, part.modified, orjson.dumps(checksums).decode(), part.place,
    )  # fmt: skip
    try:
        with store.transaction() as connection:
            find(store, upload.bucket, upload.key, upload.id)  # aborted while the content was written
            connection.execute(
                "insert or ignore into garbage select place from parts where upload=? and number=?",
                (upload.id, number),
            )
            connection.execute("insert or replace into parts values (?,?,?,?,?,?,?)", row)
    except BaseException:
        store.discard(draft)
        raise
    store.files.settle(part.place)
    store.collect()
    return part


def parts_of(store: ObjectStore, upload: Upload, after: int = 0, limit: int = -1) -> list[Part]:
    """In their order."""
    rows = store.connection.execute(
        "select * from parts where upload=? and number>? order by number limit ?", (upload.id, after, limit)
    ).fetchall()
    return [
        Part(
            row["number"],
            row["size"],
            row["etag"],
            row["modified"],
            orjson.loads(row["checksums"]),
            row["place"],
        )
        for row in rows
    ]


def joined(store: ObjectStore, parts: Sequence[Part]) -> Draft:
    """One content of all these parts, with the ETag S3 gives it; another thread may do this."""
    place, _ = store.files.join((part.place, 0, part.size) for part in parts)
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False).hexdigest()
    return Draft(sum(part.size for part in parts), f"{digest}-{len(parts)}", place, None)


def all_of(store: ObjectStore, bucket: str) -> list[Upload]:
    """The uploads of a bucket that have not ended, by key and then by when they were begun."""
    rows = store.connection.execute("select * from uploads where bucket=? order by key, begun, id", (bucket,))
    return [_upload(row) for row in rows.fetchall()]


def _upload(row: sqlite3.Row) -> Upload:
    return Upload(
        row["id"], row["bucket"], row["key"], row["begun"], orjson.loads(row["headers"]), orjson.loads(row["tags"])
    )
