"""`klotho ci init`: the workflow of a repository, written where GitHub looks for it.

Input: a program and the environment that merges deploy to. Output: the file's path and what has to be done once in the
account. Refuses a folder outside of a git repository (`no-repository`), an environment on this machine
(`environment-local`), one without an account (`account-missing`), and a workflow that is there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.bootstrap import deploy_role_arn
from klotho.diagnostics import Failure
from klotho.driver.github_workflow import PATH, Plan, workflow
from klotho.driver.program import Program, with_region
from klotho.driver.settings import FILE_NAME, Environment


@dataclass(frozen=True, slots=True)
class Written:
    """What `ci init` did."""

    path: Path
    role: str
    environment: Environment
    branch_environment: Environment | None


def write_workflow(program: Program, environment_name: str, main: str) -> Written:
    """Write the workflow that previews on pull requests and deploys `environment_name` from the branch `main`."""
    top = next((item for item in (program.folder, *program.folder.parents) if (item / ".git").exists()), None)
    if top is None:
        raise Failure("no-repository", f"{program.folder} is in no git repository", helps=("run `git init` first",))
    environment = with_region(program.settings.environment(environment_name), None)
    _refuse(environment)
    assert environment.account is not None and environment.region is not None
    branches = next((item for item in program.settings.environments.values() if item.per == "branch"), None)
    plan = Plan(
        environment,
        environment.role or deploy_role_arn(environment.account, environment.region),
        program.folder.relative_to(top).as_posix(),
        main,
        with_region(branches, None) if branches is not None and branches.target == "aws" else None,
    )
    path = top / PATH
    if path.exists():
        raise Failure(
            "would-overwrite",
            f"{PATH} is here already, and `ci init` overwrites nothing",
            helps=("remove it first to have it written anew",),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(workflow(plan), encoding="utf-8")
    return Written(path, plan.role, environment, plan.branch_environment)


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
