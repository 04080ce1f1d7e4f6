"""Whether the running command has begun something in the cloud that goes on without it: what Ctrl-C has to say.

Input: marks of the progress sink. Output: a flag, one a process, because a process runs one command. Refuses nothing.
"""

from __future__ import annotations

_begun = False


def mark() -> None:
    """Something begins."""
    global _begun
    _begun = True


def reset() -> None:
    """A new command starts."""
    global _begun
    _begun = False


def begun() -> bool:
    """Whether something has begun since the command started."""
    return _begun
