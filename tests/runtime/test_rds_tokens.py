"""Tokens for databases: ours are botocore's, Node's are taken, and the provider uses one where it must."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import boto3
import pytest

from klotho.localcloud.service import Caller
from klotho.localcloud.sigv4_check import RawRequest, verify
from klotho.provider import work
from klotho.provider.role import Role, RoleError
from klotho.runtime.rds_token import rds_token

HOST, PORT, USER = "db.abc.eu-west-1.rds.amazonaws.com", 5432, "orders_1a2b"
LIBRARY = Path(work.__file__).parents[1] / "runtime" / "node" / "lib"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret/+", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize("session", [None, "token=="])
def test_a_token_is_the_one_that_botocore_makes(monkeypatch: pytest.MonkeyPatch, session: str | None) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SESSION_TOKEN", session or "")
    client = boto3.client(
        "rds", region_name="eu-west-1", aws_access_key_id="AKIA", aws_secret_access_key="secret/+",
        aws_session_token=session,
    )  # fmt: skip
    theirs = client.generate_db_auth_token(HOST, PORT, USER)
    ours = rds_token(HOST, PORT, USER, now=moment_of(theirs))
    assert parts(ours) == parts(theirs)


def moment_of(token: str) -> float:
    (stamp,) = parse_qs(token.partition("?")[2])["X-Amz-Date"]
    return datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%S%z").timestamp()


def parts(token: str) -> tuple[str, frozenset[str]]:
    """The order of what is signed is the signer's own."""
    address, _, query = token.partition("?")
    return address, frozenset(query.split("&"))


def test_node_makes_tokens_that_are_taken() -> None:
    node = shutil.which("node")
    assert node, "Node 18 or later must be on the PATH"
    script = f"require({str(LIBRARY / 'rds-token.js')!r}).rdsToken('{HOST}', {PORT}, '{USER}').then(console.log)"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, env={**os.environ, **KEYS}, check=True)
    address, _, query = done.stdout.strip().partition("/?")
    assert address == f"{HOST}:{PORT}" and query.startswith(f"Action=connect&DBUser={USER}&")
    caller = Caller("AKIA", "orders", "arn:aws:iam::000000000000:role/orders")
    request = RawRequest("GET", "/", query, {"host": address}, b"")
    signer, _ = verify(request, lambda key: ("secret/+", caller), presigned_for="rds-db")
    assert signer.caller is caller


def role(login: str = "iam", engine: str = "postgres") -> Role:
    told = {
        "Engine": engine, "Host": HOST, "Port": str(PORT), "Database": "orders", "Master": "arn:master",
        "Login": login, "User": USER, "Access": "read",
    }  # fmt: skip
    return Role.of(told)


class RefusedError(Exception):
    pass


def test_the_master_logs_in_by_a_token_where_its_password_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    made: list[str | None] = []

    @contextmanager
    def connected(role: Role, user: str, password: str) -> Iterator[str]:
        tried.append(password)
        if password == "hunter2":
            raise RefusedError({"C": "28000", "M": "PAM authentication failed"})
        yield user

    engine = work.ENGINES["postgres"]._replace(
        connected=connected, ensure=lambda connection, role, password: made.append(password)
    )
    monkeypatch.setattr(work, "ENGINES", {"postgres": engine})
    monkeypatch.setattr(work, "read_login", lambda secret, patience_s=0.0: work.Login("klotho", "hunter2"))
    monkeypatch.setattr(work, "rds_token", lambda host, port, user: f"token of {user} for {host}:{port}")
    work.make(role())
    assert tried == ["hunter2", f"token of klotho for {HOST}:{PORT}"] and made == [None]


def test_accounts_of_mysql_have_passwords() -> None:
    with pytest.raises(RoleError, match="log in by a password only"):
        role(engine="mysql")
