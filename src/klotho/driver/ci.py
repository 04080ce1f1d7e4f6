"""`klotho ci init`: the workflow of a repository, written where GitHub looks for it.

Input: a program and the environment that merges deploy to. Output: the file's path and what has to be done once in the
account. Refuses a folder outside of a git repository (`no-repository`), an environment on this machine
(`environment-local`), one without an account (`account-missing`), and a workflow that is there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.deployer_role import Deployer
from klotho.diagnostics import Failure
from klotho.driver.github_workflow import PATH, Plan, workflow
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.program import Program, with_region
from klotho.driver.settings import FILE_NAME, Environment


@dataclass(frozen=True, slots=True)
class Written:
    """What `ci init` did."""

    path: Path
    role: str
    environment: Environment
    branch_name: str | None = None
    """The environment of which each branch has one, as klotho.yaml names it."""
    branch_role: str | None = None


def write_workflow(program: Program, environment_name: str, main: str) -> Written:
    """Write the workflow that previews on pull requests and deploys `environment_name` from the branch `main`."""
    top = next((item for item in (program.folder, *program.folder.parents) if (item / ".git").exists()), None)
    if top is None:
        raise Failure("no-repository", f"{program.folder} is in no git repository", helps=("run `git init` first",))
    identity = identify(Where(program.folder), environment_name)
    environment = identity.environment
    _refuse(environment)
    branches = next((item for item in program.settings.environments.values() if item.per == "branch"), None)
    branches = with_region(branches, None) if branches is not None and branches.target == "aws" else None
    role = environment.role or _role(identity, environment)
    branch_role = _role(identity, branches) if branches is not None else None
    plan = Plan(environment, role, program.folder.relative_to(top).as_posix(), main, branches, branch_role)
    path = top / PATH
    if path.exists():
        raise Failure(
            "would-overwrite",
            f"{PATH} is here already, and `ci init` overwrites nothing",
            helps=("remove it first to have it written anew",),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(workflow(plan), encoding="utf-8")
    return Written(path, role, environment, branches.name if branches else None, branch_role)


def _role(identity: Identity, environment: Environment) -> str:
    """The role that `klotho bootstrap` makes for this application and environment."""
    account = environment.account or identity.environment.account
    assert account is not None and environment.region is not None
    name = environment.template or environment.name
    return Deployer(identity.project, identity.application, name, environment.region).role_arn(account)


def _refuse(environment: Environment) -> None:
    if environment.target != "aws":
        raise Failure(
            "environment-local",
            f"the environment `{environment.name}` is on this machine, where no workflow can deploy to",
            at=environment.span,
            helps=("name one with `target: aws`: `klotho ci init --env NAME`",),
        )
    if environment.account is None:
        raise Failure(
            "account-missing",
            f"the environment `{environment.name}` does not say in which account it is",
            at=environment.span,
            notes=("the role that the workflow takes on is named by its account",),
            helps=(f'add `account: "123456789012"` to it in {FILE_NAME}',),
        )
