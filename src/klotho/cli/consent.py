"""Asks the person before something is done to an account on AWS.

Input: a console. Output: a `Consent` for the deployer. Refuses to go on, with exit 2, where nobody can be asked.
"""

from __future__ import annotations

import sys

from klotho.cli.console import Console
from klotho.cli.preview_page import Page
from klotho.cli.progress import Pausable
from klotho.deploy.preview import Preview
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.build import Build
from klotho.driver.deployment import Consent


class Asked:
    """Questions at the terminal; progress stands still while one is open."""

    def __init__(self, console: Console, progress: Pausable) -> None:
        self._console = console
        self._progress = progress

    @property
    def consent(self) -> Consent:
        return Consent(self._bootstrap, self._deploy)

    def _bootstrap(self, question: str) -> bool:
        return self._yes(question)

    def _deploy(self, built: Build, found: Preview) -> bool:
        with self._progress.paused():
            for line in Page(found, built.spans, self._console.paint_out).lines():
                self._console.out(line)
        return self._yes(f"Deploy this to {built.environment.name}?")

    def _yes(self, question: str) -> bool:
        return _answered(self._console, self._progress, question)


def agree(console: Console, progress: Pausable, question: str) -> None:
    """Failure (`not-agreed`) when the person says no."""
    if not _answered(console, progress, question):
        raise Failure("not-agreed", "nothing was changed", exit_code=ExitCode.CANCELLED)


def _answered(console: Console, progress: Pausable, question: str) -> bool:
    if not console.interactive:
        raise Failure(
            "consent-needed",
            "this needs your consent, and there is no terminal to ask at",
            notes=(question,),
            helps=("add `--yes` to agree", "`klotho preview` shows what would happen"),
            exit_code=ExitCode.USAGE,
        )
    with progress.paused():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().casefold() in ("y", "yes")
