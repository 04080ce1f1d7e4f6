"""`klotho unlock`."""

from __future__ import annotations

import sys
from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.deploy.lease.lease import shown_age
from klotho.diagnostics import ExitCode, Failure
from klotho.driver import unlocking
from klotho.driver.identity import Identity, identify
from klotho.driver.machine import now_ms


def run(path: Path, env: str | None, force: bool, application: str | None, project: str | None, as_json: bool) -> int:
    console = Console(as_json)
    identity = identify(where_at(path, "klotho unlock", application, project), env)
    show_notice(console, identity)
    room, timing = unlocking.room_of(identity)
    found = unlocking.find(identity, room, timing)
    for lease in found:
        console.note(_said(lease))
    living = [lease for lease in found if lease.alive]
    if living:
        _consent(console, identity, living[0], force)
    removed = [lease for lease in found if unlocking.remove(lease, room)]
    if as_json:
        console.json({"ok": True, "removed": [_json(lease) for lease in removed]})
    else:
        console.note("removed: the next command can begin" if removed else "nothing is locked")
    return ExitCode.OK


def _said(lease: unlocking.Found) -> str:
    by = lease.claim.by
    state = "renews it" if lease.alive else "does not renew it any more"
    return f"{lease.what}: held by {lease.claim.who()} for {shown_age(_age(lease))} by `{by.command}`, which {state}"


def _age(lease: unlocking.Found) -> int:
    return max(0, now_ms() - lease.claim.by.begun) // 1000


def _json(lease: unlocking.Found) -> dict[str, object]:
    by = lease.claim.by
    known = {"holder": by.holder, "host": by.host, "pid": by.pid, "command": by.command}
    return {"lease": lease.name, **known, "age_seconds": _age(lease), "alive": lease.alive}


def _consent(console: Console, identity: Identity, lease: unlocking.Found, force: bool) -> None:
    """A lease that lives goes only when a person types what it is on; no flag says it for them."""
    word = identity.application
    if not force or not console.interactive:
        raise Failure(
            "lease-alive",
            f"{lease.what} is being changed by {lease.claim.who()}",
            notes=(f"its heartbeat goes on; `{lease.claim.by.command}` is working",),
            helps=(
                "wait until it has ended, or end it where it runs",
                "`klotho unlock --force` at a terminal takes the lease away all the same",
            ),
            exit_code=ExitCode.LOCKED,
        )
    console.note("That run will stop before its next write and leave things half done.")
    sys.stderr.write(f"Type {word} to take its lease away: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != word:
        raise Failure("cancelled", "the lease was left where it is", exit_code=ExitCode.CANCELLED)
