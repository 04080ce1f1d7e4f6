"""`klotho init [NAME]`: writes a small application that `klotho up` runs. Refuses to overwrite anything."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from klotho.cli.console import Console
from klotho.cli.starter import starter_files
from klotho.diagnostics import ExitCode, Failure, one_of


def run(name: str, environment: str | None, as_json: bool) -> None:
    console = Console(as_json)
    folder = Path(name)
    files = starter_files(_application_name(folder.resolve().name))
    if folder.exists() and not folder.is_dir():
        raise Failure("would-overwrite", f"`{name}` is a file", helps=("choose another name",))
    taken = [path for path in files if (folder / path).exists()]
    if taken:
        raise Failure(
            "would-overwrite",
            f"{one_of(taken)} {'is' if len(taken) == 1 else 'are'} here already, and `init` overwrites nothing",
            helps=("run `klotho init NAME` to make a new folder", "run `klotho up` to bring up what is here"),
            exit_code=ExitCode.ERROR,
        )
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    if as_json:
        console.json({"ok": True, "folder": str(folder.resolve()), "files": sorted(files)})
        return
    for path in sorted(files):
        console.out(str(folder / path))
    go = "" if folder == Path() else f"cd {shlex.quote(name)} && "
    where = f" --env {shlex.quote(environment)}" if environment else ""
    console.note(f"next: `{go}klotho up{where}`")


def _application_name(folder: str) -> str:
    """The folder's name as an application's: letters, digits and hyphens, from a letter."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", folder).strip("-").lower()
    return plain if plain[:1].isalpha() else f"app-{plain}".rstrip("-")
