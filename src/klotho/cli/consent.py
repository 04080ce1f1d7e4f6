"""Asks a person for what only a person can say: that data may go, or that a construct has a new name.

Input: what `up` refused. Output: a `Consent` that holds the answers. In scripts nobody is asked: the same is said by
`--delete-data NAME` and `--move OLD=NEW`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from klotho.cli.console import Console
from klotho.deploy.data_loss import Consent, ConsentNeeded
from klotho.diagnostics import ExitCode, Failure


def moves_given(options: list[str]) -> dict[str, str]:
    """New names by former ones, from `--move OLD=NEW`."""
    found: dict[str, str] = {}
    for option in options:
        old, equals, new = option.partition("=")
        if not (old and equals and new):
            raise Failure(
                "usage",
                f"`--move {option}` does not say what became what",
                helps=("write the former name, `=`, and the new one: `--move orders_db=order_db`",),
                exit_code=ExitCode.USAGE,
            )
        found[old] = new
    return found


def ask(console: Console, needed: ConsentNeeded, given: Consent) -> Consent:
    """What is agreed to now; Failure (`cancelled`) when the answer is no."""
    for rename in needed.renames:
        question = f"{rename.old} is gone and {rename.new} is new, and {rename.new} can keep its data."
        if _answer(console, question, f"Is {rename.new} the new name of {rename.old}? [y/N] ").lower() in ("y", "yes"):
            return replace(given, moves={**given.moves, rename.old: rename.new})
    for line in (str(needed), *needed.diagnostic.notes):
        console.note(line)
    for name in needed.names:
        if _answer(console, f"The data of {name} would be deleted for good.", f"Type {name} to go on: ") != name:
            raise Failure("cancelled", "nothing was deleted", exit_code=ExitCode.CANCELLED)
    return replace(given, delete=given.delete | set(needed.names))


def _answer(console: Console, said: str, question: str) -> str:
    console.note(said)
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
