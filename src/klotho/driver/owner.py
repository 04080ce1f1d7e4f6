"""Whose environment is meant where each user or branch has one: the person at this machine, the branch checked out.

Input: the folder of a program, and the variables of CI services, which check out a commit and not a branch. Output: a
name. Refuses (`owner-unknown`) where nothing tells: no repository, or no branch.
"""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path
from typing import Literal

from klotho.diagnostics import ExitCode, Failure

_CI_BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH", "CIRCLE_BRANCH")
"""GitHub's own `GITHUB_HEAD_REF` is empty outside of pull requests."""


def owner_of(per: Literal["user", "branch"], folder: Path) -> str:
    """The user, or the branch."""
    return _user() if per == "user" else _branch(folder)


def _user() -> str:
    try:
        return os.environ.get("KLOTHO_USER") or getpass.getuser()
    except (KeyError, OSError):
        raise _unknown("no user name is known on this machine", "set KLOTHO_USER") from None


def _branch(folder: Path) -> str:
    for name in _CI_BRANCHES:
        if os.environ.get(name):
            return os.environ[name]
    try:
        done = subprocess.run(
            ["git", "symbolic-ref", "--short", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _unknown("git does not run here", "install git") from None
    if done.returncode != 0 or not done.stdout.strip():
        raise _unknown(f"{folder} is on no branch of a git repository", "check out a branch")
    return done.stdout.strip()


def _unknown(why: str, what: str) -> Failure:
    return Failure(
        "owner-unknown",
        f"whose environment is meant can't be told: {why}",
        helps=(what, "name the environment whole: `--env NAME-OWNER`"),
        exit_code=ExitCode.USAGE,
    )
