"""The GitHub Actions workflow of `klotho ci init`: its own steps are run, as GitHub's machines run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.localcloud.aws_account import Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import Databases

klotho.Application("shop")
Databases.KeyValue(name="visits", key="page")
"""
BRANCH = "  pr: {target: aws, region: eu-central-1, per: branch, ttl: 3d}\n"
GH = """#!/bin/sh
printf '%s\\n' "$@" > "$RUNNER_TEMP/gh-arguments"
cp "$5" "$RUNNER_TEMP/comment.md"
"""


@dataclass
class Runner:
    """A checkout with the workflow in it, and the programs a GitHub machine has."""

    aws: Account
    workflow: dict[str, Any]
    tools: Path

    def job(self, name: str, **variables: str) -> str:
        """Runs every `run:` step of a job in order, as GitHub does; what they said."""
        job, said = self.workflow["jobs"][name], ""
        credentials = self._take_on(job)
        folder = self.aws.folder / job["defaults"]["run"]["working-directory"]
        for step in job["steps"]:
            if "run" not in step:
                continue
            given = {key: "token" if "token" in str(value) else "7" for key, value in step.get("env", {}).items()}
            path = f"{self.tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=folder,
                env={**self.aws.variables, "CI": "true", "PATH": path, "RUNNER_TEMP": str(self.tools), **given}
                | credentials
                | variables,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{step.get('name')}: {done.stdout}{done.stderr}"
            said += done.stdout + done.stderr
        return said

    def _take_on(self, job: dict[str, Any]) -> dict[str, str]:
        """What the action that configures credentials leaves for the steps after it: the role's, nobody else's."""
        role = next(step["with"]["role-to-assume"] for step in job["steps"] if "role-to-assume" in step.get("with", {}))
        given = self.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="github")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("ci")
    tools = folder / "tools"
    tools.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    with account(folder / "aws") as aws:
        aws.write({"infra.py": PROGRAM, "klotho.yaml": settings() + BRANCH})
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=aws.folder, check=True)
        written = aws.json("ci", "init", "--env", "prod")
        assert written["branch_environment"] == "pr"
        yield Runner(aws, YAML(typ="safe").load(Path(written["file"]).read_text()), tools)


def test_the_repository_is_allowed_to_take_on_the_roles(runner: Runner) -> None:
    aws = runner.aws
    made = aws.json("bootstrap", "--env", "prod", "--github", "acme/shop", "--yes")
    assert aws.stacks()["klotho-bootstrap"] == "CREATE_COMPLETE"
    more = aws.json("bootstrap", "--env", "prod", "--github", "acme/billing", "--yes")
    assert more["repositories"] == ["acme/billing", "acme/shop"]
    branch = aws.json("bootstrap", "--env", "pr", "--github", "acme/shop", "--no-github-provider", "--yes",
                      GITHUB_HEAD_REF="feature/login")  # fmt: skip
    body = aws.client("cloudformation").get_template(StackName="klotho-deployer-default-shop-prod")["TemplateBody"]
    template = body if isinstance(body, dict) else json.loads(body)
    statements = template["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statements[1]["Condition"]["StringLike"] == {
        "token.actions.githubusercontent.com:sub": ["repo:acme/billing:*", "repo:acme/shop:*"]
    }
    uses = [step for job in runner.workflow["jobs"].values() for step in job["steps"] if "with" in step]
    roles = {step["with"]["role-to-assume"] for step in uses if "role-to-assume" in step["with"]}
    assert roles == {made["role"], branch["role"]}


def test_a_pull_request_is_checked_and_its_preview_is_a_comment(runner: Runner) -> None:
    runner.job("preview", GITHUB_HEAD_REF="feature/login")
    comment = (runner.tools / "comment.md").read_text()
    assert comment.startswith("### Preview of `prod`\n```\n") and "visits-keyvalue" in comment
    arguments = (runner.tools / "gh-arguments").read_text().splitlines()
    assert arguments[:3] == ["pr", "comment", "7"] and "--edit-last" in arguments


def test_a_branch_has_an_environment_of_its_own_until_it_goes(runner: Runner) -> None:
    runner.job("branch", GITHUB_HEAD_REF="feature/login")
    mine = "default--shop--pr-feature-login--visits-keyvalue"
    assert runner.aws.stacks()[mine] == "CREATE_COMPLETE"
    runner.job("remove", GITHUB_HEAD_REF="feature/login")
    assert mine not in runner.aws.stacks()
    tables = runner.aws.client("dynamodb").list_tables()["TableNames"]
    assert not [name for name in tables if "pr-feature-login" in name]


def test_a_merge_deploys(runner: Runner) -> None:
    runner.job("up", GITHUB_REF_NAME="main")
    assert runner.aws.stacks()["default--shop--prod--visits-keyvalue"].endswith("_COMPLETE")


def test_a_second_init_overwrites_nothing(runner: Runner) -> None:
    done = runner.aws.klotho("ci", "init", "--env", "prod")
    assert done.returncode == 1 and "is here already" in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"), [("local", "is on this machine"), ("nowhere", "does not say in which account")]
)
def test_what_no_workflow_can_deploy_to_is_refused(runner: Runner, environment: str, said: str) -> None:
    file = runner.aws.folder / "klotho.yaml"
    before = file.read_text()
    file.write_text(before + "  nowhere: {target: aws, region: eu-central-1}\n")
    done = runner.aws.klotho("ci", "init", "--env", environment)
    file.write_text(before)
    assert done.returncode == 1 and said in done.stderr
