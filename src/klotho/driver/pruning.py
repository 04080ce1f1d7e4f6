"""Removes environments that were never meant to stay.

Input: an identity, or a program whose klotho.yaml has environments with a `ttl`. Output: what was removed. Refuses
(`environment-lasting`) environments that klotho.yaml does not say are short-lived: their data takes typed consent.
"""

from __future__ import annotations

from dataclasses import replace

from klotho.deploy.events import Sink
from klotho.diagnostics import Failure
from klotho.driver import aws, takedown
from klotho.driver.environments import configured, expired, forget_note
from klotho.driver.identity import Identity
from klotho.driver.machine import now_ms
from klotho.driver.program import Program
from klotho.driver.settings import Environment


def refuse_lasting(environment: Environment) -> None:
    if environment.template is None and environment.ttl_seconds is None:
        raise Failure(
            "environment-lasting",
            f"klotho.yaml does not say that the environment `{environment.name}` is short-lived",
            at=environment.span,
            notes=("only environments with `per:` or `ttl:` are removed with their data by one word",),
            helps=(f"run `klotho down --env {environment.name} --delete-data APPLICATION`",),
        )


def removed(identity: Identity, sink: Sink, *, overdue: bool = False) -> takedown.DownResult:
    """Take the application out of the environment, with its data.

    `overdue`: the environment's time is up, so that others which use it are no hindrance.
    """
    result = takedown.delete(identity, sink, take_over=True, breaking=None if overdue else frozenset())
    if identity.environment.target == "aws" and result.deployment is None:
        # Taken down by hand already: the note alone is left.
        session = aws.session(identity.environment)
        forget_note(session.clients, identity.project, identity.environment.name, identity.application)
    return result


def due_for_removal(program: Program, project: str) -> list[Identity]:
    """The applications that have outlived their environment's time."""
    found = []
    for environment in configured(program):
        if environment.target != "aws" or environment.ttl_seconds is None:
            continue
        session = aws.session(environment)
        for note in expired(session.clients, project, environment, now_ms()):
            mine = replace(environment, name=note.environment, template=environment.name, per=None)
            found.append(Identity(note.application, project, mine, program.folder))
    return found
