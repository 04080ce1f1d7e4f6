"""Where a program is, in words that mean something to whoever reads them on another machine.

Input: the program's folder, the environment's target. Output: an `Origin`. Refuses nothing: a folder in no repository
is a path.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from klotho.driver.recording import git
from klotho.registry import Origin

_SCP = re.compile(r"(?:[^@/:]+@)?([^@/:]+):(?!//)(.+)")
"""`git@github.com:owner/name.git`."""


def origin_of(folder: Path, target: str) -> Origin:
    """On this machine the folder says it all; in an account, the repository and the folder in it."""
    if target == "local":
        return Origin(str(folder))
    remote, root = git(folder, "remote", "get-url", "origin"), git(folder, "rev-parse", "--show-toplevel")
    if not remote or not root:
        return Origin(str(folder))
    return Origin(folder.relative_to(Path(root).resolve()).as_posix(), repository_name(remote))


def repository_name(remote: str) -> str:
    """`github.com/owner/name` of a remote's URL, without user and password, which may be tokens."""
    found = _SCP.fullmatch(remote)
    if found is not None:
        host, path = found.groups()
    else:
        url = urlsplit(remote)
        host, path = url.netloc.rpartition("@")[2], url.path
    name = f"{host}/{path.strip('/')}" if host else path
    return name.removesuffix(".git")
