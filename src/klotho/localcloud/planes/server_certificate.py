"""Certificates of servers on this machine, so that clients verify them as they do on AWS.

Input: the local cloud's folder. Output: a certificate of this machine's own authority for 127.0.0.1 and localhost, and
what a program needs to trust it. Refuses nothing. Issued anew whenever a server starts, so nothing has to be renewed.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from klotho.localcloud.services.acm.authority import FOLDER, Authority, Issued
from klotho.runtime.authority import VARIABLE

_NAMES, _ADDRESSES = ("localhost",), ("127.0.0.1", "::1")


def authority(state: Path) -> Authority:
    """The one all local clouds of this user share."""
    return Authority(state.parent.parent / FOLDER)


def issue(state: Path) -> Issued:
    """A certificate for a server on this machine."""
    return authority(state).issue(_NAMES[0], addresses=_ADDRESSES)


def serving(state: Path) -> ssl.SSLContext:
    """TLS of a server, with a certificate of its own."""
    issued = issue(state)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor, path = tempfile.mkstemp(prefix="klotho-")  # for this user only; Python reads keys from files alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(issued.certificate + issued.key)
        context.load_cert_chain(path)
    finally:
        Path(path).unlink()
    return context


def trusting(state: Path) -> ssl.SSLContext:
    """TLS of a client: only servers of this machine's authority are believed."""
    return ssl.create_default_context(cafile=str(authority(state).certificate_file))


def trust(state: Path) -> dict[str, str]:
    """The variables by which a program trusts this machine's authority.

    The authority is made for it: a worker may be started while its database is still being made.
    Node takes more authorities only from the environment, and its clients of Redis take none from an address.
    """
    file = str(authority(state).ensure())
    return {VARIABLE: file, "NODE_EXTRA_CA_CERTS": file}
