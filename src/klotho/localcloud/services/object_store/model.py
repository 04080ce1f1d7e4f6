"""What the object store holds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NULL_VERSION = "null"
"""The version of what is put while versioning is off. S3 User Guide, "How S3 Versioning works"."""


class Precondition(Exception):
    """`If-Match` or `If-None-Match` did not hold."""


class MissingError(Exception):
    """There is no such bucket, object, version or upload; `code` is S3's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket a stack made."""

    name: str
    owner: str
    """The token of the resource that made it."""
    created: float
    """Seconds since 1970."""
    versioning: str = ""
    """`Enabled`, `Suspended`, or empty when it was never on."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """By the names of `AWS::S3::Bucket`: LifecycleConfiguration, CorsConfiguration …"""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def sends_events(self) -> bool:
        """Whether changes of its objects go to EventBridge."""
        switch = (self.settings.get("NotificationConfiguration") or {}).get("EventBridgeConfiguration")
        return isinstance(switch, Mapping) and str(switch.get("EventBridgeEnabled", True)).lower() == "true"


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """One version of an object, without its content; or a delete marker."""

    number: int
    """Rises with every version of any object: the order in which they were made."""
    bucket: str
    key: str
    version: str
    latest: bool
    marker: bool
    size: int
    """Bytes."""
    etag: str
    """Without quotes: MD5 of the content in hexadecimal, of a multipart upload as S3 makes it (`…-3`)."""
    modified: float
    """Seconds since 1970."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Stored with the object: content-type and the like, `x-amz-meta-…`, `x-amz-checksum-…`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[int, ...] = ()
    """Bytes of each part of a multipart upload."""
    place: str = ""
    """The file of the content; empty for a small one, which lies in the database."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Content that is on disk or in memory and belongs to no object yet."""

    size: int
    etag: str
    place: str
    """The file in the folder of incoming contents; empty when `data` has it."""
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete did."""

    version: str | None
    """Of the version that was removed, or of the delete marker that was made; None where there is no version."""
    marker: bool
    """Whether a delete marker was made or removed."""
    removed: ObjectHead | None
    """What is no longer there; None when nothing was, or a marker only hides it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing."""

    items: tuple[ObjectHead, ...]
    prefixes: tuple[str, ...]
    last: tuple[str, str] | None
    """The last key (or prefix) and version when there is more; None at the end."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was begun."""

    id: str
    bucket: str
    key: str
    begun: float
    headers: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    size: int
    etag: str
    modified: float
    checksums: Mapping[str, str]
    place: str
