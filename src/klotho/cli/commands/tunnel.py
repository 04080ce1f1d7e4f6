"""`klotho tunnel DATABASE`."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

from klotho.cli.commands.exec import become
from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.driver import local_cloud
from klotho.driver.reach import databases, entry
from klotho.driver.reach.databases import Login, Tunnel
from klotho.driver.reach.forward import forwarded


def run(
    database: str,
    port: int | None,
    service: str | None,
    show_password: bool,
    program: Path,
    env: str | None,
    application: str | None,
    project: str | None,
    as_json: bool,
) -> int:
    console = Console(as_json)
    found = entry.opened(where_at(program, "klotho tunnel --program", application, project), env, "tunnel")
    show_notice(console, found.identity)
    tunnel = entry.tunnel(found, database, service)
    login = databases.login_of(found.session.clients, tunnel)
    if not isinstance(found.session, local_cloud.Session):
        near = port or tunnel.port
        command = entry.through(found, tunnel, near)
        _show(console, tunnel, near, login, show_password)
        become(command)
    if port is None:
        _show(console, tunnel, tunnel.port, login, show_password)
        return 0
    with forwarded(port, tunnel.host, tunnel.port) as near:
        _show(console, tunnel, near, login, show_password)
        with contextlib.suppress(KeyboardInterrupt):
            console.note("forwarding until Ctrl-C")
            signal.pause()
    return 0


def _show(console: Console, tunnel: Tunnel, port: int, login: Login | None, show_password: bool) -> None:
    shown = login if show_password else None
    user = login.user if login is not None else None
    url = tunnel.url(port, shown)
    if console.as_json:
        who = {"service": tunnel.service.name, "user": user, "kind": tunnel.kind, "database": tunnel.name}
        console.json({"ok": True, "url": url, "host": "127.0.0.1", "port": port, **who})
        return
    console.out(url)
    console.note(f"{tunnel.database} as {tunnel.service.name} sees it" + (f", user {user}" if user else ""))
    if login is not None and not show_password:
        console.note("the password: add `--show-password`")
    if tunnel.is_far:
        console.note("use TLS without checking the name (`sslmode=require`): the certificate names the far host")
