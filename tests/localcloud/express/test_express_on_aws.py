"""Express mode in an account: by default, with exactly the printed policies, and not in a protected environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from klotho.localcloud.identity import ACCOUNT
from tests.localcloud.aws_account import Account, account, settings

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(240)]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
PROGRAM = """\
import klotho
from klotho import Compute

klotho.Application("jobs")
Compute.Function(name="job", handler="job.handler")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """With the bootstrap stack."""
    with account(tmp_path_factory.mktemp("express")) as found:
        found.write({"infra.py": PROGRAM, "job.py": "def handler(event, context): ...\n"})
        found.write({"klotho.yaml": settings(express=False)})
        found.json("up", "--env", "prod", "--yes")
        yield found


def mode(aws: Account) -> str:
    (name,) = [name for name in aws.stacks() if "job-function" in name]
    found = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return str(found["DeploymentConfig"]["Mode"])


def grant(aws: Account, without: str = "") -> None:
    """The deployer's role, with the printed policies less one action."""
    documents: Sequence[Mapping[str, Any]] = aws.json("permissions", "--env", "prod")["policies"]
    managed = {}
    for number, document in enumerate(documents):
        kept = [
            {**item, "Action": left}
            for item in document["Statement"]
            if (left := [name for name in item["Action"] if name != without])
        ]
        properties = {"PolicyDocument": {**document, "Statement": kept}}
        managed[f"Policy{number}"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = {
        "RoleName": "deployer",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "ManagedPolicyArns": [{"Ref": name} for name in managed],
    }
    body = json.dumps({"Resources": {**managed, "Deployer": {"Type": "AWS::IAM::Role", "Properties": role}}})
    client = aws.client("cloudformation")
    given = {"StackName": "owners", "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    exists = "owners" in aws.stacks()
    (client.update_stack if exists else client.create_stack)(**given)
    client.get_waiter("stack_update_complete" if exists else "stack_create_complete").wait(
        StackName="owners", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def changed(aws: Account, **environment: object) -> Any:
    """`up` after a change of the function's code."""
    before = (aws.folder / "job.py").read_text()
    aws.write({"job.py": before + "# changed\n", "klotho.yaml": settings(**environment)})
    return aws.klotho("up", "--env", "prod", "--yes")


def test_it_is_off_where_klotho_yaml_says_so_and_on_by_default(aws: Account) -> None:
    assert mode(aws) == "STANDARD"
    assert changed(aws).returncode == 0
    assert mode(aws) == "EXPRESS"


def test_it_works_under_exactly_the_printed_policies_which_are_all_needed(aws: Account) -> None:
    grant(aws, without="lambda:GetFunctionConfiguration")
    done = changed(aws, role=ROLE)
    assert done.returncode != 0
    assert "the deployer is not allowed `lambda:GetFunctionConfiguration` on arn:aws:lambda:" in done.stderr
    aws.write({"klotho.yaml": settings()})
    grant(aws)
    aws.write({"klotho.yaml": settings(role=ROLE)})
    again = aws.klotho("up", "--env", "prod", "--yes")
    assert again.returncode == 0, again.stderr
    assert "waiting until its services are ready, which an earlier run did not see" in again.stderr
    assert (changed(aws, role=ROLE).returncode, mode(aws)) == (0, "EXPRESS")


def test_a_protected_environment_is_deployed_in_standard_mode(aws: Account) -> None:
    assert changed(aws, protect=True).returncode == 0
    assert mode(aws) == "STANDARD"
