"""`exec`, `shell` and `tunnel` against a real local cloud with a database."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from klotho.localcloud import connect
from tests.localcloud.dev.dev_harness import Shop

pytestmark = pytest.mark.localcloud

FILES = {
    "infra.py": """\
import klotho
from klotho import Compute, Databases
klotho.Application("shop")
users = Databases.Postgres(name="users_db")
orders = Compute.Function(name="orders", handler="orders.handler")
orders.read_writes_to(users)
report = Compute.Container(name="report", context="report")
report.reads_from(users)
""",
    "orders.py": "def handler(event, context):\n    return 'orders'\n",
    "requirements.txt": "pg8000==1.31.6\n",
    "report/Dockerfile": """\
FROM python:3.12-slim
WORKDIR /app
RUN pip install pg8000==1.31.6
COPY . .
CMD python -m http.server $PORT --bind 127.0.0.1
""",
    "report/marker.txt": "here\n",
    "migrate.py": """\
import sys
import klotho, pg8000.native
users = klotho.config.datastores.get("users_db")
connection = pg8000.native.Connection(
    users.user, host=users.host, port=users.port, database=users.dbname, password=users.password
)
print(connection.run(sys.argv[1]) or "done")
""",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    found = Shop(tmp_path_factory.mktemp("reach"), FILES)
    found.json("up")
    yield found
    connect.stop_any(found.state)


def run(shop: Shop, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command that becomes another program, which may well show a traceback of its own."""
    stdin = more.pop("stdin", "")
    return subprocess.run(
        [sys.executable, "-m", "klotho.cli", *arguments],
        cwd=shop.folder, env={**shop.environment, **more}, input=stdin, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_a_migration_runs_here_as_the_service_that_may_write(shop: Shop) -> None:
    for statement in ("create table carts (id int)", "insert into carts values (7)"):
        done = run(shop, "exec", "orders", "--", "python3", "migrate.py", statement)
        assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr


def test_a_service_that_may_only_read_can_do_no_more_through_exec(shop: Shop) -> None:
    done = run(shop, "exec", "report", "--", "python", "migrate.py", "select id from carts")
    assert (done.returncode, done.stdout.strip()) == (0, "[[7]]"), done.stderr
    refused = run(shop, "exec", "report", "--", "python", "migrate.py", "delete from carts")
    assert refused.returncode == 1
    assert "permission denied for table carts" in refused.stderr


def test_the_exit_code_is_that_of_the_command_and_the_persons_identity_is_left_out(shop: Shop) -> None:
    done = run(shop, "exec", "orders", "--", "sh", "-c", "env; exit 7", AWS_PROFILE="mine", MY_OWN="1")
    assert done.returncode == 7
    assert "KLOTHO_UNIT=orders" in done.stdout and "MY_OWN=1" in done.stdout
    assert "AWS_PROFILE" not in done.stdout


def test_a_shell_stands_where_the_service_runs(shop: Shop) -> None:
    done = run(shop, "shell", "report", SHELL="/bin/sh", stdin="cat marker.txt; echo $KLOTHO_UNIT; exit 3\n")
    assert (done.returncode, done.stdout) == (3, "here\nreport\n"), done.stderr


def test_unknown_services_programs_and_databases_are_named_with_the_nearest(shop: Shop) -> None:
    for arguments, said in (
        (("exec", "oders", "--", "true"), "did you mean `orders`?"),
        (("exec", "orders", "--", "no-such-program"), "error[command-missing]"),
        (("tunnel", "user_db"), "did you mean `users_db`?"),
        (("tunnel", "users_db", "--as", "nobody"), "it is used by `orders` and `report`"),
    ):
        done = shop.klotho(*arguments)
        assert done.returncode == 6 and said in done.stderr, done.stderr


def test_a_tunnel_shows_the_password_only_when_asked_and_has_the_rights_of_its_service(shop: Shop) -> None:
    import pg8000.native

    plain = shop.json("tunnel", "users_db")
    assert (plain["service"], plain["kind"]) == ("report", "Databases.Postgres")
    assert "@" not in plain["url"]
    found = shop.json("tunnel", "users_db", "--as", "orders", "--show-password")
    user, password = found["url"].removeprefix("postgresql://").rpartition("@")[0].split(":")
    connection = pg8000.native.Connection(
        unquote(user), host=found["host"], port=found["port"], database=found["database"], password=unquote(password)
    )
    assert connection.run("select id from carts") == [[7]]
    connection.close()


def test_a_tunnel_with_a_port_forwards_until_ctrl_c(shop: Shop) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "klotho.cli", "tunnel", "users_db", "--port", str(port), "--json"],
        cwd=shop.folder, env=shop.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        assert process.stderr.readline() == "forwarding until Ctrl-C\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as far:
            far.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")  # SSLRequest: PostgreSQL answers with one letter
            assert far.recv(1) in (b"N", b"S")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert json.loads(process.stdout.read())["port"] == port


@pytest.mark.parametrize("command", [("exec", "orders", "--", "true"), ("shell", "orders"), ("tunnel", "users_db")])
def test_protected_environments_refuse_it_unless_they_allow_it(shop: Shop, command: tuple[str, ...]) -> None:
    settings = shop.folder / "klotho.yaml"
    try:
        settings.write_text("environments:\n  local:\n    protect: true\n")
        done = shop.klotho(*command)
        assert done.returncode == 5
        assert f"`klotho {command[0]}` is refused" in done.stderr and "klotho.yaml:2" in done.stderr
        settings.write_text(f"environments:\n  local:\n    protect: true\n    allow: [{command[0]}]\n")
        assert shop.klotho(*command).returncode == 0
    finally:
        settings.unlink()
