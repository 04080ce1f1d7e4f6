"""`klotho exec SERVICE -- CMD...` and `klotho shell SERVICE`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.console import Console
from klotho.cli.streams import flush_data
from klotho.driver.access import Access
from klotho.driver.reach import entry
from klotho.driver.reach.local import Command


def run(
    service: str,
    words: Sequence[str] | None,
    program: Path,
    env: str | None,
    application: str | None,
    project: str | None,
) -> int:
    """Becomes the command, so that its exit code and every signal are its own. `words` is None for a shell."""
    name: Access = "shell" if words is None else "exec"
    found = entry.opened(where_at(program, f"klotho {name} --program", application, project), env, name)
    show_notice(Console(), found.identity)
    become(entry.command(found, service, words))
    raise AssertionError("this process is another program now")  # pragma: no cover


def become(command: Command) -> None:
    flush_data()
    if command.folder is not None:
        os.chdir(command.folder)
    os.execve(command.arguments[0], command.arguments, dict(command.variables))
