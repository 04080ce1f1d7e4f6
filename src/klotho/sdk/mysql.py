"""`Databases.MySQL`: a MySQL database."""

from __future__ import annotations

from typing import Any

from klotho.sdk import readers as read
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

_read_version_text = read.matching(r"[1-9]\.[0-9]{1,2}(\.[0-9]{1,2})?", 'a MySQL version such as `"8.4"` or `"8.4.7"`')


def _read_version(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise read.wrong("text", value, "write it in quotes: 8.1 and 8.10 are the same number")
    return str(_read_version_text(value))


class MySQL(Construct):
    """A MySQL database, encrypted, with TLS only, and never reachable from outside; services reach it through verbs."""

    KIND = "Databases.MySQL"

    endpoint = OutputAttribute()
    """Its host name."""
    port = OutputAttribute()
    """Its TCP port, as text."""
    database = OutputAttribute()
    """The name of the database on the server."""
    secret_arn = OutputAttribute()
    """The ARN of the master user's secret, which no service may read; the ARN itself is no secret."""
    user = OutputAttribute(secret=True)
    """A secret: fetched by the service at run time, never written into `environment=`."""
    password = OutputAttribute(secret=True)
    """A secret, as `user`."""
    url = OutputAttribute(secret=True)
    """The connection URL with the password in it: a secret, as `user`."""

    @described(
        version=_read_version,
        storage_gb=read.whole(1, unit="GB"),
        instance=read.matching(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an RDS instance class such as `db.t4g.micro`"),
        backup_days=read.whole(0, 35),
        protect=read.truth,
        login=read.some_text,
    )
    def __init__(
        self,
        name: str,
        *,
        version: str | None = None,
        storage_gb: int | None = None,
        instance: str | None = None,
        backup_days: int | None = None,
        protect: bool | None = None,
        login: str | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
        was: str | None = None,
    ) -> None:
        """Describe a database.

        Args:
            name: how services ask for it: `klotho.config.datastores.get("orders_db")`.
            version: `"8.4"` or `"8.0"`; minor versions follow by themselves. Default: `"8.4"`.
            storage_gb: GB to start with; it grows when needed. Default: 20.
            instance: RDS instance class, `"db.t4g.micro"`. Default: `"db.t4g.micro"`.
            backup_days: how long automatic backups are kept, 0 (none) to 35, as RDS allows. Default: 7.
            protect: True refuses to delete or replace it. Default: False.
            login: how services log in: `"secret"`, a generated password in Secrets Manager; tokens of IAM are not
                supported here. Default: `"secret"`.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the identifier or ARN of an RDS instance, to use as it is, never to change; more is said as
                `Existing(…)`; or by environment: `{"prod": "…"}`.
            was: the name it was deployed under, after a rename: it keeps its data. Default: it was not renamed.
        """
