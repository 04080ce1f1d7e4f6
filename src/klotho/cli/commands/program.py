"""Finds the program a command is about and shows its mistakes with its own lines.

Input: the PATH of a command. Output: a `Program`. Refuses what `find_program` refuses.
"""

from __future__ import annotations

from pathlib import Path

from klotho.cli.console import show_paths_from
from klotho.driver.program import Program, find_program


def program_at(path: Path, command: str) -> Program:
    """`command`: what was run, as far as a path can follow it, for example `klotho logs --program`."""
    found = find_program(path, command)
    show_paths_from(found.folder)
    return found
