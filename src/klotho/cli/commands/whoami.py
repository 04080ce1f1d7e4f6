"""`klotho whoami`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import where_at
from klotho.cli.console import Console
from klotho.driver.whoami import who_am_i


def run(path: Path, env: str | None, application: str | None, project: str | None, as_json: bool) -> None:
    console = Console(as_json)
    found = who_am_i(where_at(path, "klotho whoami", application, project), env)
    if as_json:
        console.json({"ok": True, **found.to_json()})
        return
    where = "this machine" if found.target == "local" else "AWS"
    console.table(
        [
            ("identity", found.identity),
            ("account", found.account),
            ("region", found.region),
            ("environment", f"{found.environment} ({where}{', protected' if found.protected else ''})"),
            ("project", found.project),
            ("application", found.application),
            ("state", found.state),
            *([("profile", found.profile)] if found.profile else []),
        ]
    )
