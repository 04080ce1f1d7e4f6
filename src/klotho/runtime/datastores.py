"""Datastores by kind: a Grant in, an object for a database of its kind out. Refuses other kinds by name."""

from __future__ import annotations

from klotho.runtime.authority import database_authorities, database_context
from klotho.runtime.errors import ConfigError, WrongKindError
from klotho.runtime.login import Login

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from klotho.runtime.grants import Grant
    from klotho.runtime.key_value import KeyValue
    from klotho.runtime.redis import Redis


_KINDS = ("Databases.Postgres", "Databases.MySQL", "Databases.Redis", "Databases.KeyValue")


def datastore(grant: Grant) -> Postgres | MySql | Redis | KeyValue:
    """The object for whatever kind was granted."""
    if grant.kind == "Databases.KeyValue":
        return key_value(grant)
    if grant.kind == "Databases.Redis":
        return redis(grant)
    return mysql(grant) if grant.kind == "Databases.MySQL" else postgres(grant)


def postgres(grant: Grant) -> Postgres:
    _expect(grant, "Databases.Postgres")
    return Postgres(grant)


def mysql(grant: Grant) -> MySql:
    _expect(grant, "Databases.MySQL")
    return MySql(grant)


def redis(grant: Grant) -> Redis:
    _expect(grant, "Databases.Redis")
    from klotho.runtime.redis import Redis

    return Redis(grant)


def key_value(grant: Grant) -> KeyValue:
    _expect(grant, "Databases.KeyValue")
    from klotho.runtime.key_value import KeyValue

    return KeyValue(grant.name, str(grant["table"]), access=str(grant.fields.get("access", "")))


def _expect(grant: Grant, kind: str) -> None:
    if grant.kind == kind:
        return
    if grant.kind in _KINDS:
        raise WrongKindError(f"datastore {grant.name!r} is a {grant.kind}, not a {kind}")
    raise WrongKindError(
        f"datastore {grant.name!r} is a {grant.kind or 'thing without a kind'}, which this version of the runtime "
        f"does not know; it knows {', '.join(_KINDS)}"
    )


class _Sql(Login):
    """How to reach a SQL database."""

    __slots__ = ("_user", "access", "database", "host", "kind", "port", "read_host")
    _scheme = ""

    def __init__(self, grant: Grant) -> None:
        self._user = str(grant["user"]) if grant.fields.get("login") == "iam" else ""
        """Whose tokens are passwords; empty where a secret has user and password."""
        super().__init__(grant.name, "" if self._user else str(grant["secret"]))
        self.kind = grant.kind
        self.host = str(grant["host"])
        self.port = port_of(grant)
        self.database = str(grant["database"])
        self.access = str(grant.fields.get("access", ""))
        self.read_host = str(grant.fields.get("read_host", self.host))
        """Spreads connections over the database's readers, which are a moment behind; `host` where it has none."""

    def refresh(self) -> None:
        if not self._user:
            super().refresh()

    def _login(self) -> tuple[str, str]:
        if not self._user:
            return super()._login()
        from klotho.runtime.rds_token import rds_token

        return self._user, rds_token(self.host, self.port, self._user)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.host}:{self.port}/{self.database}>"

    @property
    def url(self) -> str:
        """`postgresql://user:password@host:port/database` or `mysql://…`, percent-encoded. Holds the password: do not
        log it."""
        return self._address(self._scheme, self.host, self.port, self.database) + self._options()

    @property
    def ssl(self) -> ssl.SSLContext:
        """Encrypts, and verifies the server's certificate and name: pymysql's `ssl`, pg8000's `ssl_context`."""
        return database_context()

    def _options(self) -> str:
        return ""


class Postgres(_Sql):
    """A PostgreSQL database."""

    __slots__ = ("sslmode",)
    _scheme = "postgresql"

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant)
        self.sslmode = str(grant.fields.get("sslmode", ""))
        """libpq's `sslmode`: `verify-full` wherever Klotho made the database; empty to leave it to the driver."""

    @property
    def sslrootcert(self) -> str:
        """libpq's `sslrootcert`: the file with the authorities that vouch for the server."""
        return database_authorities()

    @property
    def dbname(self) -> str:
        """The same as `database`, by libpq's name."""
        return self.database

    def _options(self) -> str:
        from urllib.parse import quote

        if not self.sslmode:
            return ""
        return f"?sslmode={quote(self.sslmode, safe='')}&sslrootcert={quote(self.sslrootcert, safe='/')}"


class MySql(_Sql):
    """A MySQL database, whose server takes no connection without TLS: give `ssl` or `ssl_ca` to the driver."""

    __slots__ = ()
    _scheme = "mysql"

    @property
    def ssl_ca(self) -> str:
        """The file with the authorities that vouch for the server, for drivers that take a path."""
        return database_authorities()


def port_of(grant: Grant) -> int:
    try:
        return int(grant["port"])
    except (TypeError, ValueError):
        problem = f"the port of datastore {grant.name!r} is not a number ({grant.variable})"
    raise ConfigError(problem)
