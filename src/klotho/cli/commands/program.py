"""Finds the program a command is about and shows its mistakes with its own lines.

Input: the PATH of a command. Output: a `Program`. Refuses what `find_program` refuses.
"""

from __future__ import annotations

from pathlib import Path

from klotho.cli.console import show_paths_from
from klotho.driver.program import Program, find_program


def program_at(path: Path) -> Program:
    found = find_program(path)
    show_paths_from(found.folder)
    return found
