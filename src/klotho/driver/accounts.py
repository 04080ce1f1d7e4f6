"""Accounts on AWS: made ready for deployments, and for those who deploy.

Input: a program and an environment of it. Output: the bootstrap stack, and a role that deploys this application there.
Refuses environments on this machine, which need none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from klotho.deploy import bootstrap, deployer_role
from klotho.deploy.deployer_role import Deployer, GitHub
from klotho.diagnostics import Failure
from klotho.driver import aws
from klotho.driver.build import Build, build
from klotho.driver.machine import runs_in_ci
from klotho.driver.permissions import deployer_policies, target_of
from klotho.driver.program import Program


@dataclass(frozen=True, slots=True)
class Ready:
    """An account and region that this application can be deployed to."""

    account: str
    region: str
    role: str
    """The ARN of the role that deploys it."""
    repositories: tuple[str, ...]
    """Whose workflows may take it on."""
    environment: str
    """As klotho.yaml names it."""
    used: bool
    """Whether klotho.yaml says to deploy with it."""


def bootstrap_account(
    program: Program,
    environment_name: str | None,
    consent: Callable[[str], bool],
    github: GitHub | None,
    say: Callable[[str], None],
) -> Ready:
    built = build(program, environment_name, in_ci=runs_in_ci())
    environment = built.environment
    if environment.target != "aws":
        raise Failure(
            "environment-local",
            f"the environment `{environment.name}` is on this machine and needs no bootstrap",
            at=environment.span,
            helps=("name one with `target: aws`: `klotho bootstrap --env NAME`",),
        )
    session = aws.session(environment)
    account = session.caller.account
    say(f"looking at {account}, {environment.region}")
    bootstrap.ensure(session.clients, session.calls, consent)
    deployer = deployer_of(built)
    said = replace(built, environment=replace(environment, account=account))
    policies = deployer_policies(said, target_of(said, every_owner=True)).documents
    made = deployer_role.ensure(session.calls, session.clients.place, deployer, policies, github, consent)
    role = deployer.role_arn(account)
    repositories = deployer_role.repositories_of(made)
    return Ready(account, built.region, role, repositories, deployer.environment, environment.role == role)


def deployer_of(built: Build) -> Deployer:
    """Whose role deploys this program; one for all users' or branches' environments of a name."""
    environment = built.environment
    name = environment.template or environment.name
    return Deployer(built.application.project, built.application.name, name, built.region)
