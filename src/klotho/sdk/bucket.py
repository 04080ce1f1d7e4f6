"""`Storage.Bucket`: files, found by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

Cors = Sequence[str] | Mapping[str, Sequence[str]]
"""`["https://shop.example"]`, or `{"https://shop.example": ["GET", "PUT"]}`."""

_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
_DEFAULT_METHODS = ["GET", "HEAD", "PUT"]
_ORIGIN = 'an origin such as "https://shop.example", or "*" for every page'
_days = read.whole(1, 36500, unit="days")


def _read_lifecycle(value: Any) -> dict[str, int]:
    """Days by prefix."""
    items = read.mapping(value, 'a mapping of prefixes to days such as `{"tmp/": 7}`')
    if not items:
        raise read.wrong("a mapping with at least one prefix", value)
    for prefix in items:
        if not prefix:
            raise read.wrong("a prefix that is not empty", prefix, "use `expire_days` for all objects")
        if len(prefix.encode()) > 1024:
            raise read.wrong("a prefix of at most 1024 bytes", prefix)
    return {prefix: read.inside(_days, days, f"[{read.shown(prefix)}]") for prefix, days in items.items()}


def _read_cors(value: Any) -> dict[str, list[str]]:
    """Methods by origin."""
    if isinstance(value, str) or not isinstance(value, list | tuple | Mapping) or not value:
        help_text = f'write `["{value}"]`' if isinstance(value, str) and len(value) < 80 else None
        raise read.wrong("a list of origins, or a mapping of origins to methods", value, help_text)
    if isinstance(value, Mapping):
        named = read.mapping(value, "a mapping of origins to methods")
        given = {origin: _read_methods(methods, origin) for origin, methods in named.items()}
    else:
        given = {origin: list(_DEFAULT_METHODS) for origin in read.texts(value)}
    for origin in given:
        _check_origin(origin)
    return given


def _read_methods(value: Any, origin: str) -> list[str]:
    where = f"[{read.shown(origin)}]"
    methods = read.inside(read.texts, value, where)
    if not methods:
        raise read.wrong("at least one method", value, where=where)
    return [read.inside(read.choice(*_METHODS), method, where) for method in methods]


def _check_origin(origin: str) -> None:
    """S3: at most one `*`; browsers send scheme, host and port, nothing behind."""
    plain = origin.replace("*", "x", 1)
    try:
        parts = urlsplit(plain)
        bare = parts.scheme in ("http", "https") and bool(parts.netloc) and f"{parts.scheme}://{parts.netloc}" == plain
    except ValueError:
        bare = False
    if origin != "*" and ("*" in plain or not bare or not plain.isascii() or not plain.isprintable()):
        raise read.wrong(_ORIGIN, origin, "leave out path and the slash at the end" if origin[-1:] == "/" else None)


class Bucket(Construct):
    """Files in S3: private, encrypted, reached over TLS only."""

    KIND = "Storage.Bucket"

    bucket = OutputAttribute()
    """The bucket's physical name."""
    arn = OutputAttribute()
    """The bucket's ARN."""

    @described(
        versioning=read.truth,
        expire_days=_days,
        lifecycle=_read_lifecycle,
        keep_versions_days=_days,
        cors=_read_cors,
        protect=read.truth,
    )
    def __init__(
        self,
        name: str,
        *,
        versioning: bool = False,
        expire_days: int | None = None,
        lifecycle: Mapping[str, int] | None = None,
        keep_versions_days: int | None = None,
        cors: Cors | None = None,
        protect: bool = True,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
        was: str | None = None,
    ) -> None:
        """Describe a bucket.

        Args:
            name: how services ask for it: `klotho.config.buckets.get("images")`.
            versioning: True keeps what is overwritten or deleted for `keep_versions_days`. Default: False. Turned
                off later, it is suspended: the versions there are stay until they expire.
            expire_days: days after which an object is deleted, 1 to 36500. Default: objects stay.
            lifecycle: days after which objects below a prefix are deleted: `{"tmp/": 1, "exports/": 30}`. Default:
                none.
            keep_versions_days: days a version is kept after it was overwritten or deleted, with `versioning`.
                Default: 30.
            cors: origins whose pages may fetch and upload by presigned URLs: `["https://shop.example"]` (GET, HEAD and
                PUT), or with methods: `{"https://shop.example": ["GET"]}`. Default: no page may.
            protect: True keeps the bucket and its objects when it is taken out of the program or its stack is
                deleted; only deleting the data by name deletes them. False deletes both then. Default: True.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: an ARN or name to use as it is, never to change; or by environment: `{"prod": "…"}`.
            was: the name it was deployed under, after a rename: it keeps its data. Default: it was not renamed.

        Uploads in parts that were never completed are removed after seven days. The model has `cors` as
        `{"https://shop.example": ["GET", "HEAD", "PUT"]}`.
        """

    def _check(self, arguments: Arguments) -> None:
        if "keep_versions_days" in arguments.values and not arguments.values.get("versioning"):
            arguments.complain(
                "conflicting-arguments",
                f"`keep_versions_days` of {arguments.title} has no effect without `versioning=True`",
                "keep_versions_days",
                helps=("add `versioning=True`, or leave it out",),
            )
