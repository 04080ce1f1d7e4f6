"""`persist` on a statement that opens a bucket of gocloud.dev/blob: a bucket of S3, whatever the original keeps it in.

The call stays where it is, within a function that only runs where the unit is not deployed: `blob.OpenBucket(…)` is
`klotho_unit_blobs.Opened("media", func() (*klotho_unit_blobs.Bucket, error) { return blob.OpenBucket(…) })`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from klotho.annotations.findings import Edit, Resource, construct_name
from klotho.annotations.languages.go.modules import GoFile, called, nodes_of
from klotho.annotations.languages.go.unit_files import BLOBS
from klotho.annotations.variables import rewritten

_OPENS = {
    ("gocloud.dev/blob", "OpenBucket"): "Opened",
    ("gocloud.dev/blob/fileblob", "OpenBucket"): "Opened",
    ("gocloud.dev/blob/memblob", "OpenBucket"): "Made",
}
_RESULTS = {"Opened": f"(*{BLOBS}.Bucket, error)", "Made": f"*{BLOBS}.Bucket"}
_LAYOUT = "with files named as in the bucket that was opened"
SHAPES = (
    "`blob.OpenBucket(ctx, url)`, `fileblob.OpenBucket(folder, options)` and `memblob.OpenBucket(options)` of "
    "gocloud.dev/blob, one in a statement; databases and caches by a line such as "
    '`DATABASE_URL = "orm.connection_string"` below `[environment_variables]`'
)


def kept_buckets(files: Iterable[GoFile]) -> Iterator[Resource]:
    """The buckets of a unit's own files."""
    for file in files:
        for annotation, target in rewritten(file.source):
            call = _opening(file, target) if target is not None else None
            if call is not None:
                edits = _handed(file, call, construct_name(annotation.id or ""))
                # What the code does with a bucket, and who else it gives it to, is not followed.
                verbs = ("read_writes_to",)
                yield Resource(annotation, "Storage.Bucket", verbs, edits=edits, shims=(BLOBS,), layout=_LAYOUT)


def _opening(file: GoFile, statement: Any) -> tuple[Any, str] | None:
    """The call that opens the one bucket of a statement, and what stands for it."""
    found = openings(file, statement)
    return found[0] if len(found) == 1 else None


def openings(file: GoFile, statement: Any) -> list[tuple[Any, str]]:
    return [
        (call, _OPENS[place])
        for call in nodes_of(statement, ("call_expression",))
        if (place := _place(file, call)) in _OPENS
    ]


def _place(file: GoFile, call: Any) -> tuple[str, str]:
    before, name = called(call)
    return (file.imported(before) or "" if before else ""), name


def _handed(file: GoFile, found: tuple[Any, str], name: str) -> tuple[Edit, ...]:
    call, shim = found
    given = f"{BLOBS}.{shim}({json.dumps(name)}, func() {_RESULTS[shim]} {{ return "
    return (
        Edit(file.path, call.start_byte, call.start_byte, given.encode()),
        Edit(file.path, call.end_byte, call.end_byte, b" })"),
    )
