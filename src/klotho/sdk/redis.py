"""`Databases.Redis`: a cache, or a cluster of them."""

from __future__ import annotations

from klotho.sdk import readers as read
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack


class Redis(Construct):
    """A Redis cache (Valkey), encrypted and never reachable from outside; services reach it through verbs.

    Every client of Redis works with it. A service that reads can't write and the other way round.
    """

    KIND = "Databases.Redis"

    endpoint = OutputAttribute()
    """Its host name; with `cluster=True` that of the cluster."""
    port = OutputAttribute()
    """Its TCP port, as text."""
    user = OutputAttribute(secret=True)
    """A secret: fetched by the service at run time, never written into `environment=`."""
    password = OutputAttribute(secret=True)
    """A secret, as `user`."""
    url = OutputAttribute(secret=True)
    """The connection URL with the password in it: a secret, as `user`."""

    @described(
        cluster=read.truth,
        node=read.matching(r"cache\.[a-z0-9-]+\.[a-z0-9]+", "a node type such as `cache.t4g.micro`"),
        replicas=read.whole(0, 5),
        shards=read.whole(1, 500),
        version=read.matching(r"[1-9]\.[0-9]", 'a Valkey version such as `"8.1"`'),
        backup_days=read.whole(0, 35),
        login=read.some_text,
    )
    def __init__(
        self,
        name: str,
        *,
        cluster: bool | None = None,
        node: str | None = None,
        replicas: int | None = None,
        shards: int | None = None,
        version: str | None = None,
        backup_days: int | None = None,
        login: str | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
        was: str | None = None,
    ) -> None:
        """Describe a cache.

        Args:
            name: how services ask for it: `klotho.config.datastores.get("sessions")`.
            cluster: True spreads the keys over shards; clients must speak cluster mode then. Default: False.
            node: ElastiCache node type, `"cache.t4g.micro"`. Default: `"cache.t4g.micro"`.
            replicas: copies of the node, or of each shard, in other zones that take over when it fails, 0 to 5.
                Default: 0.
            shards: how many there are with `cluster=True`, 1 to 500. Default: 2.
            version: the version of Valkey, `"8.1"`. Default: `"8.1"`.
            backup_days: how long daily snapshots are kept, 0 (none) to 35, as ElastiCache allows. Default: 1.
            login: how services log in: `"secret"`, a generated password in Secrets Manager; tokens of IAM are not
                supported here. Default: `"secret"`.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the id or ARN of a replication group to use as it is, never to change, as `Existing(…, secret=…)`;
                or by environment: `{"prod": "…"}`.
            was: the name it was deployed under, after a rename: it keeps its data. Default: it was not renamed.
        """
