"""Passwords of IAM for databases: host, port and user in, a token that is good for 15 minutes of connecting out.

Made here, without a call: a presigned request of `rds-db`. Raises CredentialsError or ConfigError where credentials or
the region are missing. Rules as in
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
"""

from __future__ import annotations

import os

from klotho.runtime import credentials
from klotho.runtime.errors import ConfigError
from klotho.runtime.sigv4 import presign

SECONDS = 900


def rds_token(host: str, port: int, user: str, *, now: float | None = None) -> str:
    """For this process's role, in its own region."""
    from urllib.parse import quote

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigError(f"no token for {user} can be made: AWS_REGION says no region")
    keys = credentials.current()
    url = presign(
        "GET", f"https://{host}:{port}/?Action=connect&DBUser={quote(user, safe='-_.~')}", {}, region=region,
        access_key=keys.access_key, secret_key=keys.secret_key, session_token=keys.session_token, expires=SECONDS,
        service="rds-db", now=now,
    )  # fmt: skip
    return url.removeprefix("https://")
