"""Stacks that are stuck: which way leads out, and going it.

Input: a deployed stack. Output: a stack that can be updated, or none where it was cleared away; what had to be left
behind. Refuses, as a `Failure` with the exact next command: a status Klotho can't lead out of, and deleting a stuck
stack whose resources hold data, unless the data may go.

Source: CloudFormation User Guide, "Understand stack status codes", "Continue rolling back an update", and DeleteStack's
`RetainResources` and ContinueUpdateRollback's `ResourcesToSkip` in the API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from klotho.deploy.data_loss import data_name
from klotho.deploy.deployed import DeployedStack
from klotho.deploy.differences import holds_data
from klotho.deploy.following import ResourceEvent, Settled
from klotho.deploy.outcome import LeftBehind
from klotho.deploy.place import Place
from klotho.deploy.stacks import StackCalls
from klotho.deploy.template import construct_of
from klotho.diagnostics import ExitCode, Failure, one_of

Way = Literal["update", "continue", "clear", "stuck"]

_WAYS: Mapping[str, Way] = {
    "CREATE_COMPLETE": "update",
    "UPDATE_COMPLETE": "update",
    "UPDATE_ROLLBACK_COMPLETE": "update",
    "IMPORT_COMPLETE": "update",
    "IMPORT_ROLLBACK_COMPLETE": "update",
    "UPDATE_ROLLBACK_FAILED": "continue",
    # These can only be deleted. A stack in review has no resources; one that was rolled back has none left.
    "REVIEW_IN_PROGRESS": "clear",
    "ROLLBACK_COMPLETE": "clear",
    "ROLLBACK_FAILED": "clear",
    "CREATE_FAILED": "clear",
    "DELETE_FAILED": "clear",
}
_LEADS_TO: Mapping[str, str] = {
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS": "IMPORT_ROLLBACK_COMPLETE",
}
"""What an operation under way mostly ends in, where that is not a stack that can be updated."""
_MAY_HOLD_DATA = ("CREATE_FAILED", "DELETE_FAILED")
"""Stuck stacks whose resources may have been used: somebody kept what a creation had made, or deleted half of a stack
that worked. What a rollback could not delete was never handed to anybody."""
_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


def way_out(stack: DeployedStack) -> Way:
    """What has to happen before the stack can be what it should be."""
    return _WAYS.get(stack.status, "stuck")


def expected_way(stack: DeployedStack) -> Way | None:
    """What `up` will have to do of a stack that may still be busy; None: it will be gone, and is created."""
    status = _LEADS_TO.get(stack.status, "UPDATE_COMPLETE") if stack.busy else stack.status
    return None if status == "DELETE_COMPLETE" else _WAYS.get(status, "stuck")


def continued(
    calls: StackCalls, stack: DeployedStack, token: str, listen: ResourceEvent
) -> tuple[Settled, tuple[LeftBehind, ...]]:
    """Finish a rollback; what fails in it again is skipped and named: it may not be as its template says."""
    settled = calls.continue_rollback(stack, token, listen)
    if settled.status != "UPDATE_ROLLBACK_FAILED":
        return settled, ()
    stubborn = [item for item in calls.resources(stack.stack_id) if item["ResourceStatus"] == "UPDATE_FAILED"]
    if not stubborn:
        return settled, ()
    names = [str(item["LogicalResourceId"]) for item in stubborn]
    settled = calls.continue_rollback(stack, f"{token}-skip", listen, skip=names)
    why = "its rollback failed twice and was skipped: it may not be as its template says until it changes next"
    return settled, tuple(_left(item, why) for item in stubborn)


def cleared(
    calls: StackCalls, stack: DeployedStack, token: str, listen: ResourceEvent
) -> tuple[Settled, tuple[LeftBehind, ...]]:
    """Delete a stack that can't be updated; what can't be deleted is retained and named."""
    settled = calls.delete(stack, token, listen)
    if settled.status != "DELETE_FAILED":
        return settled, ()
    stubborn = [item for item in calls.resources(stack.stack_id) if item["ResourceStatus"] == "DELETE_FAILED"]
    if not stubborn:
        return settled, ()
    names = [str(item["LogicalResourceId"]) for item in stubborn]
    settled = calls.delete(stack, f"{token}-keep", listen, retain=names)
    return settled, tuple(_left(item, item.get("ResourceStatusReason") or "it can't be deleted") for item in stubborn)


def refuse_lost_data(
    calls: StackCalls,
    stack: DeployedStack,
    place: Place,
    consented: frozenset[str] = frozenset(),
    labels: Mapping[str, str] | None = None,
) -> None:
    """Failure (`stack-stuck`) when clearing the stack away would delete what may hold data nobody gave up by name."""
    if stack.status not in _MAY_HOLD_DATA:
        return
    template = calls.template(stack.stack_name).get("Resources", {})
    held = [
        item
        for item in calls.resources(stack.stack_id)
        if item["ResourceStatus"] not in _GONE
        and item.get("PhysicalResourceId")
        and holds_data(template.get(item["LogicalResourceId"], {}))
        and data_name(construct_of(template[item["LogicalResourceId"]]), item["LogicalResourceId"], labels or {})
        not in consented
    ]
    if not held:
        return
    names = [f"{item['LogicalResourceId']} ({item['PhysicalResourceId']})" for item in held]
    kept = " ".join(str(item["LogicalResourceId"]) for item in held)
    keep = aws_command(place, f"delete-stack --stack-name {stack.stack_name} --retain-resources {kept}")
    raise Failure(
        "stack-stuck",
        f"stack {stack.name} is in {stack.status} and has to be made anew, which would delete {one_of(names)}",
        helps=(
            f"run it with `{_letting_go(held, template, labels or {})}` to lose the data for good",
            f"`{keep}` keeps them, outside of any stack, if the stack is in DELETE_FAILED",
        ),
        exit_code=ExitCode.RESOURCE_FAILED,
    )


def _letting_go(held: Sequence[Any], template: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    ids = (str(item["LogicalResourceId"]) for item in held)
    names = {data_name(construct_of(template[name]), name, labels) for name in ids}
    return " ".join(f"--delete-data {name}" for name in sorted(names))


def stuck(stack: DeployedStack, place: Place) -> Failure:
    """What to say of a status Klotho can't lead out of."""
    commands: dict[str, Sequence[str]] = {
        "UPDATE_FAILED": (f"rollback-stack --stack-name {stack.stack_name}",),
        "IMPORT_ROLLBACK_FAILED": (f"describe-stack-events --stack-name {stack.stack_name}",),
    }
    asked = commands.get(stack.status, (f"describe-stack-events --stack-name {stack.stack_name}",))
    return Failure(
        "stack-stuck",
        f"stack {stack.name} is in {stack.status}, and CloudFormation neither updates nor deletes it as it is",
        notes=(stack.reason,) if stack.reason else (),
        helps=(*(f"run `{aws_command(place, words)}`" for words in asked), "then run `klotho up` again"),
        exit_code=ExitCode.RESOURCE_FAILED,
    )


def busy_helps(stack: DeployedStack, place: Place) -> tuple[str, ...]:
    """What else helps when the operation of someone else does not end."""
    if stack.status == "UPDATE_IN_PROGRESS":
        return (f"`{aws_command(place, f'cancel-update-stack --stack-name {stack.stack_name}')}` stops that update",)
    return (f"`{aws_command(place, f'describe-stack-events --stack-name {stack.stack_name}')}` shows what it does",)


def aws_command(place: Place, words: str) -> str:
    """A command line of the AWS CLI for this place."""
    endpoint = f" --endpoint-url {place.endpoint_url}" if place.endpoint_url else ""
    return f"aws cloudformation {words} --region {place.region}{endpoint}"


def _left(item: Mapping[str, Any], why: str) -> LeftBehind:
    return LeftBehind(
        str(item["LogicalResourceId"]), str(item["ResourceType"]), str(item.get("PhysicalResourceId", "")), why
    )
