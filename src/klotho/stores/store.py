"""What a store promises: small objects by name, changed only by who has seen their last state.

Input: an object's name (parts joined by `/`) and bytes. Output: ETags. Refuses by answering None or False when somebody
else was faster; what keeps it from answering at all is a `Failure` or an OSError.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol
from urllib.parse import quote


class Kept(NamedTuple):
    """What a store holds under a name."""

    body: bytes
    etag: str


class Store(Protocol):
    """Each operation is atomic among all processes that use the store."""

    def read(self, name: str) -> Kept | None:
        """What is there; None for nothing."""

    def create(self, name: str, body: bytes) -> str | None:
        """The ETag of what is there now; None when something was there already."""

    def replace(self, name: str, body: bytes, etag: str) -> str | None:
        """The new ETag; None when what is there has another ETag, or nothing is there."""

    def delete(self, name: str, etag: str) -> bool:
        """False when what is there has another ETag, or nothing is there."""

    def list(self, prefix: str) -> dict[str, str]:
        """ETags by name, of all objects whose names begin with `prefix`, sorted by name. The prefix is empty or ends
        with `/`. Nothing where the store itself is not there yet."""

    def address(self, name: str) -> str:
        """Where an object is, for people: a path, or an `s3://` URL."""


def key_part(name: str) -> str:
    """As one part of an object's name: never empty, `.`, `..` or a path."""
    return quote(name, safe="").replace(".", "%2E") or "%"
