"""Where leases are kept: one small object a lease, changed only by who has seen its last state.

Input: a lease's name (parts joined by `/`) and bytes. Output: ETags. Refuses by answering None or False when somebody
else was faster; what keeps it from answering at all is a `Failure`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


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
