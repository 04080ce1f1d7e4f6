"""`klotho.Existing`: infrastructure that is there already, with what its id alone does not tell.

Input: an ARN or name and, for some kinds, facts; which kind takes which is declared in its kind file of the catalogue,
which refuses the others. Output: a value for `existing=`. Refuses what can't be such a fact at all.
"""

from __future__ import annotations

from typing import Any

from klotho.application import Existing as Model
from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.names import Refusing
from klotho.sdk.statements import statement

_read_secret = read.matching(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+",
    "the ARN of a secret in Secrets Manager",
)
_read_group = read.matching(r"sg-[0-9a-f]{8,17}", "the id of a security group such as `sg-0a1b2c3d4e5f60718`")
_read_url = read.matching(r"https?://[A-Za-z0-9.:-]+(/[^\s?#]*)?", "an address such as `http://pdf.internal:8080`")
_read_host = read.matching(r"[A-Za-z0-9.-]+", "a host name")
_read_path = read.matching(r"[A-Za-z0-9$.+!*'()_/-]{1,300}", "a path such as `v2`, without a slash in front")


def _keep(existing: Existing, arguments: Arguments) -> None:
    """What is right of it; a mistake is reported already, and an id that says nothing is never looked at."""
    facts = {name: value for name, value in arguments.values.items() if name != "id"}
    identifier = "" if arguments.complained else arguments.values.get("id", "")
    existing._model = Model(identifier, facts if identifier else {})


class Existing(Refusing):
    """Something that is there already, for `existing=`: its id, and what its id does not tell."""

    _spoken = "what is Existing"
    _model = Model("")

    @statement(
        _keep,
        "klotho.Existing",
        id=read.some_text,
        endpoint=_read_host,
        port=read.whole(1, 65535),
        database=read.some_text,
        admin_secret=_read_secret,
        secret=_read_secret,
        read_secret=_read_secret,
        tls=read.truth,
        url=_read_url,
        grpc=read.matching(r"[A-Za-z0-9.-]+:\d{1,5}", "an address such as `pdf.internal:50051`"),
        security_group=_read_group,
        ingress=read.truth,
        discovery=read.matching(
            r"arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:\d{12}:service/srv-[a-z0-9]+",
            "the ARN of a service in Cloud Map",
        ),
        client=read.some_text,
        path=_read_path,
        priority=read.whole(1, 50_000),
    )
    def __init__(
        self,
        id: str,
        *,
        endpoint: str | None = None,
        port: int | None = None,
        database: str | None = None,
        admin_secret: str | None = None,
        secret: str | None = None,
        read_secret: str | None = None,
        tls: bool | None = None,
        url: str | None = None,
        grpc: str | None = None,
        security_group: str | None = None,
        ingress: bool | None = None,
        discovery: str | None = None,
        client: str | None = None,
        path: str | None = None,
        priority: int | None = None,
    ) -> None:
        """Name what is there already. What is left out is looked up at deployment where that can be done.

        Args:
            id: its ARN or name.
            endpoint: its host name (databases, private APIs, sites). Default: looked up.
            port: its TCP port (databases, private APIs, containers behind an API). Default: looked up; 80 for a private
                API.
            database: the database on the server (SQL). Default: the one it was made with, looked up.
            admin_secret: the ARN of the secret of a user who may make users (SQL): JSON with `username` and
                `password`. Default: the master user's secret that RDS manages, looked up.
            secret: the ARN of the secret with the login that who uses it gets (Redis).
            read_secret: another login for those who only read (Redis).
            tls: whether it speaks TLS (Redis). Default: True.
            url: where it is called over HTTP (containers, private APIs). Default: for a private API `http://` and what
                is looked up.
            grpc: `host:port`, where it is called over gRPC (containers).
            security_group: the group that lets its callers in. Default: its own first one, looked up.
            ingress: False makes no rule for callers in that group: it lets them in by itself, and without an existing
                `Network` is reached over the internet. Default: True; the rules are resources of this application.
            discovery: the ARN of its service in Cloud Map, by which APIs reach it (containers). Default: looked up.
            client: the id of an app client (user pools). Default: this application makes one of its own in the pool.
            path: the part of the domain's paths that leads here (domains). Default: all.
            priority: the first priority of its listener's rules that is free (private APIs). Default: 1.
        """


def read_one(value: Any) -> Model:
    """An ARN or name, or an `Existing`."""
    if isinstance(value, Existing):
        return value._model
    return Model(read.some_text(value))
