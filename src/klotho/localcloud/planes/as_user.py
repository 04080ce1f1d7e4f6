"""Becomes an unprivileged user, then runs a command: PostgreSQL refuses to run as root.

Input: `as_user.py <uid> <gid> <keep search: 0|1> <command> <argument>...` on the command line, run as root by
`python -I -S`. Output: none, it turns into the command. Refuses (exit code 125, the reason on standard error) when it
can't change the user.

`keep search` keeps one Linux capability, to pass through folders that are root's alone: the state folder is private
(0700), often below a private home, and loosening those permissions to let a server in would let everyone in.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
"""Numbers of Linux's interface: include/uapi/linux/{prctl,capability}.h."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def become(uid: int, gid: int, keep_search: bool) -> None:
    """Change the user of this process for good; OSError when the system refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_search:
        _checked(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep_search:
        header, data = _Header(_LINUX_CAPABILITY_VERSION_3, 0), (_Data * 2)()
        _checked(libc.capget(ctypes.byref(header), data))
        # Searching folders is enough; containers often have only the stronger one.
        kept = next((one for one in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if data[0].permitted & 1 << one), None)
        if kept is None:
            raise PermissionError("root here lacks the capability to pass private folders (CAP_DAC_READ_SEARCH)")
        for index, mask in enumerate((1 << kept, 0)):
            data[index].effective = data[index].permitted = data[index].inheritable = mask
        _checked(libc.capset(ctypes.byref(header), data))
        _checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, kept, 0, 0))


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def main() -> None:
    uid, gid, keep_search = map(int, sys.argv[1:4])
    try:
        become(uid, gid, bool(keep_search))
        os.execv(sys.argv[4], sys.argv[4:])
    except OSError as error:
        sys.stderr.write(f"can't run {sys.argv[4]} as user {uid}: {error}\n")
        sys.exit(125)


if __name__ == "__main__":
    main()
