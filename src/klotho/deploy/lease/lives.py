"""Signs of life of this machine's processes: who runs here is known to have ended without waiting for a lease to end.

Input: a folder, ids of claims. Output: whether a claim's holder has ended. Refuses nothing: a claim made on another
machine has no sign here, and then only time tells.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from urllib.parse import quote


class Lives:
    """A file per claim with a lock (flock(2)) that the kernel takes back when its process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signed: dict[str, int] = {}
        """Open, locked files by claim."""

    def sign(self, claim: str) -> None:
        """From here until `end`, or this process ends, the claim's holder lives. Before the claim is written."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        signed = os.open(self._path(claim), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(signed, fcntl.LOCK_SH)
        self._signed[claim] = signed

    def end(self, claim: str) -> None:
        """Nobody asks for this claim any more."""
        self._path(claim).unlink(missing_ok=True)
        signed = self._signed.pop(claim, None)
        if signed is not None:
            os.close(signed)

    def has_ended(self, claim: str) -> bool:
        """Whether the process that signed is known to have ended. False says nothing."""
        try:
            probe = os.open(self._path(claim), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(probe)
        return True

    def _path(self, claim: str) -> Path:
        return self._folder / (quote(claim, safe="") or "%")
