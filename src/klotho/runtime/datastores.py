"""Datastores by kind: a Grant in, a `Postgres`, a `MySql` or a `KeyValue` out. Refuses other kinds by name."""

from __future__ import annotations

from klotho.runtime.errors import ConfigError, WrongKindError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from klotho.runtime.grants import Grant
    from klotho.runtime.key_value import KeyValue


_KINDS = ("Databases.Postgres", "Databases.MySQL", "Databases.KeyValue")


def datastore(grant: Grant) -> Postgres | MySql | KeyValue:
    """The object for whatever kind was granted."""
    if grant.kind == "Databases.KeyValue":
        return key_value(grant)
    return mysql(grant) if grant.kind == "Databases.MySQL" else postgres(grant)


def postgres(grant: Grant) -> Postgres:
    _expect(grant, "Databases.Postgres")
    return Postgres(grant)


def mysql(grant: Grant) -> MySql:
    _expect(grant, "Databases.MySQL")
    return MySql(grant)


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


class _Sql:
    """How to reach a SQL database. `user`, `password` and `url` fetch the secret when it is not in
    memory.

    The password is fetched again every five minutes (see `secrets.py`), so ask for it, or for `url`, at each new
    connection rather than once at start: that is what makes rotation work.
    """

    __slots__ = ("_secret", "access", "database", "host", "kind", "name", "port")
    _scheme = ""

    def __init__(self, grant: Grant) -> None:
        self.name = grant.name
        self.kind = grant.kind
        self.host = str(grant["host"])
        self.port = _port(grant)
        self.database = str(grant["database"])
        self.access = str(grant.fields.get("access", ""))
        self._secret = str(grant["secret"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.host}:{self.port}/{self.database}>"

    @property
    def user(self) -> str:
        return self._login()[0]

    @property
    def password(self) -> str:
        return self._login()[1]

    @property
    def url(self) -> str:
        """`postgresql://user:password@host:port/database` or `mysql://…`, percent-encoded. Holds the password: do not
        log it."""
        from urllib.parse import quote

        user, password = self._login()
        host = f"[{self.host}]" if ":" in self.host else self.host
        where = f"{host}:{self.port}/{quote(self.database, safe='')}"
        return f"{self._scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{where}{self._options()}"

    def _options(self) -> str:
        return ""

    def refresh(self) -> None:
        """Forget the password, for instance after the database refused it; the next use fetches it again."""
        from klotho.runtime.secrets import cache

        cache.forget(self._secret)

    def _login(self) -> tuple[str, str]:
        import json

        from klotho.runtime.secrets import cache

        try:
            login = json.loads(cache.get(self._secret))
        except ValueError:
            login = None
        if isinstance(login, dict) and all(isinstance(login.get(key), str) for key in ("username", "password")):
            return login["username"], login["password"]
        # Not raised inside the handler: the JSON error carries the secret's text.
        raise ConfigError(
            f"the secret of datastore {self.name!r} ({self._secret}) is not JSON with a username and a password"
        )


class Postgres(_Sql):
    """A PostgreSQL database."""

    __slots__ = ("sslmode",)
    _scheme = "postgresql"

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant)
        self.sslmode = _sslmode(str(grant.fields.get("sslmode", "")), self.host)
        """libpq's `sslmode`: `require` on AWS, `disable` on this machine; empty to leave it to the driver."""

    @property
    def dbname(self) -> str:
        """The same as `database`, by libpq's name."""
        return self.database

    def _options(self) -> str:
        from urllib.parse import quote

        return f"?sslmode={quote(self.sslmode, safe='')}" if self.sslmode else ""


class MySql(_Sql):
    """A MySQL database, whose server takes no connection without TLS: give `ssl` to the driver."""

    __slots__ = ()
    _scheme = "mysql"

    @property
    def ssl(self) -> ssl.SSLContext:
        """Encrypts, without asking who answers (libpq's `require`): `pymysql.connect(…, ssl=db.ssl)`."""
        import ssl

        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def _sslmode(wanted: str, host: str) -> str:
    """What is wanted, but off where nothing leaves the machine: a server on loopback may speak no TLS."""
    return "disable" if wanted and is_loopback(host) else wanted


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _port(grant: Grant) -> int:
    try:
        return int(grant["port"])
    except (TypeError, ValueError):
        problem = f"the port of datastore {grant.name!r} is not a number ({grant.variable})"
    raise ConfigError(problem)
