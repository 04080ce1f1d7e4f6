"""How much memory a process uses.

Input: a process id. Output: megabytes, 0 for one that has ended. Refuses nothing. Only Linux tells what a running
process uses; elsewhere nothing is known to be used, so that no limit is ever exceeded there.
"""

from __future__ import annotations

import errno
import resource
import sys
from pathlib import Path

LOOK_S = 0.1
"""Between two looks at a process that works. What is allocated and freed in between is not seen."""


def used_mb(pid: int) -> int:
    """What belongs to the process alone: mapped files, such as its libraries, are everybody's and can be dropped."""
    if sys.platform != "linux":
        return 0
    status = _status(pid)
    return (_kilobytes(status, b"RssAnon:") + _kilobytes(status, b"RssShmem:")) // 1024


def peak_mb(pid: int) -> int:
    """The most it ever had in memory."""
    if sys.platform != "linux":
        # Other systems tell the peak only of children that have ended: the largest so far is the nearest figure.
        return int(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // (1024 * 1024))
    return _kilobytes(_status(pid), b"VmHWM:") // 1024


def _status(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/status").read_bytes()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESRCH):
            return b""
        raise


def _kilobytes(status: bytes, name: bytes) -> int:
    start = status.find(name)
    return int(status[start + len(name) :].split(None, 1)[0]) if start >= 0 else 0
