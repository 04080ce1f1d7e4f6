"""The gate of the deployed policies can fail: what is wide, or on the wrong kind of resource, is found."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.gates import deployed_policies

pytestmark = pytest.mark.gates

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/things"


def state(folder: Path, action: str, resource: str) -> Path:
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    properties = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    with sqlite3.connect(folder / "state.sqlite3") as connection:
        connection.execute("create table resources (type_name, stack_name, logical_id, properties)")
        row = ("AWS::IAM::RolePolicy", "shop", "Policy", json.dumps(properties))
        connection.execute("insert into resources values (?,?,?,?)", row)
    return folder


def test_an_exact_statement_passes(tmp_path: Path) -> None:
    assert deployed_policies.findings(state(tmp_path, "dynamodb:GetItem", TABLE)) == []


@pytest.mark.parametrize(
    ("action", "resource", "issue"),
    [
        ("dynamodb:GetItem", "*", "RESOURCE_STAR"),
        ("sqs:SendMessage", TABLE, "RESOURCE_MISMATCH"),
        ("dynamodb:GetThing", TABLE, "UNKNOWN_ACTION"),
        ("iam:PassRole", "*", "RESOURCE_STAR"),
    ],
)
def test_what_is_wide_or_wrong_is_found(tmp_path: Path, action: str, resource: str, issue: str) -> None:
    found = deployed_policies.findings(state(tmp_path, action, resource))
    assert [item for item in found if issue in item], found


def test_lambda_s_network_interfaces_are_reviewed(tmp_path: Path) -> None:
    assert deployed_policies.findings(state(tmp_path, "ec2:CreateNetworkInterface", "*")) == []
