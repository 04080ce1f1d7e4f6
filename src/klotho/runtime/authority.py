"""Whose word on a database server's certificate counts: a file with certificate authorities (PEM).

On AWS the servers of RDS are vouched for by RDS's own authorities, which no system trusts by itself: they are in
`rds-ca.pem` beside this module. The variable `KLOTHO_DATABASE_CA` names another file; the local cloud sets it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

VARIABLE = "KLOTHO_DATABASE_CA"
BUNDLE = "rds-ca.pem"


def database_authorities() -> str:
    """The file that a SQL database's certificate is verified with."""
    # Not by pathlib, which cold starts would pay for.
    beside = os.path.dirname(__file__)  # noqa: PTH120
    return os.environ.get(VARIABLE) or os.path.join(beside, BUNDLE)  # noqa: PTH118


def cache_authorities() -> str:
    """The file for a cache's certificate; empty on AWS, where the authorities that systems trust vouch for it."""
    return os.environ.get(VARIABLE, "")


def database_context() -> ssl.SSLContext:
    """TLS to a SQL database: its certificate and its name are verified."""
    import ssl

    return ssl.create_default_context(cafile=database_authorities())
