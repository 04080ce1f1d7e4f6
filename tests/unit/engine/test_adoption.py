"""`existing=`: what is there already is referred to by its id, and never made or changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klotho.application import from_json, to_json
from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError
from klotho.emit import render
from klotho.engine import resolve
from tests.conftest import RunProgram

NAMES = "API, Compute, Databases, Messaging, Secret, Storage"
HEAD = f'import klotho\nfrom klotho import {NAMES}\nklotho.Application("shop")\n'
WORK = {"work.py": "def handler(event, context):\n    return event\n"}
UNIT = 'unit = Compute.Function("unit", handler="work.handler")\n'


def templates(run_program: RunProgram, text: str, environment: str = "prod", tmp_path: Any = None) -> dict[str, Any]:
    """Resources by stack."""
    application, report = run_program(HEAD + text, WORK)
    assert application is not None, report.diagnostics
    assert from_json(json.loads(json.dumps(to_json(application)))) == application
    resolution = resolve(application, environment=environment, files=ProgramFiles(tmp_path), report=report)
    assert report.diagnostics == []
    bundle = render(resolution.graph, resolution.setting, region="eu-central-1")
    return {
        stack.name: json.loads(bundle.files[f"cloudformation/{stack.template}"])["Resources"]
        for stack in bundle.manifest.stacks
    }


def mistakes(run_program: RunProgram, text: str, tmp_path: Any) -> list[tuple[str, str]]:
    application, report = run_program(HEAD + text, WORK)
    assert application is not None, report.diagnostics
    with pytest.raises(ProgramError) as raised:
        resolve(application, environment="prod", files=ProgramFiles(tmp_path), report=report)
    return [(item.code, item.message) for item in raised.value.diagnostics]


def policy(stacks: dict[str, Any]) -> list[Any]:
    resources = stacks["unit-function"]
    statements = resources["UnitFunctionRolePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    return [item["Resource"] for item in statements if item["Sid"] != "WriteLogs"]


TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/old_carts"


def test_an_adopted_table_has_no_stack_and_its_arn_is_granted(run_program: RunProgram, tmp_path: Any) -> None:
    text = UNIT + f'unit.reads_from(Databases.KeyValue("carts", existing="{TABLE}"))\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert set(stacks) == {"unit-function"}
    assert policy(stacks) == [[TABLE]]
    variables = stacks["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]
    assert json.loads(variables["KLOTHO_DATASTORE_CARTS"])["table"] == "old_carts"


def test_a_name_alone_is_in_the_place_deployed_to(run_program: RunProgram, tmp_path: Any) -> None:
    text = UNIT + 'unit.reads_from(Databases.KeyValue("carts", existing="old_carts"))\n'
    (granted,) = policy(templates(run_program, text, tmp_path=tmp_path))
    place = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/old_carts"
    assert granted == [{"Fn::Sub": place}]


def test_it_is_made_in_the_environments_that_are_not_named(run_program: RunProgram, tmp_path: Any) -> None:
    text = UNIT + f'unit.reads_from(Databases.KeyValue("carts", existing={{"prod": "{TABLE}"}}))\n'
    assert set(templates(run_program, text, "prod", tmp_path)) == {"unit-function"}
    assert set(templates(run_program, text, "local", tmp_path)) == {"carts-keyvalue", "unit-function"}


def test_a_queue_a_secret_and_a_function_are_adopted(run_program: RunProgram, tmp_path: Any) -> None:
    queue = "arn:aws:sqs:eu-west-1:123456789012:jobs.fifo"
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-a1B2c3"
    function = "arn:aws:lambda:eu-west-1:123456789012:function:price"
    text = UNIT + (
        f'unit.sends_to(Messaging.Queue("jobs", existing="{queue}"))\n'
        f'unit.uses(Secret("stripe", existing="{secret}"))\n'
        f'unit.calls(Compute.Function("price", handler="work.handler", existing="{function}"))\n'
    )
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert set(stacks) == {"unit-function"}
    assert sorted(map(str, policy(stacks))) == sorted(str([arn]) for arn in (queue, secret, function))
    variables = stacks["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]
    url = json.dumps(variables["KLOTHO_QUEUE_JOBS"])
    assert "https://sqs.eu-west-1." in url
    assert "/123456789012/jobs.fifo" in url
    assert '\\\\\\"fifo\\\\\\":true' in url or '\\"fifo\\":true' in url


@pytest.mark.parametrize(
    ("construct", "given"),
    [
        ("Databases.KeyValue", "arn:aws:sqs:eu-west-1:123456789012:carts"),
        ("Databases.KeyValue", "arn:aws:dynamodb:eu-west-1:123456789012:index/carts"),
        ("Databases.KeyValue", "arn:aws:dynamodb::123456789012:table/carts"),
        ("Databases.KeyValue", "arn:aws:dynamodb:eu-west-1:1234:table/carts"),
        ("Databases.KeyValue", "a b"),
        ("Messaging.Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"),
        ("Secret", "stripe"),
        ("Databases.Postgres", "arn:aws:rds:eu-west-1:123456789012:db:orders"),
    ],
)
def test_what_is_no_id_of_the_kind_is_refused(
    run_program: RunProgram, tmp_path: Any, construct: str, given: str
) -> None:
    found = mistakes(run_program, f'{construct}("carts", existing="{given}")\n', tmp_path)
    assert [code for code, _ in found] == ["bad-existing"]


def test_nothing_of_what_is_adopted_is_changed(run_program: RunProgram, tmp_path: Any) -> None:
    text = (
        'old = Compute.Function("old", handler="work.handler", existing="old")\nold.sends_to(Messaging.Queue("jobs"))\n'
    )
    assert mistakes(run_program, text, tmp_path) == [
        ("existing-changed", 'Compute.Function "old" is there already (`existing=`): `sends_to` would change its role')
    ]


@pytest.mark.parametrize(
    "text",
    [
        'Storage.Bucket("b", existing="legacy-bucket", versioning=True)\n',
        'Messaging.Queue("q", existing="legacy", visibility=60)\n',
        'Databases.KeyValue("t", existing="legacy", ttl="expires")\n',
        UNIT + 'unit.triggered_by(Storage.Bucket("b", existing="legacy-bucket"))\n',
    ],
)
def test_what_would_have_no_effect_on_what_is_there_is_refused(
    run_program: RunProgram, tmp_path: Any, text: str
) -> None:
    assert [code for code, _ in mistakes(run_program, text, tmp_path)] == ["existing-changed"]


def test_parameters_count_in_the_environments_where_it_is_made(run_program: RunProgram, tmp_path: Any) -> None:
    text = 'Messaging.Queue("q", existing={"prod": "legacy"}, visibility=60)\n'
    (resource,) = templates(run_program, text, "local", tmp_path)["q-queue"].values()
    assert resource["Properties"]["VisibilityTimeout"] == 60


@pytest.mark.parametrize("name", ["template1", "postgres", "rdsadmin"])
def test_a_database_is_none_of_the_server_s_own(run_program: RunProgram, tmp_path: Any, name: str) -> None:
    found = mistakes(run_program, f'Databases.Postgres("{name}")\n', tmp_path)
    assert [code for code, _ in found] == ["name-reserved"]


def test_a_subscription_is_made_where_the_arn_says_the_topic_is(run_program: RunProgram, tmp_path: Any) -> None:
    arn = "arn:aws:sns:us-west-2:123456789012:news"
    made = 'news = Messaging.Topic("news", existing={"prod": "ARN", "test": "news"})\nunit.subscribes_to(news)\n'
    text = UNIT + made.replace("ARN", arn)
    far = templates(run_program, text, tmp_path=tmp_path)["unit-function"]["UnitSubscribesToNews"]["Properties"]
    assert (far["TopicArn"], far["Region"]) == (arn, "us-west-2")
    assert "RedrivePolicy" not in far, "a subscription takes a dead letter queue of its own region only"
    near = templates(run_program, text, environment="test", tmp_path=tmp_path)["unit-function"]
    assert "Region" not in near["UnitSubscribesToNews"]["Properties"]
    assert "RedrivePolicy" in near["UnitSubscribesToNews"]["Properties"]
