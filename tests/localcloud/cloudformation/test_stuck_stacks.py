"""`up` meets stacks in every status CloudFormation gets stuck in: it leads out, or says the exact next command."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from klotho.deploy import events
from klotho.deploy.place import Pace
from klotho.diagnostics import ExitCode
from klotho.localcloud.handler import Outcome, Request

from .builders import ServedCloud, log_group, template
from .deployer import PACE, Deployer, Stubborn, alone, results
from .test_stacks import create, resource_statuses, status_of

pytestmark = pytest.mark.localcloud

TAGS = [
    {"Key": f"klotho:{key}", "Value": value}
    for key, value in {"project": "acme", "application": "shop", "environment": "local", "stack": "one"}.items()
]
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Delete",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    },
}
WANTED = alone({"Group": log_group(RetentionInDays=7)})


@pytest.fixture
def stubborn(served: ServedCloud) -> Stubborn:
    return Stubborn(served)


@pytest.fixture
def deployer(served: ServedCloud) -> Deployer:
    return Deployer(served.port)


def failed(deployer: Deployer, wanted: Any) -> Any:
    (outcome,) = deployer.up(*wanted).failed
    return outcome


def test_rollback_complete_is_deleted_and_made_anew(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    stubborn.no_create = {"Group"}
    assert not deployer.up(*WANTED).ok
    assert status_of(served, "shop-one") == "ROLLBACK_COMPLETE"
    stubborn.no_create = set()
    assert results(deployer.up(*WANTED)) == {"one": "created"}


def test_rollback_failed_is_deleted_with_what_it_could_not_take_back_then(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    wanted = alone({"Group": log_group(RetentionInDays=7), "Bad": {**log_group(), "DependsOn": "Group"}})
    stubborn.no_create, stubborn.no_delete = {"Bad"}, {"Group"}
    assert not deployer.up(*wanted).ok
    assert status_of(served, "shop-one") == "ROLLBACK_FAILED"
    stubborn.no_create, stubborn.no_delete = set(), set()
    done = deployer.up(*wanted)
    assert (results(done), done.left) == ({"one": "created"}, ())
    assert len(served.cloud.world.list("AWS::Logs::LogGroup")) == 2


def test_what_can_not_be_deleted_at_all_is_left_behind_and_named(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    wanted = alone({"Group": log_group(RetentionInDays=7), "Bad": {**log_group(), "DependsOn": "Group"}})
    stubborn.no_create, stubborn.no_delete = {"Bad"}, {"Group"}
    assert not deployer.up(*wanted).ok
    (old,) = served.cloud.world.list("AWS::Logs::LogGroup")
    stubborn.no_create = set()
    done = deployer.up(*wanted)
    assert done.ok
    ((stack, left),) = done.left
    assert (stack, left.logical_id, left.physical_id) == ("one", "Group", old.identifier)
    assert "Group says no" in left.why
    assert any(isinstance(event, events.ResourceLeft) for event in deployer.seen)


def test_update_rollback_failed_is_continued(served: ServedCloud, stubborn: Stubborn, deployer: Deployer) -> None:
    changed = alone({"Group": log_group(RetentionInDays=30)})
    assert deployer.up(*WANTED).ok
    stubborn.no_update = {"Group"}
    assert not deployer.up(*changed).ok
    assert status_of(served, "shop-one") == "UPDATE_ROLLBACK_FAILED"
    stubborn.no_update = set()
    assert results(deployer.up(*changed)) == {"one": "updated"}
    assert served.cloud.world.list("AWS::Logs::LogGroup")[0].properties == {"RetentionInDays": 30}


def test_what_fails_in_a_continued_rollback_again_is_skipped_and_named(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    first = alone({"Group": log_group(RetentionInDays=7), "Other": log_group(RetentionInDays=7)})
    second = alone({"Group": log_group(RetentionInDays=30), "Other": {**log_group(RetentionInDays=30)}})
    third = alone({"Group": log_group(RetentionInDays=7), "Other": log_group(RetentionInDays=30)})
    assert deployer.up(*first).ok
    stubborn.no_update = {"Group"}
    assert not deployer.up(*second).ok
    assert status_of(served, "shop-one") == "UPDATE_ROLLBACK_FAILED"
    done = deployer.up(*third)
    assert results(done) == {"one": "updated"}
    assert [left.logical_id for _, left in done.left] == ["Group"]
    assert resource_statuses(served, "shop-one")["Other"] == "UPDATE_COMPLETE"


def test_review_in_progress_is_deleted_and_made_anew(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    served.client.create_change_set(
        StackName="shop-one", ChangeSetName="look", ChangeSetType="CREATE",
        TemplateBody=template({"Group": log_group(RetentionInDays=1)}), Tags=TAGS,
    )  # fmt: skip
    assert status_of(served, "shop-one") == "REVIEW_IN_PROGRESS"
    assert results(deployer.up(*WANTED)) == {"one": "created"}


def test_create_failed_that_somebody_kept_is_deleted_and_made_anew(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    stubborn.no_create = {"Bad"}
    body = template({"Group": log_group(RetentionInDays=1), "Bad": {**log_group(), "DependsOn": "Group"}})
    create(served, "shop-one", body, OnFailure="DO_NOTHING", Tags=TAGS)
    assert status_of(served, "shop-one") == "CREATE_FAILED"
    assert resource_statuses(served, "shop-one") == {"Group": "CREATE_COMPLETE", "Bad": "CREATE_FAILED"}
    stubborn.no_create = set()
    done = deployer.up(*WANTED)
    assert results(done) == {"one": "created"}, done
    assert len(served.cloud.world.list("AWS::Logs::LogGroup")) == 1


def test_a_kept_failure_that_holds_data_is_refused_with_the_next_command(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = served.handlers["AWS::DynamoDB::Table"]

    async def made(request: Request) -> Outcome:
        return Outcome("table-1", {"Arn": "arn"})

    async def gone(request: Request) -> None:
        return None

    monkeypatch.setattr(table, "create", made)
    monkeypatch.setattr(table, "delete", gone)
    stubborn.no_create = {"Bad"}
    kept = {**TABLE, "DeletionPolicy": "RetainExceptOnCreate"}
    create(
        served, "shop-one", template({"Data": kept, "Bad": {**log_group(), "DependsOn": "Data"}}),
        DisableRollback=True, Tags=TAGS,
    )  # fmt: skip
    refused = failed(deployer, WANTED)
    assert refused.diagnostic.code == "stack-stuck"
    assert "would delete `Data (table-1)`" in refused.diagnostic.message
    assert "run it with `--delete-data Data`" in refused.diagnostic.helps[0]
    assert (
        "aws cloudformation delete-stack --stack-name shop-one --retain-resources Data" in refused.diagnostic.helps[1]
    )
    assert status_of(served, "shop-one") == "CREATE_FAILED"
    assert results(deployer.up(*WANTED, delete_data=frozenset({"Data"}))) == {"one": "created"}


def test_delete_failed_is_deleted_and_made_anew(served: ServedCloud, stubborn: Stubborn, deployer: Deployer) -> None:
    assert deployer.up(*WANTED).ok
    stubborn.no_delete = {"Group"}
    served.client.delete_stack(StackName="shop-one")
    served.settle()
    assert status_of(served, "shop-one") == "DELETE_FAILED"
    done = deployer.up(*WANTED)
    assert results(done) == {"one": "created"}
    assert [left.logical_id for _, left in done.left] == ["Group"]


def test_update_failed_is_refused_with_the_next_command(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    """The local cloud does not get there (DisableRollback of an update is refused by name); AWS does."""
    assert deployer.up(*WANTED).ok
    stack = served.engine.stack("shop-one")
    stack.status = "UPDATE_FAILED"
    served.run(_store(served, stack))
    refused = failed(deployer, alone({"Group": log_group(RetentionInDays=30)}))
    assert refused.diagnostic.code == "stack-stuck"
    assert refused.diagnostic.helps[0].startswith("run `aws cloudformation rollback-stack --stack-name shop-one")
    assert refused.exit_code == ExitCode.RESOURCE_FAILED


async def _store(served: ServedCloud, stack: Any) -> None:
    served.engine.store.put_stack(stack)


class Slow(Stubborn):
    """Takes until it is let go."""

    def __init__(self, served: ServedCloud) -> None:
        super().__init__(served)
        self.gate = threading.Event()

    async def create(self, request: Request) -> Outcome:
        while not self.gate.is_set():
            await asyncio.sleep(0.01)
        return await super().create(request)


def test_an_operation_of_someone_else_is_waited_for_and_said_every_ten_seconds(
    served: ServedCloud, deployer: Deployer
) -> None:
    slow = Slow(served)
    body = template({"Group": log_group(RetentionInDays=7)})
    served.client.create_stack(StackName="shop-one", TemplateBody=body, Tags=TAGS)

    def let_go() -> None:
        while not any(isinstance(event, events.Waiting) for event in deployer.seen):
            time.sleep(0.02)
        slow.gate.set()

    threading.Thread(target=let_go, daemon=True).start()
    done = deployer.up(*WANTED, pace=Pace(PACE.clock, PACE.sleep, 0.005, 0.05, patience=20.0, remind=0.2))
    assert results(done) == {"one": "updated"}
    said = [event for event in deployer.seen if isinstance(event, events.Waiting)]
    assert said[0].stack == "one"
    assert str(said[0].on[0]).startswith("the stack: CREATE_IN_PROGRESS for 0 s")


def test_a_resource_that_never_gets_ready_ends_the_wait_and_is_named(served: ServedCloud, deployer: Deployer) -> None:
    slow = Slow(served)
    hasty = Pace(PACE.clock, PACE.sleep, 0.005, 0.05, patience=0.5, remind=0.2)
    (outcome,) = deployer.up(*WANTED, pace=hasty).failed
    assert outcome.exit_code == ExitCode.TIMEOUT
    assert outcome.diagnostic is not None
    assert outcome.diagnostic.code == "wait-timed-out"
    assert outcome.diagnostic.notes[0].startswith("waiting on AWS::Logs::LogGroup Group: CREATE_IN_PROGRESS for")
    (stuck,) = deployer.up(*WANTED, pace=hasty).failed
    assert stuck.diagnostic is not None
    assert "describe-stack-events --stack-name shop-one" in stuck.diagnostic.helps[1]
    slow.gate.set()
    assert results(deployer.up(*WANTED)) == {"one": "unchanged"}


def test_a_stack_of_the_same_name_that_belongs_to_someone_else_is_not_touched(
    served: ServedCloud, stubborn: Stubborn, deployer: Deployer
) -> None:
    create(served, "shop-one", template({"Group": log_group(RetentionInDays=1)}))
    refused = failed(deployer, WANTED)
    assert refused.diagnostic.code == "call-refused"
    assert refused.diagnostic.notes == ("AlreadyExistsException: Stack [shop-one] already exists",)
    assert served.cloud.world.list("AWS::Logs::LogGroup")[0].properties == {"RetentionInDays": 1}
