"""Finds what a command is about and shows its mistakes with its own lines.

Input: the PATH of a command, for some its `--app` and `--project`. Output: a `Program`, or a `Where` for commands that
work without one. Refuses what `find_program` refuses.
"""

from __future__ import annotations

from pathlib import Path

from klotho.cli.console import Console, show_paths_from
from klotho.driver.identity import Identity, Where
from klotho.driver.program import Program, find_program


def program_at(path: Path, command: str) -> Program:
    """`command`: what was run, as far as a path can follow it, for example `klotho logs --program`."""
    found = find_program(path, command)
    show_paths_from(found.folder)
    return found


def where_at(path: Path, command: str, application: str | None, project: str | None) -> Where:
    """What a command is about that works without its program, too."""
    where = Where(path, command, application, project)
    show_paths_from(where.folder)
    return where


def show_notice(console: Console, identity: Identity) -> None:
    """Says where the names come from when it is not the program."""
    if identity.notice:
        console.note(identity.notice)
