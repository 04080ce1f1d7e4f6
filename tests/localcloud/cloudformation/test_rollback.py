"""What happens when a resource fails: rollback, its events, and how to go on from there."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from klotho.localcloud.cloudformation.steps import _reason
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request

from .builders import ServedCloud, log_group, subnet, template, vpc
from .test_stacks import create, error_of, events, resource_statuses, status_of, update

pytestmark = pytest.mark.localcloud
BAD = log_group(RetentionInDays=2)


def after(resource: str) -> dict[str, object]:
    """A resource that fails, after another one."""
    return {**BAD, "DependsOn": resource}


def test_a_failed_create_deletes_what_was_made_and_says_why(served: ServedCloud) -> None:
    create(served, "net", template({"Vpc": vpc(), "Bad": after("Vpc")}))
    assert status_of(served, "net") == "ROLLBACK_COMPLETE"
    assert list(served.cloud.world.all()) == []
    found = served.client.describe_stack_events(StackName="net")["StackEvents"]
    (failed,) = [item for item in found if item["ResourceStatus"] == "CREATE_FAILED"]
    assert "RetentionInDays" in failed["ResourceStatusReason"]
    (begun,) = [item for item in found if item["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"]
    assert begun["ResourceStatusReason"] == (
        "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    )
    assert resource_statuses(served, "net") == {"Vpc": "DELETE_COMPLETE", "Bad": "CREATE_FAILED"}
    with pytest.raises(ClientError) as caught:
        update(served, "net", template({"Vpc": vpc()}))
    code, message = error_of(caught)
    assert code == "ValidationError"
    assert message.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")
    served.client.delete_stack(StackName="net")
    served.settle()
    create(served, "net", template({"Vpc": vpc()}))
    assert status_of(served, "net") == "CREATE_COMPLETE"


def test_a_failed_update_restores_properties_replacements_and_additions(served: ServedCloud) -> None:
    before = {"Vpc": vpc(), "Subnet": subnet({"Ref": "Vpc"}), "Logs": log_group(RetentionInDays=7)}
    create(served, "net", template(before, Outputs={"V": {"Value": {"Ref": "Vpc"}}}))
    world = list(served.cloud.world.all())
    changed = {
        "Vpc": vpc("10.5.0.0/16"),
        "Logs": log_group(RetentionInDays=30),
        "New": {"Type": "AWS::EC2::InternetGateway"},
        "Bad": {**BAD, "DependsOn": ["Vpc", "Logs", "New"]},
    }
    update(served, "net", template(changed))
    assert status_of(served, "net") == "UPDATE_ROLLBACK_COMPLETE"
    assert list(served.cloud.world.all()) == world
    assert set(resource_statuses(served, "net")) == {"Vpc", "Subnet", "Logs"}
    assert ("net", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS") in events(served, "net")
    stack = served.client.describe_stacks(StackName="net")["Stacks"][0]
    assert stack["Outputs"][0]["OutputKey"] == "V"
    assert served.client.get_template(StackName="net")["TemplateBody"]["Resources"]["Vpc"] == vpc()
    update(served, "net", template({"Vpc": vpc("10.6.0.0/16")}))
    assert status_of(served, "net") == "UPDATE_COMPLETE"


def test_independent_resources_that_fail_are_all_named(served: ServedCloud) -> None:
    create(served, "net", template({"BadA": BAD, "BadB": BAD}))
    reason = served.client.describe_stacks(StackName="net")["Stacks"][0].get("StackStatusReason")
    assert reason is None
    begun = [
        item["ResourceStatusReason"]
        for item in served.client.describe_stack_events(StackName="net")["StackEvents"]
        if item["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"
    ]
    assert begun == ["The following resource(s) failed to create: [BadA, BadB]. Rollback requested by user."]


class Stubborn(Handler):
    """Refuses updates while told to."""

    type_name = "AWS::Logs::LogGroup"
    carries = frozenset({"RetentionInDays"})
    refusing = False

    async def create(self, request: Request) -> Outcome:
        return Outcome(f"group-{request.logical_id}", {"Arn": "arn"})

    async def update(self, request: Request) -> Outcome:
        if self.refusing:
            raise HandlerError("not now", "Throttling")
        return Outcome(str(request.identifier), request.attributes)

    async def delete(self, request: Request) -> None:
        if request.properties.get("RetentionInDays") == 1:
            raise ZeroDivisionError("a fault in a handler")


def test_a_rollback_that_fails_can_be_continued(served: ServedCloud) -> None:
    stubborn = Stubborn(served.cloud)
    served.handlers["AWS::Logs::LogGroup"] = stubborn
    served.engine.handlers = served.handlers
    create(served, "logs", template({"Logs": log_group(RetentionInDays=7)}))
    stubborn.refusing = True
    update(served, "logs", template({"Logs": log_group(RetentionInDays=14)}))
    assert status_of(served, "logs") == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="UPDATE_ROLLBACK_FAILED state and can not be updated"):
        update(served, "logs", template({"Logs": log_group(RetentionInDays=30)}))
    stubborn.refusing = False
    served.client.continue_update_rollback(StackName="logs", ClientRequestToken="again")
    served.settle()
    assert status_of(served, "logs") == "UPDATE_ROLLBACK_COMPLETE"
    assert served.cloud.world.list("AWS::Logs::LogGroup")[0].properties == {"RetentionInDays": 7}
    with pytest.raises(ClientError, match="can not continue an update rollback"):
        served.client.continue_update_rollback(StackName="logs", ClientRequestToken="third")


def test_a_fault_in_a_handler_fails_the_resource_alone_and_is_named(served: ServedCloud) -> None:
    served.handlers["AWS::Logs::LogGroup"] = Stubborn(served.cloud)
    served.engine.handlers = served.handlers
    create(served, "logs", template({"Bad": log_group(RetentionInDays=1), "Good": log_group(RetentionInDays=3)}))
    served.client.delete_stack(StackName="logs")
    served.settle()
    assert status_of(served, "logs") == "DELETE_FAILED"
    assert resource_statuses(served, "logs") == {"Bad": "DELETE_FAILED", "Good": "DELETE_COMPLETE"}
    found = served.client.describe_stack_resource(StackName="logs", LogicalResourceId="Bad")["StackResourceDetail"]
    assert (
        "Internal failure in the local cloud: ZeroDivisionError: a fault in a handler" in found["ResourceStatusReason"]
    )
    served.client.delete_stack(StackName="logs", RetainResources=["Bad"])
    served.settle()
    assert [record.logical_id for record in served.cloud.world.all()] == ["Bad"]


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_deletion_policy_leaves_the_resource_behind(served: ServedCloud, policy: str) -> None:
    create(served, "logs", template({"Logs": {**log_group(RetentionInDays=7), "DeletionPolicy": policy}}))
    served.client.delete_stack(StackName="logs")
    served.settle()
    assert [record.logical_id for record in served.cloud.world.all()] == ["Logs"]


def test_retain_except_on_create_does_not_keep_what_a_failed_create_made(served: ServedCloud) -> None:
    kept = {**log_group(RetentionInDays=7), "DeletionPolicy": "RetainExceptOnCreate"}
    create(served, "logs", template({"Logs": kept, "Bad": after("Logs")}))
    assert list(served.cloud.world.all()) == []


def test_update_replace_policy_keeps_the_replaced_resource(served: ServedCloud) -> None:
    create(served, "net", template({"Vpc": vpc()}))
    update(served, "net", template({"Vpc": vpc("10.7.0.0/16", UpdateReplacePolicy="Retain")}))
    assert len(served.cloud.world.list("AWS::EC2::VPC")) == 2
    assert ("Vpc", "DELETE_SKIPPED") in events(served, "net")


def test_a_snapshot_policy_without_snapshots_keeps_the_resource_and_says_so(served: ServedCloud) -> None:
    create(served, "logs", template({"Logs": {**log_group(RetentionInDays=7), "DeletionPolicy": "Snapshot"}}))
    stack_id = served.client.describe_stacks(StackName="logs")["Stacks"][0]["StackId"]
    served.client.delete_stack(StackName="logs")
    served.settle()
    assert len(served.cloud.world.list("AWS::Logs::LogGroup")) == 1
    skipped = [
        item["ResourceStatusReason"]
        for item in served.client.describe_stack_events(StackName=stack_id)["StackEvents"]
        if item["ResourceStatus"] == "DELETE_SKIPPED"
    ]
    assert len(skipped) == 1
    assert "takes no snapshots of AWS::Logs::LogGroup" in skipped[0]


def test_what_another_stack_still_names_cannot_be_deleted(served: ServedCloud) -> None:
    create(served, "net", template({"Vpc": vpc()}))
    identifier = served.cloud.world.list("AWS::EC2::VPC")[0].identifier
    create(served, "app", template({"Subnet": subnet(identifier)}))
    served.client.delete_stack(StackName="net")
    served.settle()
    assert status_of(served, "net") == "DELETE_FAILED"
    found = served.client.describe_stack_resource(StackName="net", LogicalResourceId="Vpc")["StackResourceDetail"]
    reason = found["ResourceStatusReason"]
    assert "DependencyViolation" in reason
    assert "AWS::EC2::Subnet Subnet" in reason and "of stack app" in reason
    for name in ("app", "net"):
        served.client.delete_stack(StackName=name)
        served.settle()
    assert list(served.cloud.world.all()) == []


def test_a_reference_to_what_does_not_exist_fails_the_resource(served: ServedCloud) -> None:
    create(served, "app", template({"Subnet": subnet("vpc-0123456789abcdef0")}))
    found = served.client.describe_stack_resource(StackName="app", LogicalResourceId="Subnet")["StackResourceDetail"]
    assert found["ResourceStatusReason"] == (
        "The vpc ID 'vpc-0123456789abcdef0' does not exist (HandlerErrorCode: NotFound)"
    )


def test_the_error_code_falsifies_no_line_of_a_log() -> None:
    assert _reason(HandlerError("no such vpc", "NotFound")) == "no such vpc (HandlerErrorCode: NotFound)"
    reason = _reason(HandlerError("it ended:\nNo module named 'x'", "NotStabilized"))
    assert reason.split("\n") == ["it ended:", "No module named 'x'", " (HandlerErrorCode: NotStabilized)"]
    assert _reason(HandlerError("it ended:\nlast line")) == "it ended:\nlast line"
