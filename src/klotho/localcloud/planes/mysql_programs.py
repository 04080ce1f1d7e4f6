"""The machine's MariaDB or MySQL server, and a template of a fresh data folder.

Input: none; the programs are looked for. Output: where they are, the command line that runs one as an allowed user,
and a template data folder to copy (made once per server version in the cache folder). Refuses, as `MySqlError`: no
server on this machine (with what to install), a server that can't make a data folder.

No Python package brings a MySQL server, so this is the one plane that needs something installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from klotho.localcloud.planes.server_files import (
    DatabaseError,
    as_server_user,
    copy_folder,
    give,
    server_user,
    write_private,
)

ADMIN = "rdsadmin"
"""The account with all privileges: RDS's own name for it. Nobody but the supervisor uses it."""
PASSWORD_FILE = "klotho-admin-password"
"""In the data folder, 0600 like all of it. A server passes over plain files it does not know."""
_MAKER_FILE = "klotho-made-by"
"""In the data folder: the version of the server that made it."""
REDO_LOG = "--innodb-log-file-size=16M"
"""The default, 96 MB and more, would be copied for each instance."""
_FOLDERS = (
    "/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/mysql/bin", "/opt/homebrew/bin",
    "/opt/homebrew/opt/mariadb/bin", "/opt/homebrew/opt/mysql/bin", "/usr/local/opt/mariadb/bin",
    "/usr/local/opt/mysql/bin", "/opt/local/lib/mariadb/bin",
)  # fmt: skip
"""Where servers are beside the PATH, which often lacks `sbin`: Debian, Fedora, Homebrew, MacPorts."""
_SERVERS = ("mariadbd", "mysqld")
_ACCOUNT_TABLES = (
    "global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping", "proxies_priv", "proc", "func",
    "event",
)  # fmt: skip
"""MariaDB keeps accounts and grants in Aria tables, and a kill -9 takes back what was made in the last half minute;
MySQL has them in InnoDB, where what is acknowledged is durable."""
_DEFAULTS_READER = "my_print_defaults"
"""Asked by the installer; Debian has it in the package of the clients."""
_INSTALLERS = ("mariadb-install-db", "mysql_install_db")
INSTALL_HINT = "install MariaDB: " + (
    "`brew install mariadb`"
    if sys.platform == "darwin"
    else "`sudo apt-get install mariadb-server-core mariadb-client-core` (Debian, Ubuntu) or "
    "`sudo dnf install mariadb-server` (Fedora)"
)


class MySqlError(DatabaseError):
    """MySQL can't do what was asked; says why and what to do."""


class NoServerError(MySqlError):
    """There is none to be found on this machine."""

    hint = INSTALL_HINT

    def __init__(
        self, reason: str = "Databases.MySQL needs a MariaDB or MySQL server, and none is on this machine"
    ) -> None:
        super().__init__(f"{reason}: {self.hint}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Programs:
    """One installed server."""

    server: Path
    version: str
    """`10.11.19-MariaDB`."""

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower()

    @property
    def title(self) -> str:
        """`MariaDB 10.11.19`, as people read it."""
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {self.version.partition('-')[0]}"

    def command(self, *options: str, data: Path) -> list[str]:
        """The command line of the server on this data folder; configuration files of the machine stay out of it."""
        return as_server_user([str(self.server), "--no-defaults", f"--datadir={data}", *options], data)


def find(name: str) -> Path | None:
    """A program of this name on the PATH, or where servers are installed."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_FOLDERS)))
    return Path(found) if found else None


def programs() -> Programs:
    """The server of this machine: MariaDB before MySQL. `NoServerError` says what to install when there is none."""
    found = next((path for name in _SERVERS if (path := find(name)) is not None), None)
    if found is None:
        raise NoServerError
    shown = subprocess.run([found, "--no-defaults", "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"Ver\s+(\S+)", shown.stdout)
    if version is None:
        raise MySqlError(f"`{found} --version` fails: {shown.stderr.strip() or shown.stdout.strip()}")
    made = Programs(found, version[1])
    if made.is_mariadb and find(_DEFAULTS_READER) is None:
        raise NoServerError(
            f"MariaDB's `{_DEFAULTS_READER}`, which makes a database's folder, is missing beside {found}"
        )
    return made


def copy_template(found: Programs, target: Path, cache: Path) -> None:
    """Put a fresh data folder at `target` (which must not exist); atomic. Blocks 0.1 s, 1 s the first time."""
    copy_folder(_template(found, cache), target)


def check_maker(found: Programs, data: Path) -> None:
    """`MySqlError` when the data folder is MySQL's and the server MariaDB, or the other way round."""
    path = data / _MAKER_FILE
    made_by = Programs(found.server, path.read_text()) if path.exists() else found
    if made_by.is_mariadb != found.is_mariadb:
        raise MySqlError(f"{data} was made by {made_by.title}, and this machine has {found.title}: install the former")


def _template(found: Programs, cache: Path) -> Path:
    owner = server_user() or (os.geteuid(), os.getegid())
    template = cache / "mysql" / f"{found.version}-{owner[0]}-innodb"
    if (template / PASSWORD_FILE).exists():
        return template
    template.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="new-", dir=template.parent))
    try:
        give(work)
        data, accounts = work / "data", work / "accounts.sql"
        password = secrets.token_hex(24)
        write_private(accounts, _accounts(found, password).encode())
        data.mkdir()
        give(data)
        made = subprocess.run(
            _initialize(found, data, accounts), capture_output=True, text=True, check=False, cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TMPDIR": str(work)},
        )  # fmt: skip
        if made.returncode != 0:
            lines = (made.stderr.strip() or made.stdout.strip()).splitlines()[-4:]
            raise MySqlError(f"{found.server} can't make a data folder: " + " ".join(lines or [str(made.returncode)]))
        write_private(data / _MAKER_FILE, found.version.encode())
        write_private(data / PASSWORD_FILE, password.encode())
        with contextlib.suppress(OSError):  # another klotho was faster: its template is as good
            data.rename(template)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return template


def _initialize(found: Programs, data: Path, accounts: Path) -> list[str]:
    """The command that makes a data folder, with the accounts of this SQL file."""
    if not found.is_mariadb:
        return found.command("--initialize-insecure", REDO_LOG, f"--init-file={accounts}", data=data)
    installer = next((path for name in _INSTALLERS if (path := find(name)) is not None), None)
    if installer is None:
        raise MySqlError(f"MariaDB's `{_INSTALLERS[0]}` is missing beside {found.server}: {INSTALL_HINT}")
    command = [
        str(installer), "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
        "--skip-test-db", "--skip-name-resolve", f"--extra-file={accounts}", REDO_LOG,
    ]  # fmt: skip
    return as_server_user(command, data)


def _accounts(found: Programs, password: str) -> str:
    """SQL, a statement a line: one account with a password, and none of those without one that a new folder has."""
    statements = [
        "FLUSH PRIVILEGES",
        f"CREATE USER '{ADMIN}'@'127.0.0.1' IDENTIFIED BY '{password}'",
        f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'127.0.0.1' WITH GRANT OPTION",
    ]
    if found.is_mariadb:
        statements += ["DELETE FROM mysql.global_priv WHERE User IN ('', 'root')", "DELETE FROM mysql.proxies_priv"]
        # Their columns have defaults that strict mode refuses.
        statements += ["SET sql_mode = ''", *(f"ALTER TABLE mysql.{name} ENGINE = InnoDB" for name in _ACCOUNT_TABLES)]
    else:
        statements += ["DROP USER root@localhost"]
    return "".join(f"{statement};\n" for statement in statements)
