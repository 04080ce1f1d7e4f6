"""`klotho up` with a role that has exactly the policies that `klotho permissions` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from klotho.deploy import bootstrap
from klotho.deploy.orchestrator import Deployment, Orchestrator
from klotho.deploy.place import Clients, Place
from klotho.deploy.stacks import StackCalls
from klotho.driver.machine import local_pace
from klotho.localcloud.identity import ACCOUNT
from klotho.stacks import Manifest
from tests.examples.deployment import EXAMPLES
from tests.localcloud.aws_account import REGION, Account, account, settings
from tests.localcloud.deployer_grants import ROLE, grant, printed, without

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

CHANGED = ("def handler(", "# changed\n\n\ndef handler(")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with the bootstrap stack, and the guestbook as its program."""
    with account(tmp_path_factory.mktemp("role")) as found:
        guestbook = EXAMPLES / "guestbook"
        texts = [path for path in guestbook.rglob("*") if path.suffix in (".py", ".html", ".js", ".css")]
        found.write({str(path.relative_to(guestbook)): path.read_text(encoding="utf-8") for path in texts})
        queue = 'import klotho\n\nklotho.Application("empty")\nklotho.Messaging.Queue("q")\n'
        found.write({"empty/infra.py": queue, "empty/klotho.yaml": settings()})
        found.json("up", "empty", "--env", "prod", "--yes")
        found.write({"klotho.yaml": settings(role=ROLE)})
        yield found


def clients(aws: Account) -> Clients:
    """The deployer's."""
    connection = aws.connection
    place = Place(
        REGION,
        ACCOUNT,
        connection.endpoint_url,
        connection.access_key,
        connection.secret_key,
        bucket_stem=bootstrap.BUCKET_STEM,
    )
    taken = Clients(place).sts.assume_role(RoleArn=ROLE, RoleSessionName="ci")["Credentials"]
    found = Clients(replace(place, access_key=None, secret_key=None))
    found._open().set_credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
    return found


def delete(aws: Account) -> Deployment:
    """Delete the guestbook with all its data, as the deployer."""
    ours, pace = clients(aws), local_pace()
    deployed = StackCalls(ours, pace).deployed(project="default", environment="prod", application="guestbook")
    assert deployed
    nothing = Manifest("guestbook", "default", "prod", REGION, (), (), ())
    orchestrator = Orchestrator(
        nothing, {}, cast("Any", None), ours, pace=pace, sink=lambda event: None, run_id="takedown"
    )
    return orchestrator.delete(deployed.values(), delete_data=True)


def test_an_application_comes_changes_and_goes_under_exactly_the_printed_policies(aws: Account) -> None:
    grant(aws, printed(aws))
    made = aws.json("up", "--env", "prod", "--yes")
    assert {item["result"] for item in made["stacks"]} == {"created"}
    code = (aws.folder / "functions/book.py").read_text(encoding="utf-8")
    aws.write({"functions/book.py": code.replace(*CHANGED)})
    changed = aws.json("up", "--env", "prod", "--yes")
    assert "updated" in {item["result"] for item in changed["stacks"]}
    assert delete(aws).ok
    assert not [name for name in aws.stacks() if "guestbook" in name]


@pytest.mark.parametrize("action", ["dynamodb:CreateTable", "iam:PassRole"])
def test_up_names_the_action_that_is_missing_and_the_resource_and_what_to_do(aws: Account, action: str) -> None:
    grant(aws, without(printed(aws), action))
    done = aws.klotho("up", "--env", "prod", "--yes")
    assert done.returncode == 4, done.stderr
    assert f"the deployer is not allowed `{action}` on arn:aws:" in done.stderr
    assert "`klotho permissions --env prod` prints the policies" in done.stderr
    assert set(re.findall(r"not authorized to perform: ([\w-]+:\w+)", done.stderr)) == {action}
    assert "error[deployer-not-allowed]" in done.stderr
    grant(aws, printed(aws))
    assert delete(aws).ok


def test_a_call_to_cloudformation_itself_is_refused_as_well(aws: Account) -> None:
    grant(aws, without(printed(aws), "cloudformation:DescribeStacks"))
    done = aws.klotho("up", "--env", "prod", "--yes")
    assert done.returncode == 3, done.stderr
    assert "the deployer is not allowed `cloudformation:DescribeStacks` on " in done.stderr
    assert "`klotho permissions --env prod` prints the policies" in done.stderr


def test_what_another_application_has_made_is_out_of_reach(aws: Account) -> None:
    """The policies are for one application's names: the deployer can't delete the stack of `empty`."""
    grant(aws, printed(aws))
    other = next(name for name in aws.stacks() if "empty" in name)
    client = clients(aws).cloudformation
    with pytest.raises(ClientError, match=f"cloudformation:DeleteStack on resource: .*stack/{other}/"):
        client.delete_stack(StackName=other)
    assert other in aws.stacks()


def test_rules_that_the_project_demands_can_be_read_and_not_changed(aws: Account) -> None:
    grant(aws, without(printed(aws), "dynamodb:CreateTable"))
    ours = clients(aws)
    bucket = bootstrap.project_bucket(ours.place)
    where = {"Bucket": bucket, "Key": ".guardrails/default/prod/acme"}
    aws.client("s3").put_object(**where, Body=b"rules")
    assert ours.s3.get_object(**where)["Body"].read() == b"rules"
    for change in (lambda: ours.s3.put_object(**where, Body=b""), lambda: ours.s3.delete_object(**where)):
        with pytest.raises(ClientError, match="not authorized to perform: s3:"):
            change()
    aws.client("s3").delete_object(**where)


GUEST = """
import klotho
from klotho import Compute, Databases, Existing

klotho.Application("guest")
orders = Databases.Postgres("orders", existing=Existing("orders-prod", ingress=False))
Compute.Function("unit", handler="unit.handler", environment={"HOST": orders.endpoint})
"""


def test_what_is_there_is_looked_up_under_the_printed_policies_and_not_without_them(aws: Account) -> None:
    database = {
        "DBInstanceIdentifier": "orders-prod",
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "MasterUsername": "admin1",
        "ManageMasterUserPassword": True,
    }
    body = json.dumps({"Resources": {"Orders": {"Type": "AWS::RDS::DBInstance", "Properties": database}}})
    client = aws.client("cloudformation")
    client.create_stack(StackName="somebody-elses", TemplateBody=body)
    client.get_waiter("stack_create_complete").wait(StackName="somebody-elses", WaiterConfig={"Delay": 1})
    code = "def handler(event, context):\n    return event\n"
    aws.write({"guest/infra.py": GUEST, "guest/unit.py": code, "guest/klotho.yaml": settings(role=ROLE)})
    policies = list(aws.json("permissions", "guest", "--env", "prod")["policies"])
    for action in ("cloudformation:GetResource", "rds:DescribeDBInstances"):
        grant(aws, without(policies, action))
        done = aws.klotho("up", "guest", "--env", "prod", "--yes")
        assert done.returncode == 3, done.stderr
        assert f"the deployer is not allowed `{action}` on " in done.stderr
    grant(aws, policies)
    made = aws.json("up", "guest", "--env", "prod", "--yes")
    assert {item["result"] for item in made["stacks"]} == {"created"}
    aws.write({"guest/infra.py": GUEST.replace('"orders-prod"', '"orders-gone"')})
    gone = aws.klotho("up", "guest", "--env", "prod", "--yes")
    assert gone.returncode == 6, gone.stderr
    assert "error[existing-missing]: there is no AWS::RDS::DBInstance `orders-gone`" in gone.stderr


def test_one_command_makes_the_bootstrap_stack_and_a_deploy_role_and_says_how_to_use_it(aws: Account) -> None:
    """As it says: afterwards `up` is the role, and may deploy this application and nothing else."""
    made = aws.klotho("bootstrap", "--program", "empty", "--env", "prod", "--yes")
    assert made.returncode == 0, made.stderr
    role = made.stdout.strip()
    assert aws.stacks()["klotho-bootstrap"] == aws.stacks()["klotho-deployer-default-empty-prod"] == "CREATE_COMPLETE"
    assert f"to deploy with it: `klotho env set prod --role {role}`" in made.stderr
    assert aws.klotho("env", "set", "prod", "--role", role, "--program", "empty").returncode == 0
    assert aws.json("whoami", "empty", "--env", "prod")["identity"].split("/")[1] == role.rpartition("/")[2]
    queue = 'import klotho\n\nklotho.Application("empty")\nklotho.Messaging.Queue("another")\n'
    aws.write({"empty/infra.py": queue})
    done = aws.json("up", "empty", "--env", "prod", "--yes")
    assert {stack["result"] for stack in done["stacks"]} - {"unchanged"} == {"created", "deleted"}
    again = aws.klotho("bootstrap", "--program", "empty", "--env", "prod", "--yes")
    assert "to deploy with it" not in again.stderr, "klotho.yaml says so already"
