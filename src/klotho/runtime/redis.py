"""How to reach a Redis cache: a Grant in, a `Redis` out."""

from __future__ import annotations

from klotho.runtime.datastores import is_loopback, port_of
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
        self.tls = bool(grant.fields.get("tls")) and not is_loopback(self.host)
        """Whether connections are encrypted: on AWS always; on this machine the server speaks no TLS."""

    def __repr__(self) -> str:
        return f"<Redis {self.name!r} {self.host}:{self.port}>"

    @property
    def url(self) -> str:
        """`rediss://user:password@host:port/0`, on this machine `redis://`. Holds the password: do not log it."""
        return self._address("rediss" if self.tls else "redis", self.host, self.port, "0")
