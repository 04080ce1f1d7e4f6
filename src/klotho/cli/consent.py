"""Asks the person before something is done to an account on AWS, before data go, before another application is broken,
and whether a rename is one.

Input: a console. Output: a `Consent` for the deployer. Refuses to go on, with exit 2, where nobody can be asked. What
only a person can say, scripts say by `--delete-data NAME`, `--move OLD=NEW` and `--allow-breaking APPLICATION`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from klotho.cli.console import Console
from klotho.cli.preview_page import Page
from klotho.cli.progress import Pausable
from klotho.deploy.data_loss import Agreed, ConsentNeeded
from klotho.deploy.preview import Preview
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.build import Build
from klotho.driver.deployment import Consent
from klotho.driver.projects import BreakingNeeded


class Asked:
    """Questions at the terminal; progress stands still while one is open."""

    def __init__(self, console: Console, progress: Pausable) -> None:
        self._console = console
        self._progress = progress

    @property
    def consent(self) -> Consent:
        return Consent(self._bootstrap, self._deploy)

    def _bootstrap(self, question: str) -> bool:
        return self._yes(question, "")

    def _deploy(self, built: Build, found: Preview) -> bool:
        with self._progress.paused():
            for line in Page(found, built.spans, self._console.paint_out).lines():
                self._console.out(line)
        return self._yes(f"Deploy this to {built.environment.name}?", "`klotho preview` shows it without asking")

    def _yes(self, question: str, see: str) -> bool:
        return _answered(self._console, self._progress, question, see)


def moves_given(options: list[str]) -> dict[str, str]:
    """New names by former ones, from `--move OLD=NEW`."""
    found: dict[str, str] = {}
    for option in options:
        old, equals, new = option.partition("=")
        if old and old == new:
            raise Failure(
                "usage",
                f"`--move {option}`: a name and itself are no rename",
                helps=("write the former name first, then the new one: `--move orders_db=order_db`",),
                exit_code=ExitCode.USAGE,
            )
        if not (old and equals and new):
            raise Failure(
                "usage",
                f"`--move {option}` does not say what became what",
                helps=("write the former name, `=`, and the new one: `--move orders_db=order_db`",),
                exit_code=ExitCode.USAGE,
            )
        found[old] = new
    return found


def ask_about_data(console: Console, needed: ConsentNeeded, given: Agreed) -> Agreed:
    """What is agreed to now, asked where no progress is shown; Failure (`cancelled`) when the answer is no."""
    for rename in needed.renames:
        console.note(f"{rename.old} is gone and {rename.new} is new, and {rename.new} can keep its data.")
        if _typed(f"Is {rename.new} the new name of {rename.old}? [y/N] ").casefold() in ("y", "yes"):
            return replace(given, moves={**given.moves, rename.old: rename.new})
    for line in (str(needed), *needed.diagnostic.notes):
        console.note(line)
    for name in needed.names:
        console.note(f"The data of {name} would be deleted for good.")
        if _typed(f"Type {name} to go on: ") != name:
            raise Failure("cancelled", "nothing was deleted", exit_code=ExitCode.CANCELLED)
    return replace(given, delete=given.delete | set(needed.names))


def ask_about_breaking(console: Console, needed: BreakingNeeded, folder: Path, given: frozenset[str]) -> frozenset[str]:
    """The applications that may be broken now; Failure (`cancelled`) when a name is not typed."""
    console.diagnostics(needed.diagnostics, folder)
    for name in needed.names:
        if _typed(f"Type {name} to break it: ") != name:
            raise Failure("cancelled", "nothing was changed", exit_code=ExitCode.CANCELLED)
    return given | set(needed.names)


def _typed(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def agree(console: Console, progress: Pausable, question: str, see: str = "") -> None:
    """Failure (`not-agreed`) when the person says no. `see`: where one may look before saying yes."""
    if not _answered(console, progress, question, see):
        raise Failure("not-agreed", "nothing was changed", exit_code=ExitCode.CANCELLED)


def _answered(console: Console, progress: Pausable, question: str, see: str) -> bool:
    if not console.interactive:
        raise Failure(
            "consent-needed",
            "this needs your consent, and there is no terminal to ask at",
            notes=(question,),
            helps=("add `--yes` to agree", see),
            exit_code=ExitCode.USAGE,
        )
    with progress.paused():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().casefold() in ("y", "yes")
