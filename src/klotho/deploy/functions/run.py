"""Runs the installers and bundlers of other people, and says what they said when they fail.

Input: a command. Output: what it printed. Refuses (`Failure`, `dependencies-not-installed`) one that fails or does not
end; its own last lines are the notes. No shell runs it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from klotho.diagnostics import Failure, Span

Log = Callable[[str], None]

INSTALL_SECONDS = 600.0
"""An installer that takes longer hangs."""
_LAST_LINES = 12


def uv() -> str:
    """The `uv` that came with Klotho."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise Failure(
            "installer-missing",
            "this function has Python packages, and the `uv` that comes with Klotho is not there",
            helps=("install klotho again: `pip install --force-reinstall klotho uv`",),
        ) from error


def on_path(program: str, wanted_by: str, *, helps: str, at: Span | None = None) -> str:
    """A program's path; Failure (`installer-missing`) that says how to get it."""
    found = shutil.which(program)
    if found is None:
        message = f"{wanted_by}, but `{program}` is not on this machine"
        raise Failure("installer-missing", message, at=at, helps=(helps,))
    return found


def output_of(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command printed, whether it worked or not."""
    try:
        return subprocess.run(
            command, cwd=folder, env=None if environment is None else dict(environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Failure(
            "dependencies-not-installed",
            f"`{Path(command[0]).name}` took longer than {INSTALL_SECONDS:.0f} s and was stopped",
        ) from error


def last_lines(done: subprocess.CompletedProcess[str]) -> tuple[str, ...]:
    said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return tuple(said[-_LAST_LINES:])


def run_installer(command: list[str], folder: Path, log: Log, environment: Mapping[str, str] | None = None) -> None:
    """Failure in the installer's own words when it fails."""
    log(f"running {Path(command[0]).name} {command[1]}")
    done = output_of(command, folder, environment)
    if done.returncode:
        raise Failure(
            "dependencies-not-installed",
            f"`{Path(command[0]).name}` could not install the function's dependencies",
            notes=last_lines(done),
        )
