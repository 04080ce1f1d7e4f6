"""Taking a role: who is let, and what its temporary credentials are worth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from klotho.localcloud.credentials import Credentials
from klotho.localcloud.database import Database
from klotho.localcloud.handler import Record
from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.permissions.roles import ROLE
from klotho.localcloud.service import ApiCall, ApiError, Caller
from klotho.localcloud.services.sts import StsService
from klotho.localcloud.world import World

ARN = f"arn:aws:iam::{ACCOUNT}:role/deployer"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole"}


class Desk:
    """STS, and one role."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "state.sqlite3")
        self.world, self.credentials = World(self.database), Credentials(self.database)
        self.sts = StsService(ACCOUNT, self.world, self.credentials)

    def trust(self, *statements: dict[str, Any]) -> None:
        document = {"AssumeRolePolicyDocument": {"Statement": list(statements)}}
        self.world.put(Record(ROLE, "deployer", document, {"Arn": ARN}, "t", "", "s", "R", {}))

    def assume(self, caller: Caller | None = None, **more: str) -> str:
        fields = {"Action": "AssumeRole", "RoleArn": ARN, "RoleSessionName": "ci", **more}
        who = caller or Caller("AKIA", "deployer")
        call = ApiCall("sts", "AssumeRole", "POST", "/", {}, {}, urlencode(fields).encode(), who)
        return asyncio.run(self.sts.call(call)).body.decode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.database.close()


def test_who_the_role_trusts_becomes_it(desk: Desk) -> None:
    desk.trust({**ALLOW, "Principal": ROOT})
    answer = desk.assume()
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ci" in answer
    key = answer.partition("<AccessKeyId>")[2].partition("<")[0]
    token = answer.partition("<SessionToken>")[2].partition("<")[0]
    known = desk.credentials.caller_of(key)
    assert known is not None and known[1] == Caller(key, "ci", ARN, session=True)
    desk.credentials.check_session(key, token)
    for wrong in (None, "other"):
        with pytest.raises(ApiError, match="security token"):
            desk.credentials.check_session(key, wrong)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [{**ALLOW, "Principal": {"Service": "lambda.amazonaws.com"}}],
        [{**ALLOW, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}],
        [{**ALLOW, "Principal": ROOT, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}],
        [{**ALLOW, "Principal": ROOT}, {**ALLOW, "Effect": "Deny", "Principal": ROOT}],
    ],
)
def test_whom_the_role_does_not_trust_is_refused(desk: Desk, statements: list[dict[str, Any]]) -> None:
    desk.trust(*statements)
    with pytest.raises(ApiError, match=f"not authorized to perform: sts:AssumeRole on resource: {ARN}"):
        desk.assume()


def test_a_role_that_is_not_deployed_and_options_that_are_not_carried_are_refused(desk: Desk) -> None:
    with pytest.raises(ApiError, match="not authorized to perform: sts:AssumeRole"):
        desk.assume()
    desk.trust({**ALLOW, "Principal": ROOT})
    with pytest.raises(ApiError, match="AssumeRole with Policy"):
        desk.assume(Policy="{}")
