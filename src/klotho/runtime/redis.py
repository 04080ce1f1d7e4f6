"""How to reach a Redis cache: a Grant in, a `Redis` out."""

from __future__ import annotations

from klotho.runtime.authority import cache_authorities
from klotho.runtime.datastores import port_of
from klotho.runtime.login import Login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klotho.runtime.grants import Grant


class Redis(Login):
    """A cache, or with `cluster` the entrance to one: clients must speak cluster mode then."""

    __slots__ = ("access", "cluster", "host", "kind", "port", "tls")

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant.name, str(grant["secret"]))
        self.kind = grant.kind
        self.host = str(grant["host"])
        self.port = port_of(grant)
        self.cluster = bool(grant.fields.get("cluster"))
        self.access = str(grant.fields.get("access", ""))
        self.tls = bool(grant.fields.get("tls"))
        """Whether connections are encrypted: wherever Klotho made the cache, and then none is taken without."""

    def __repr__(self) -> str:
        return f"<Redis {self.name!r} {self.host}:{self.port}>"

    @property
    def ssl_ca_certs(self) -> str:
        """The file with the authorities that vouch for the server; empty where the system's own do, as on AWS."""
        return cache_authorities()

    @property
    def url(self) -> str:
        """`rediss://user:password@host:port/0?…` as redis-py takes it, with the server's name and certificate verified.

        Holds the password: do not log it.
        """
        from urllib.parse import quote

        address = self._address("rediss" if self.tls else "redis", self.host, self.port, "0")
        if not self.tls:
            return address
        vouched = f"&ssl_ca_certs={quote(self.ssl_ca_certs, safe='/')}" if self.ssl_ca_certs else ""
        return f"{address}?ssl_check_hostname=true{vouched}"
