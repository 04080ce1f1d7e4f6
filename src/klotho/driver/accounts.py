"""Accounts on AWS: made ready for deployments.

Input: a program and an environment of it. Output: the bootstrap stack as it is then. Refuses environments on this
machine, which need none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klotho.deploy import bootstrap
from klotho.deploy.stacks import DeployedStack
from klotho.diagnostics import Failure
from klotho.driver import aws
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program, choose_environment, with_region


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """An account and region that deployments can go to."""

    stack: DeployedStack
    account: str
    region: str

    @property
    def repositories(self) -> list[str]:
        """Whose workflows may deploy."""
        known = bootstrap.github_of(self.stack)
        return list(known.repositories) if known else []


def bootstrap_account(
    program: Program,
    environment_name: str | None,
    consent: Callable[[str], bool],
    github: bootstrap.GitHub | None,
    say: Callable[[str], None],
) -> Bootstrapped:
    environment = with_region(choose_environment(program, environment_name, None, runs_in_ci()), None)
    if environment.target != "aws":
        raise Failure(
            "environment-local",
            f"the environment `{environment.name}` is on this machine and needs no bootstrap",
            at=environment.span,
            helps=("name one with `target: aws`: `klotho bootstrap --env NAME`",),
        )
    session = aws.session(environment)
    say(f"looking at {session.caller.account}, {environment.region}")
    stack = bootstrap.ensure(session.clients, session.calls, consent, github)
    assert environment.region is not None
    return Bootstrapped(stack, session.caller.account, environment.region)
