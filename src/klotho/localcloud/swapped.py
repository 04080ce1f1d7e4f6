"""Which units run code that no stack was deployed with: `klotho dev` has put it in place.

Input: marks by resource type and identifier, with the process that made them. Output: who holds a unit. Refuses
nothing. Kept in memory only: a local cloud that starts again runs what is deployed.

While its holder lives, bringing an application back (as every `klotho up` does first) leaves such a unit alone; a
deployment of the unit ends it, and so does the holder's end at the next `up`.
"""

from __future__ import annotations

import os


class Swapped:
    """The marks of one local cloud."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], int] = {}

    def mark(self, type_name: str, identifier: str, holder: int) -> None:
        """`holder`: the id of the process that put the code in place."""
        self._holders[type_name, identifier] = holder

    def clear(self, type_name: str, identifier: str) -> bool:
        """The unit runs what is deployed again; returns whether it did not."""
        return self._holders.pop((type_name, identifier), None) is not None

    def is_held(self, type_name: str, identifier: str) -> bool:
        """Whether a process that still runs has put its code in place."""
        holder = self._holders.get((type_name, identifier))
        return holder is not None and _is_alive(holder)

    def note(self, type_name: str, identifier: str) -> str | None:
        """What the status says of it; None for a unit that runs what is deployed."""
        if (type_name, identifier) not in self._holders:
            return None
        if self.is_held(type_name, identifier):
            return "runs code of `klotho dev` that is not deployed yet"
        return "runs code of a `klotho dev` that has ended, which is not deployed; `klotho up` brings it in line"

    @property
    def units(self) -> tuple[tuple[str, str], ...]:
        """Type and identifier of all of them."""
        return tuple(self._holders)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
