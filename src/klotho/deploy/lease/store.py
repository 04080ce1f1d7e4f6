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

    def sign_life(self, claim: str) -> None:
        """From here until `end_life`, or this process ends, `has_ended` can tell that a claim's holder lives; where a
        store can't tell, this does nothing. `claim` is its id; signed before the claim is written."""

    def end_life(self, claim: str) -> None:
        """Nobody asks for this claim any more."""

    def has_ended(self, claim: str) -> bool:
        """Whether the process that signed the claim is known to have ended. False says nothing."""
