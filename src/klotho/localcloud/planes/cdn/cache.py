"""Copies the CDN keeps.

Input: answers of the origin by path. Output: the copy, with whether it is still fresh. Refuses nothing: what does not
fit is not kept, as at an edge that is full. Kept in memory only: a restart is an edge that starts empty.

Source: Amazon CloudFront Developer Guide, "Manage how long content stays in the cache (expiration)".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from klotho.localcloud.planes.cdn.distribution import CachePolicy

CAPACITY_BYTES = 128 * 1024 * 1024
"""Of all distributions together."""
LARGEST_BYTES = 16 * 1024 * 1024
"""A larger answer is not kept."""
_SECONDS = re.compile(r"\d{1,10}")


@dataclass(slots=True)
class Copy:
    """One answer of the origin."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    fetched: float
    """When it was fetched or last found unchanged; seconds of a monotonic clock, as the next."""
    fresh_until: float
    packed: bytes | None = None
    """The body by gzip, once somebody wanted it."""


class Cache:
    """Copies by distribution and path, the least recently used leave first."""

    def __init__(self, capacity: int = CAPACITY_BYTES) -> None:
        self._capacity = capacity
        self._copies: OrderedDict[tuple[str, str], Copy] = OrderedDict()
        self._size = 0

    def get(self, distribution: str, path: str) -> Copy | None:
        copy = self._copies.get((distribution, path))
        if copy is not None:
            self._copies.move_to_end((distribution, path))
        return copy

    def put(self, distribution: str, path: str, copy: Copy) -> None:
        self.forget(distribution, path)
        if len(copy.body) > min(LARGEST_BYTES, self._capacity):
            return
        self._copies[distribution, path] = copy
        self._size += len(copy.body)
        while self._size > self._capacity:
            _, oldest = self._copies.popitem(last=False)
            self._size -= len(oldest.body)

    def forget(self, distribution: str, path: str) -> None:
        copy = self._copies.pop((distribution, path), None)
        if copy is not None:
            self._size -= len(copy.body)

    def invalidate(self, distribution: str, patterns: Iterable[str]) -> None:
        """Forget what the paths of an invalidation name; a `*` at the end stands for anything."""
        exact = {pattern for pattern in patterns if not pattern.endswith("*")}
        begins = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
        for owner, path in list(self._copies):
            if owner == distribution and (path in exact or path.startswith(begins)):
                self.forget(owner, path)

    def drop(self, distribution: str) -> None:
        """Forget all of a distribution."""
        self.invalidate(distribution, ["*"])


def seconds_to_keep(headers: Mapping[str, str], policy: CachePolicy) -> float:
    """How long an answer of the origin stays fresh: `s-maxage`, else `max-age`, within the policy's limits.

    `no-cache`, `no-store` and `private` give the policy's minimum: AWS keeps it that long whatever the origin says.
    """
    said = headers.get("cache-control")
    if said is None:
        return policy.default
    directives = dict(_directive(part) for part in said.lower().split(",") if part.strip())
    if directives.keys() & {"no-cache", "no-store", "private"}:
        return policy.minimum
    for name in ("s-maxage", "max-age"):
        value = directives.get(name, "")
        if _SECONDS.fullmatch(value):
            return min(max(float(value), policy.minimum), policy.maximum)
    return policy.default


def _directive(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name.strip(), value.strip().strip('"')
