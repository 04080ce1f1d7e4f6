"""`down` on AWS: data stays unless told otherwise, and what stays is listed with the command that removes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from klotho.deploy.leftovers import removal_command
from tests.localcloud.aws_account import REGION, Account, account, settings

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import Compute, Databases, Messaging

klotho.Application("shop")
hello = Compute.Function(name="hello", handler="functions/hello.handler")
visits = Databases.KeyValue(name="visits", key="page")
jobs = Messaging.Queue(name="jobs")
token = klotho.Secret(name="token")
hello.read_writes_to(visits)
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("aws")) as found:
        files = {"infra.py": PROGRAM, "functions/hello.py": "def handler(event, context):\n    return {}\n"}
        found.write({"klotho.yaml": settings(), **files})
        found.json("up", "--env", "prod", "--yes")
        yield found


def perform(aws: Account, command: str) -> None:
    """What the AWS CLI does with a command, through the same service models."""
    program, service, operation, *rest = shlex.split(command)
    assert program == "aws"
    model = Session().get_service_model(service)
    (name,) = [item for item in model.operation_names if xform_name(item, "-") == operation]
    shape = model.operation_model(name).input_shape
    assert shape is not None
    names = {f"--{xform_name(member, '-')}": member for member in shape.members}
    given: dict[str, Any] = {}
    while rest:
        option = rest.pop(0)
        if option == "--region":
            assert rest.pop(0) == REGION
        else:
            given[names[option]] = rest.pop(0) if rest and not rest[0].startswith("--") else True
    getattr(aws.client(service), xform_name(name))(**given)


def test_down_deletes_the_stacks_and_lists_what_holds_data_with_commands_that_remove_it(aws: Account) -> None:
    assert aws.klotho("down", "--env", "prod").returncode == 2  # nobody agreed
    assert len(aws.stacks()) > 1
    done = aws.json("down", "--env", "prod", "--yes")
    assert set(aws.stacks()) == {"klotho-bootstrap"}
    assert done["data_deleted"] is False
    left = {item["arn"].split(":")[2]: item for item in done["left"]}
    assert set(left) == {"dynamodb", "secretsmanager"}
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert len(aws.client("dynamodb").list_tables()["TableNames"]) == 1

    shown = aws.klotho("down", "--env", "prod", "--yes")
    assert left["dynamodb"]["arn"] in shown.stdout and left["dynamodb"]["command"] in shown.stdout
    for item in left.values():
        perform(aws, item["command"])
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    assert aws.json("down", "--env", "prod", "--yes")["left"] == []


def test_down_with_delete_data_leaves_nothing(aws: Account) -> None:
    aws.json("up", "--env", "prod", "--yes")
    done = aws.json("down", "--env", "prod", "--delete-data", "shop", "--yes")
    assert (done["data_deleted"], done["left"]) == (True, [])
    assert set(aws.stacks()) == {"klotho-bootstrap"}
    assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_what_is_protected_stays_with_what_it_builds_on(aws: Account) -> None:
    aws.write({"klotho.yaml": settings(protect=True, alarms=False)})
    aws.json("up", "--env", "prod", "--yes")
    done = aws.json("down", "--env", "prod", "--yes")
    assert {"visits-keyvalue", "token-secret"} <= set(done["kept_stacks"])
    assert "jobs-queue" not in done["kept_stacks"]
    assert len(aws.client("dynamodb").list_tables()["TableNames"]) == 1
    aws.write({"klotho.yaml": settings()})


@pytest.mark.parametrize(
    ("arn", "command"),
    [
        ("s3:::a-b", "s3 rb s3://a-b --force"),
        ("rds:eu-west-1:1:snapshot:shop-1", "rds delete-db-snapshot --db-snapshot-identifier shop-1"),
        ("logs:eu-west-1:1:log-group:/aws/x:*", "logs delete-log-group --log-group-name /aws/x"),
        ("cognito-idp:eu-west-1:1:userpool/eu-west-1_A", "cognito-idp delete-user-pool --user-pool-id eu-west-1_A"),
        ("elasticache:eu-west-1:1:snapshot:s", "elasticache delete-snapshot --snapshot-name s"),
    ],
)
def test_commands_are_what_the_aws_command_line_takes(arn: str, command: str) -> None:
    assert removal_command(f"arn:aws:{arn}", "eu-west-1") == f"aws {command} --region eu-west-1"


def test_a_kind_without_a_single_command_has_none() -> None:
    assert removal_command("arn:aws:cloudfront::1:distribution/E1", "us-east-1") == ""
