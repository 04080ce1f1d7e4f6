"""Makes and removes roles: fetches what is needed, connects as the master user, hands over to the engine's module.

Output: nothing; RoleError, or the driver's own error, when it can't be done. Both may run twice. A database that is
gone has no roles left, so that removing one from it succeeds.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple

from klotho.provider import mysql, postgres
from klotho.provider.role import Role, RoleError
from klotho.runtime.errors import AwsError
from klotho.runtime.rds_token import rds_token
from klotho.runtime.secrets import fetch_secret

PATIENCE_S = 60.0
"""How long a permission given a moment ago may take to be known everywhere (IAM is eventually consistent)."""
GONE_AFTER_S = 15.0
"""How long a server must refuse connections before it counts as gone and not as restarting."""
CONNECT_S = 10.0


class Login(NamedTuple):
    user: str
    password: str


class Engine(NamedTuple):
    """One kind of database."""

    connected: Callable[[Role, str, str], AbstractContextManager[Any]]
    """A connection for (role, user, password): that of the master."""
    ensure: Callable[[Any, Role, str | None], None]
    """Make the role with this password (None: it logs in by tokens), or change it into what it is to be."""
    drop: Callable[[Any, Role], None]
    is_refused: Callable[[Exception], bool]
    """Whether the error says that the login was not taken."""
    is_missing: Callable[[Exception], bool]
    """Whether the error says that there is no such database."""


ENGINES = {
    "postgres": Engine(postgres.connected, postgres.ensure, postgres.drop, postgres.is_refused, postgres.is_missing),
    "mysql": Engine(mysql.connected, mysql.ensure, mysql.drop, mysql.is_refused, mysql.is_missing),
}


def make(role: Role) -> None:
    """The role exists, has the password of its secret and may do what its access says."""
    password = None if role.by_iam else _password(role)
    engine = ENGINES[role.engine]
    with _as_master(role, read_login(role.master)) as connection:
        engine.ensure(connection, role, password)


def _password(role: Role) -> str:
    login = read_login(role.login)
    if login.user != role.user:
        raise RoleError(f"the secret {role.login} is of another user than {role.user}")
    return login.password


@contextmanager
def _as_master(role: Role, master: Login) -> Iterator[Any]:
    """A connection of the master user: by its password; by a token where its password is not taken.

    PostgreSQL 16 and newer make whoever creates a role a member of it, and members of `rds_iam`, also by way of other
    roles, log in by tokens only (Amazon RDS User Guide, "IAM database authentication": limitations).
    """
    engine = ENGINES[role.engine]
    with ExitStack() as open_ones:
        try:
            connection = open_ones.enter_context(engine.connected(role, *master))
        except Exception as error:
            if not role.by_iam or not engine.is_refused(error):
                raise
            token = rds_token(role.host, role.port, master.user)
            connection = open_ones.enter_context(engine.connected(role, master.user, token))
        yield connection


def remove(role: Role) -> None:
    """The role is gone, and what it owned belongs to the database's owner."""
    if not is_there(role):
        return
    try:
        master = read_login(role.master, patience_s=0.0)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return  # RDS deletes the master's secret together with the instance.
        raise
    engine = ENGINES[role.engine]
    try:
        with _as_master(role, master) as connection:
            engine.drop(connection, role)
    except Exception as error:
        if not engine.is_missing(error):
            raise


def is_there(role: Role, patience_s: float = GONE_AFTER_S) -> bool:
    """Whether the server answers; False when its name is unknown or it keeps refusing."""
    until = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection((role.host, role.port), timeout=CONNECT_S).close()
        except socket.gaierror:
            return False
        except ConnectionRefusedError:
            if time.monotonic() > until:
                return False
            time.sleep(0.5)
        except OSError as error:
            raise RoleError(f"{role.host}:{role.port} can't be reached: {error}") from error
        else:
            return True


def read_login(secret: str, patience_s: float = PATIENCE_S) -> Login:
    """User and password of a secret."""
    until, pause = time.monotonic() + patience_s, 0.5
    while True:
        try:
            text = fetch_secret(secret)
            break
        except AwsError as error:
            if error.code != "AccessDeniedException" or time.monotonic() + pause > until:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 8.0)
    try:
        document = json.loads(text)
        return Login(str(document["username"]), str(document["password"]))
    except (ValueError, KeyError, TypeError):
        pass
    # Not raised inside the handler: the JSON error carries the secret's text.
    raise RoleError(f"the secret {secret} is not JSON with a username and a password")
