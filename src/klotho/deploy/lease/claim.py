"""What a lease says about its holder.

Input: who holds it, since when. Output: the bytes a store keeps, and sentences for who meets it. Refuses nothing: bytes
that can't be understood are a claim of somebody unknown, which expires like any other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from klotho.stores import key_part


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who asks for a lease."""

    holder: str
    """The user's name."""
    host: str
    pid: int
    command: str
    """As typed, without its values: `klotho up`."""
    begun: int
    """Milliseconds since 1970 by the holder's clock; shown as an age, never decided by."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a store holds."""

    by: Claimant
    id: str
    """Random, so that no two claims have the same bytes."""
    beat: int = 0
    """Counts the heartbeats."""

    def beaten(self) -> Claim:
        return replace(self, beat=self.beat + 1)

    def to_bytes(self) -> bytes:
        import orjson

        return orjson.dumps({**asdict(self.by), "id": self.id, "beat": self.beat}, option=orjson.OPT_SORT_KEYS)

    def who(self) -> str:
        """`ann on laptop (pid 4711)`."""
        return f"{self.by.holder} on {self.by.host} (pid {self.by.pid})"


def claim_of(body: bytes) -> Claim:
    import orjson

    try:
        data: dict[str, Any] = orjson.loads(body)
        by = Claimant(
            str(data["holder"]), str(data["host"]), int(data["pid"]), str(data["command"]), int(data["begun"])
        )
        return Claim(by, str(data["id"]), int(data["beat"]))
    except (ValueError, KeyError, TypeError):
        return Claim(Claimant("somebody", "an unknown machine", 0, "an unknown command", 0), "")


def application_lease(project: str, environment: str, application: str) -> str:
    """The name of the lease on one application in one environment."""
    return "/".join(map(key_part, (project, environment, "applications", application)))


def project_lease(project: str, environment: str) -> str:
    """The name of the lease on what all applications of a project share in one environment."""
    return "/".join(map(key_part, (project, environment, "project")))
