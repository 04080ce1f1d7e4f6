"""The GitHub Actions workflow that `klotho ci init` writes.

Input: what the repository's klotho.yaml says of environments. Output: the text of the workflow: check and preview as a
comment on pull requests, an environment per branch where there is one, `up` on merge, removal when the branch goes.
Every step of ours is a line of shell, so that what a service runs can be tried on any machine. Refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from klotho.driver.settings import Environment

PATH = PurePosixPath(".github/workflows/klotho.yml")

# Versions are pinned by major, as each action's own documentation has it.
_CHECKOUT, _PYTHON, _NODE = "actions/checkout@v5", "actions/setup-python@v6", "actions/setup-node@v5"
_CREDENTIALS = "aws-actions/configure-aws-credentials@v5"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the workflow is about."""

    environment: Environment
    """Deployed on merge; its region is known."""
    role: str
    """The ARN of the role that the workflow takes on."""
    folder: str
    """The program's, from the repository's top: `.` or `services/shop`."""
    main: str
    """The branch that is deployed."""
    branch_environment: Environment | None = None
    """Of which each branch has one of its own."""
    branch_role: str | None = None


def workflow(plan: Plan) -> str:
    """The whole file."""
    jobs = [_preview(plan), _up(plan)]
    if plan.branch_environment is not None:
        jobs[1:1] = [_branch(plan, plan.branch_environment), _remove(plan, plan.branch_environment)]
    return _HEAD.replace("{main}", plan.main) + "".join(jobs)


_HEAD = """\
# Written by `klotho ci init`; yours to change.
name: klotho
on:
  pull_request:
    types: [opened, synchronize, reopened, closed]
  push:
    branches: [{main}]
permissions:
  contents: read
  id-token: write # to take on the role in the AWS account
  pull-requests: write # to comment on pull requests
concurrency:
  # One run at a time for each branch: the next one waits, none is cancelled half-way through a deployment.
  group: klotho-${{ github.head_ref || github.ref_name }}
  cancel-in-progress: false
jobs:
"""


def _job(plan: Plan, name: str, condition: str, environment: Environment, role: str, steps: str) -> str:
    return f"""\
  {name}:
    if: {condition}
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    defaults:
      run:
        working-directory: {plan.folder}
    steps:
      - uses: {_CHECKOUT}
      - uses: {_PYTHON}
        with:
          python-version: "3.12"
      - uses: {_NODE}
        with:
          node-version: "22"
      - uses: {_CREDENTIALS}
        with:
          role-to-assume: {role}
          aws-region: {environment.region}
      - name: Install Klotho
        run: python -m pip install --quiet klotho
{steps}"""


def _preview(plan: Plan) -> str:
    return _job(
        plan,
        "preview",
        "github.event_name == 'pull_request' && github.event.action != 'closed'",
        plan.environment,
        plan.role,
        f"""\
      - name: Check
        run: klotho check --env {plan.environment.name}
      - name: Preview
        run: |
          {{
            echo '### Preview of `{plan.environment.name}`'
            echo '```'
            klotho preview --env {plan.environment.name} 2>&1
            echo '```'
          }} > "$RUNNER_TEMP/preview.md"
      - name: Comment
        env:
          GH_TOKEN: ${{{{ github.token }}}}
          NUMBER: ${{{{ github.event.number }}}}
        run: gh pr comment "$NUMBER" --body-file "$RUNNER_TEMP/preview.md" --edit-last --create-if-none
""",
    )


def _up(plan: Plan) -> str:
    return _job(
        plan,
        "up",
        "github.event_name == 'push'",
        plan.environment,
        plan.role,
        f"""\
      - name: Check
        run: klotho check --env {plan.environment.name}
      - name: Up
        run: klotho up --env {plan.environment.name} --yes
""",
    )


def _branch(plan: Plan, environment: Environment) -> str:
    name = environment.template or environment.name
    return _job(
        plan,
        "branch",
        "github.event_name == 'pull_request' && github.event.action != 'closed'",
        environment,
        plan.branch_role or plan.role,
        f"""\
      - name: Up
        run: klotho up --env {name} --yes
""",
    )


def _remove(plan: Plan, environment: Environment) -> str:
    name = environment.template or environment.name
    return _job(
        plan,
        "remove",
        "github.event_name == 'pull_request' && github.event.action == 'closed'",
        environment,
        plan.branch_role or plan.role,
        f"""\
      - name: Remove the branch's environment
        run: klotho env rm {name} --yes
""",
    )
