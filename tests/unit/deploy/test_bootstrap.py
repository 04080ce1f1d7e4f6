"""The stack an account needs: what Lambda may do with its images, and how an older one becomes newer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from klotho.deploy import bootstrap
from klotho.deploy.place import Clients, Place
from klotho.deploy.stacks import StackCalls
from klotho.diagnostics import Failure

PLACE = Place(region="eu-central-1", account="123456789012", endpoint_url=None)


class Calls:
    """An account with a bootstrap stack of some version; remembers what it was asked to update it to."""

    def __init__(self, version: int) -> None:
        self.updates: list[Any] = []
        self.stack = SimpleNamespace(
            outputs={"KlothoBootstrapVersion": str(version)}, settled_well=True, busy=False, usable=True
        )

    def find(self, name: str) -> Any:
        return self.stack

    describe = find

    def update(self, there: Any, request: Any, progress: Any) -> None:
        self.updates.append(request)


def ensured(calls: Calls, agrees: bool) -> list[str]:
    """The questions that were asked."""
    asked: list[str] = []
    clients = cast("Clients", SimpleNamespace(place=PLACE))

    def consent(question: str) -> bool:
        asked.append(question)
        return agrees

    bootstrap.ensure(clients, cast("StackCalls", calls), consent)
    return asked


def test_an_older_stack_is_updated_with_consent_and_a_current_one_left_alone() -> None:
    calls = Calls(bootstrap.VERSION - 1)
    assert "needs a newer stack" in ensured(calls, agrees=True)[0]
    assert len(calls.updates) == 1
    with pytest.raises(Failure, match="without the stack klotho-bootstrap"):
        ensured(Calls(bootstrap.VERSION - 1), agrees=False)
    assert ensured(Calls(bootstrap.VERSION), agrees=False) == []


def test_lambda_may_read_images_for_functions_of_the_account_and_nothing_else() -> None:
    (statement,) = bootstrap.template()["Resources"]["Images"]["Properties"]["RepositoryPolicyText"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    functions = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"
    assert statement["Condition"] == {"StringLike": {"aws:sourceArn": {"Fn::Sub": functions}}}
