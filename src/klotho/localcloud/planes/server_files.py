"""Files of database servers: whose they are, how they are copied, and the user a server runs as.

Input: paths and command lines. Output: folders handed to the user servers run under, copies that are there whole or
not at all, commands that give up root first. Refuses, as `DatabaseError`: a machine on which root can't become another
user.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

_UNPRIVILEGED = ("pgserver", "postgres", "nobody")
"""Users root may become for a server, the first that exists: no user is created on the machine."""


class DatabaseError(Exception):
    """A database can't do what was asked; says why and what to do."""


def server_user() -> tuple[int, int] | None:
    """(uid, gid) that servers run under when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    if sys.platform == "darwin":
        raise DatabaseError("databases refuse to run as root: run klotho as an ordinary user")
    import pwd

    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise DatabaseError("databases refuse to run as root and this machine has no user `nobody` to run them as")


def as_server_user(command: list[str], *paths: Path) -> list[str]:
    """The command line that gives up root first, yet passes the private folders above `paths`."""
    owner = server_user()
    if owner is None:
        return command
    private = not all(_anyone_passes(path) for path in paths)
    launcher = str(Path(__file__).with_name("as_user.py"))
    user = [str(owner[0]), str(owner[1]), str(int(private))]
    return [sys.executable, "-I", "-S", launcher, *user, *command]


def _anyone_passes(path: Path) -> bool:
    """Whether every folder above `path` lets any user through."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def give(path: Path) -> None:
    """Hand a folder to the user servers run under, for them alone."""
    path.chmod(0o700)
    owner = server_user()
    if owner is not None:
        os.chown(path, *owner)


def write_private(path: Path, content: bytes) -> None:
    """A new file for the server's user alone, in the place of an old one."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    owner = server_user()
    if owner is not None:
        os.chown(path, *owner)


def write_password(path: Path) -> str:
    """A new password in a file for the server's user alone."""
    password = secrets.token_hex(24)
    write_private(path, password.encode())
    return password


def cache_folder() -> Path:
    """Klotho's folder under XDG_CACHE_HOME (default `~/.cache`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "klotho"


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder to `target` (which must not exist); atomic, also when an earlier try was killed.

    A `cp` outlives the supervisor that started it, so each try has a folder of its own: in a shared one the old `cp`
    and the new would mix.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{target.name}.*.new"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = target.with_name(f"{target.name}.{uuid.uuid4().hex}.new")
    # `cp` keeps owners and modes and copies several times faster than shutil.
    subprocess.run(["cp", "-Rp", str(source), str(fresh)], check=True, capture_output=True)
    fresh.rename(target)
