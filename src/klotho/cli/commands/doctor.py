"""`klotho doctor`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.console import Console, show_paths_from
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.doctor import examine

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def run(path: Path, env: str | None, as_json: bool) -> int:
    """Exits 1 when something needed is missing: here, or in the environment `env`."""
    console = Console(as_json)
    if not path.exists():
        raise Failure("program-missing", f"there is no folder `{path}`", exit_code=ExitCode.NOT_FOUND)
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    show_paths_from(folder)
    found = examine(folder, env)
    failed = any(check.result == "fail" for check in found)
    if as_json:
        console.json({"ok": not failed, "checks": [check.to_json() for check in found]})
        return ExitCode.ERROR if failed else ExitCode.OK
    width = max(len(check.name) for check in found)
    for check in found:
        word = console.paint_out(check.result.ljust(4), _STYLES[check.result])
        console.out(f"{word}  {check.name.ljust(width)}  {check.found}")
        if check.advice:
            console.out(f"      {' ' * width}  {check.advice}")
    return ExitCode.ERROR if failed else ExitCode.OK
