"""The registry in an account's bucket: published, read, withdrawn, refused, and with how few calls."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from klotho.deploy.place import Clients, Place
from klotho.driver import aws as account_session
from klotho.driver import deployment
from klotho.driver.program import find_program
from klotho.driver.projects import bucket_store
from klotho.localcloud.identity import ACCOUNT
from klotho.registry import Origin, Registry
from tests.localcloud.aws_account import REGION, Account, account, settings
from tests.unit.registry.applications import application, construct, news

pytestmark = pytest.mark.localcloud

BUCKET = f"klotho-projects-{ACCOUNT}-{REGION}"
PROGRAM = """
import klotho

klotho.Application("shop", project="acme")
jobs = klotho.Messaging.Queue(name="jobs")
"""
DOMAIN = """
work = klotho.Compute.Function(name="work", handler="work.handler")
api = klotho.API(name="api")
api.attach_service(work, route="/work")
klotho.Domain("acme.example", exposes=api, certificate="arn:aws:acm:eu-central-1:000000000000:certificate/1")
"""
HANDLER = "def handler(event, context):\n    return {}\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("project")) as found:
        found.write({"infra.py": PROGRAM, "klotho.yaml": settings()})
        found.write({"billing/infra.py": PROGRAM.replace("shop", "billing"), "billing/klotho.yaml": settings()})
        yield found


def entries(aws: Account) -> list[str]:
    return [item["Key"] for item in aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def calls_of_up(aws: Account, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Operations on the bucket of projects that one `up` makes, but for those about the project's stack (`.needs`) and
    the one look at which rules are demanded (`.guardrails`)."""
    found: list[str] = []
    make = account_session.session

    def watched(*given: Any) -> account_session.AwsSession:
        opened = make(*given)

        def note(model: Any, params: Any, **_: Any) -> None:
            asked = f"{params['url']} {params.get('query_string')}"
            if BUCKET in params["url"] and not any(word in asked for word in (".needs", ".guardrails")):
                found.append(model.name)

        opened.clients.events.register("before-call", note)
        return opened

    for name, value in aws.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(account_session, "session", watched)
    assert deployment.up(find_program(aws.folder), "prod", lambda event: None).deployment.ok
    return found


def test_before_anything_was_deployed_the_project_is_empty_and_asks_nothing_that_is_not_there(aws: Account) -> None:
    assert aws.json("preview", "--env", "prod")["ok"]
    assert aws.json("check", "--project", "--env", "prod")["ok"]
    assert aws.json("project", "ls", "--env", "prod")["projects"] == []
    assert aws.json("project", "show", "--env", "prod", exit_code=6)["diagnostics"][0]["code"] == "project-unknown"


def test_up_publishes_to_the_accounts_bucket_by_repository_and_an_unchanged_one_reads_one_object(
    aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("git init -q .", "git remote add origin https://ann:ghp_token@github.com/kentoso/shop.git"):
        subprocess.run(command.split(), cwd=aws.folder, check=True)
    assert calls_of_up(aws, monkeypatch) == ["GetObject", "ListObjectsV2", "ListObjectsV2", "GetObject", "PutObject"]
    aws.json("up", "billing", "--env", "prod", "--yes")
    assert calls_of_up(aws, monkeypatch) == ["GetObject"]
    assert entries(aws) == ["acme/prod/billing.json", "acme/prod/shop.json"]
    billing, shop = aws.json("project", "show", "--env", "prod")["applications"]
    assert shop["origin"] == {"folder": ".", "repository": "github.com/kentoso/shop"}
    assert billing["origin"] == {"folder": "billing", "repository": "github.com/kentoso/shop"}
    body = aws.client("s3").get_object(Bucket=BUCKET, Key="acme/prod/shop.json")["Body"].read()
    assert b"ghp_token" not in body
    assert aws.json("project", "ls", "--env", "prod")["projects"] == [
        {"project": "acme", "environment": "prod", "applications": ["billing", "shop"]}
    ]


def test_what_another_repository_makes_is_read_in_the_account_and_remembered_for_commands_that_do_not_ask(
    aws: Account,
) -> None:
    using = (
        'import klotho\n\nklotho.Application("mail", project="acme")\n'
        'jobs = klotho.Messaging.Queue("jobs", from_project=True)\n'
        'klotho.Compute.Function("send", handler="send.handler").sends_to(jobs)\n'
    )
    aws.write({"mail/infra.py": using, "mail/send.py": HANDLER, "mail/klotho.yaml": settings()})
    aws.write({"billing/infra.py": PROGRAM.replace("shop", "billing").replace("jobs", "others")})
    aws.json("up", "billing", "--env", "prod", "--yes")
    unasked = aws.json("check", "mail", "--env", "prod", exit_code=1)["diagnostics"]
    assert {item["code"] for item in unasked} == {"project-not-asked", "dangling-reference"}
    assert aws.json("preview", "mail", "--env", "prod")["ok"]
    assert aws.klotho("check", "mail", "--env", "prod", AWS_ENDPOINT_URL="http://127.0.0.1:9").returncode == 0
    before = aws.client("cloudformation").describe_stacks(StackName="acme--shop--prod--jobs-queue")["Stacks"][0]
    aws.json("up", "mail", "--env", "prod", "--yes")
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="acme--mail--prod--send-function")["Stacks"]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in before["Outputs"]}
    given = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
    assert given["ShopHasJobsQueueArn"] == outputs["JobsQueueArn"]
    assert aws.json("permissions", "mail", "--env", "prod")["ok"]
    aws.json("down", "mail", "--env", "prod", "--yes")


def test_down_of_what_others_use_is_refused_before_a_stack_is_touched_and_stays_on_record(aws: Account) -> None:
    key = aws.connection
    place = Place(REGION, ACCOUNT, key.endpoint_url, key.access_key, key.secret_key)
    registry = Registry(bucket_store(Clients(place)), "acme", "prod")
    queue = construct("Messaging.Queue", "jobs", 7, from_project=True)
    registry.publish(news(application("reports", queue), origin=Origin("", "github.com/kentoso/reports")))
    assert registry.withdraw("billing")  # else it would not be clear whose queue is meant
    before = aws.stacks()
    for command in ("down --yes", "down --yes --delete-data shop", "down --yes --allow-breaking billing"):
        (told,) = aws.json(*command.split(), "--env", "prod", exit_code=1)["diagnostics"]
        assert told["code"] == "in-use-elsewhere"
        assert "in `reports`: github.com/kentoso/reports/infra.py:7, which refers to it" in told["notes"]
        assert told["helps"][-1].endswith("`klotho down --allow-breaking reports --env prod`")
    assert aws.stacks() == before
    aws.json("down", "--yes", "--allow-breaking", "reports", "--env", "prod")
    shop = registry.read("shop")
    assert shop is not None and shop.latest.down
    assert [item.application for item in shop.latest.broke] == ["reports"]
    assert registry.withdraw("reports")
    for folder in (".", "billing"):
        aws.json("up", folder, "--env", "prod", "--yes")


def test_what_does_not_fit_is_refused_by_preview_and_up_and_by_check_when_it_may_ask(aws: Account) -> None:
    key = aws.connection
    place = Place(REGION, ACCOUNT, key.endpoint_url, key.access_key, key.secret_key)
    registry = Registry(bucket_store(Clients(place)), "acme", "prod")
    origin = Origin("infra", "github.com/kentoso/rival")
    rival = application("rival", construct("Domain", "acme.example", 7))
    registry.publish(news(rival, origin=origin))
    aws.write({"billing/infra.py": PROGRAM.replace("shop", "billing") + DOMAIN, "billing/work.py": HANDLER})
    commands = ("preview billing", "check billing --project", "project check --program billing", "up billing --yes")
    for command in commands:
        (told,) = aws.json(*command.split(), "--env", "prod", exit_code=1)["diagnostics"]
        assert told["code"] == "domain-claimed-twice"
        assert "in `rival`: github.com/kentoso/rival/infra/infra.py:7" in told["notes"]
        assert told["labels"][0]["span"]["line"] == 10
    offline = aws.klotho("check", "billing", "--env", "prod", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert offline.returncode == 0
    assert "`klotho check --project --env prod`" in offline.stderr
    aws.write({"billing/infra.py": PROGRAM.replace("shop", "billing")})
    assert registry.withdraw("rival")


def test_a_damaged_entry_is_refused_with_its_address_and_stays(aws: Account) -> None:
    client = aws.client("s3")
    whole = client.get_object(Bucket=BUCKET, Key="acme/prod/shop.json")["Body"].read()
    client.put_object(Bucket=BUCKET, Key="acme/prod/shop.json", Body=whole[:-1])
    (told,) = aws.json("up", "--env", "prod", "--yes", exit_code=1)["diagnostics"]
    assert told["code"] == "registry-damaged"
    assert any(f"`aws s3 rm s3://{BUCKET}/acme/prod/shop.json`" in line for line in told["helps"])
    assert client.get_object(Bucket=BUCKET, Key="acme/prod/shop.json")["Body"].read() == whole[:-1]
    client.put_object(Bucket=BUCKET, Key="acme/prod/shop.json", Body=whole)


def test_down_withdraws_what_was_published_and_env_rm_does(aws: Account) -> None:
    aws.json("down", "billing", "--env", "prod", "--yes")
    assert entries(aws) == ["acme/prod/shop.json"]
    aws.json("down", "--env", "prod", "--delete-data", "shop")
    assert entries(aws) == []
    aws.write({"billing/klotho.yaml": settings(ttl="1d")})
    aws.json("up", "billing", "--env", "prod", "--yes")
    assert entries(aws) == ["acme/prod/billing.json"]
    aws.json("env", "rm", "prod", "--program", "billing", "--yes")
    assert entries(aws) == []
