"""Stack refactoring and resource import, called with boto3 over a real socket; crashes at every point of both."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from klotho.localcloud.cloudformation.changesets import ChangeSetRequest, ChangeSets
from klotho.localcloud.cloudformation.engine import Engine, StackRequest
from klotho.localcloud.cloudformation.imports import ResourceToImport
from klotho.localcloud.cloudformation.refactors import RefactorRequest, Refactors
from klotho.localcloud.handlers import build_handlers

from .builders import ServedCloud, log_group, record_cloud, subnet, template, vpc
from .test_stacks import create, error_of, events, status_of

pytestmark = pytest.mark.localcloud
KEPT = {"DeletionPolicy": "Retain"}
LOGS = log_group(RetentionInDays=7)
OTHER = log_group(RetentionInDays=14)


def refactor(served: ServedCloud, definitions: dict[str, str], **options: Any) -> dict[str, Any]:
    """Create a refactor; its description."""
    made = served.client.create_stack_refactor(
        StackDefinitions=[{"StackName": name, "TemplateBody": body} for name, body in definitions.items()], **options
    )
    found: dict[str, Any] = served.client.describe_stack_refactor(StackRefactorId=made["StackRefactorId"])
    return found


def mapping(source: str, old: str, to: str, new: str) -> dict[str, Any]:
    return {
        "Source": {"StackName": source, "LogicalResourceId": old},
        "Destination": {"StackName": to, "LogicalResourceId": new},
    }


def physical(served: ServedCloud, stack: str) -> dict[str, str]:
    found = served.client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}


def test_resources_move_to_a_new_stack_and_keep_what_they_are(served: ServedCloud) -> None:
    create(served, "net", template({"Vpc": vpc(), "Subnet": subnet({"Ref": "Vpc"}), "Logs": LOGS}))
    before = physical(served, "net")
    found = refactor(
        served,
        {"net": template({"Logs": LOGS}), "core": template({"Main": vpc(), "Subnet": subnet({"Ref": "Main"})})},
        EnableStackCreation=True,
        ResourceMappings=[mapping("net", "Vpc", "core", "Main")],
    )
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    actions = served.client.list_stack_refactor_actions(StackRefactorId=found["StackRefactorId"])
    shown = [(item["Action"], item["Entity"], item.get("Detection")) for item in actions["StackRefactorActions"]]
    assert shown == [("CREATE", "STACK", None), ("MOVE", "RESOURCE", "MANUAL"), ("MOVE", "RESOURCE", "AUTO")]
    assert physical(served, "net") == before

    served.client.execute_stack_refactor(StackRefactorId=found["StackRefactorId"])
    done = served.client.describe_stack_refactor(StackRefactorId=found["StackRefactorId"])
    assert done["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert physical(served, "net") == {"Logs": before["Logs"]}
    assert physical(served, "core") == {"Main": before["Vpc"], "Subnet": before["Subnet"]}
    assert (status_of(served, "net"), status_of(served, "core")) == ("UPDATE_COMPLETE", "CREATE_COMPLETE")
    record = served.cloud.world.get("AWS::EC2::VPC", before["Vpc"])
    assert record is not None
    assert (record.stack_name, record.logical_id) == ("core", "Main")
    # The new stack owns them: it updates them in place, and deletes them.
    served.client.update_stack(
        StackName="core",
        TemplateBody=template({"Main": {**vpc(), "Metadata": 1}, "Subnet": subnet({"Ref": "Main"}), "More": OTHER}),
    )
    served.settle()
    assert physical(served, "core")["Main"] == before["Vpc"]
    served.client.delete_stack(StackName="core")
    served.settle()
    assert [record.identifier for record in served.cloud.world.all()] == [before["Logs"]]


def test_logical_ids_change_within_a_stack_and_outputs_follow(served: ServedCloud) -> None:
    create(served, "net", template({"Old": LOGS}, Outputs={"Name": {"Value": {"Ref": "Old"}}}))
    before = physical(served, "net")["Old"]
    found = refactor(served, {"net": template({"New": LOGS}, Outputs={"Name": {"Value": {"Ref": "New"}}})})
    served.client.execute_stack_refactor(StackRefactorId=found["StackRefactorId"])
    assert physical(served, "net") == {"New": before}
    outputs = served.client.describe_stacks(StackName="net")["Stacks"][0]["Outputs"]
    assert outputs == [{"OutputKey": "Name", "OutputValue": before}]
    assert ("net", "UPDATE_COMPLETE") in events(served, "net")
    served.client.execute_stack_refactor(StackRefactorId=found["StackRefactorId"])
    listed = served.client.list_stack_refactors()["StackRefactorSummaries"]
    assert [item["ExecutionStatus"] for item in listed] == ["EXECUTE_COMPLETE"]


REFUSED = {
    "a resource is changed": ({"one": {"Logs": OTHER}, "two": {"Vpc": vpc()}}, "modifying resources"),
    "a resource is created": ({"one": {"Logs": LOGS, "Cluster": OTHER}, "two": {"Vpc": vpc()}}, "creating resources"),
    "a resource is deleted": ({"one": {"Vpc": vpc()}, "two": {"Vpc": vpc()}}, "creating resources"),
    "one goes without coming": ({"one": {"Logs": LOGS}, "two": {"Logs": LOGS}}, "creating resources"),
    "a stack would be empty": ({"one": {}, "two": {"Vpc": vpc(), "Logs": LOGS}}, "At least one Resources member"),
    "a policy is changed": ({"one": {"Logs": {**LOGS, **KEPT}}, "two": {"Vpc": vpc()}}, "DeletionPolicy of Logs"),
    "a stack is not there": ({"one": {"Logs": LOGS}, "six": {"Vpc": vpc()}}, "six does not exist"),
    "parameters are added": (
        {"one": {"Logs": LOGS}, "two": {"Vpc": vpc()}, "Parameters": {"P": {"Type": "String", "Default": "x"}}},
        "changing the Parameters",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_aws_would_not_refactor_fails_with_the_reason(served: ServedCloud, case: str) -> None:
    create(served, "one", template({"Logs": LOGS}))
    create(served, "two", template({"Vpc": vpc()}))
    wanted, reason = REFUSED[case]
    sections = {"Parameters": wanted["Parameters"]} if "Parameters" in wanted else {}
    bodies = {name: template(resources, **sections) for name, resources in wanted.items() if name != "Parameters"}
    found = refactor(served, bodies)
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_FAILED", "UNAVAILABLE")
    assert reason in found["StatusReason"]
    with pytest.raises(ClientError, match="can't be executed in execution status UNAVAILABLE"):
        served.client.execute_stack_refactor(StackRefactorId=found["StackRefactorId"])


def test_a_refactor_is_obsolete_once_its_stack_has_changed(served: ServedCloud) -> None:
    create(served, "net", template({"Old": LOGS}))
    found = refactor(served, {"net": template({"New": LOGS})})
    served.client.update_stack(StackName="net", TemplateBody=template({"Old": OTHER}))
    served.settle()
    now = served.client.describe_stack_refactor(StackRefactorId=found["StackRefactorId"])
    assert now["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ClientError) as caught:
        served.client.describe_stack_refactor(StackRefactorId="none")
    assert error_of(caught)[0] == "StackRefactorNotFoundException"


def propose_import(served: ServedCloud, resources: dict[str, Any], logical_id: str, name: str, **more: Any) -> None:
    served.client.create_change_set(
        StackName="home",
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=template(resources, **more),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::Logs::LogGroup",
                "LogicalResourceId": logical_id,
                "ResourceIdentifier": {"LogGroupName": name},
            }
        ],
    )


def retained(served: ServedCloud) -> str:
    """A log group that its stack has let go."""
    create(served, "net", template({"Logs": {**LOGS, **KEPT}, "Vpc": vpc()}))
    name = physical(served, "net")["Logs"]
    served.client.update_stack(StackName="net", TemplateBody=template({"Vpc": vpc()}))
    served.settle()
    return name


def test_a_retained_resource_is_imported_into_another_stack(served: ServedCloud) -> None:
    name = retained(served)
    create(served, "home", template({"Vpc": vpc()}))
    propose_import(served, {"Vpc": vpc(), "Mine": {**LOGS, **KEPT}}, "Mine", name)
    found = served.client.describe_change_set(StackName="home", ChangeSetName="import")
    (change,) = found["Changes"]
    assert (change["ResourceChange"]["Action"], change["ResourceChange"]["PhysicalResourceId"]) == ("Import", name)
    served.client.execute_change_set(StackName="home", ChangeSetName="import", ClientRequestToken="one")
    assert status_of(served, "home") == "IMPORT_COMPLETE"
    assert physical(served, "home")["Mine"] == name
    assert ("Mine", "IMPORT_COMPLETE") in events(served, "home")
    # It is the stack's from now on.
    served.client.update_stack(StackName="home", TemplateBody=template({"Vpc": vpc(), "Mine": OTHER}))
    served.settle()
    assert (status_of(served, "home"), physical(served, "home")["Mine"]) == ("UPDATE_COMPLETE", name)
    served.client.delete_stack(StackName="home")
    served.settle()
    assert served.cloud.world.get("AWS::Logs::LogGroup", name) is None


def test_an_import_may_make_the_stack(served: ServedCloud) -> None:
    name = retained(served)
    propose_import(served, {"Mine": {**LOGS, **KEPT}}, "Mine", name)
    assert status_of(served, "home") == "REVIEW_IN_PROGRESS"
    served.client.execute_change_set(StackName="home", ChangeSetName="import")
    assert (status_of(served, "home"), physical(served, "home")) == ("IMPORT_COMPLETE", {"Mine": name})


@pytest.mark.parametrize(
    ("resources", "more", "reason"),
    [
        ({"Vpc": vpc(), "Mine": LOGS}, {}, "must have a DeletionPolicy"),
        ({"Vpc": vpc(), "Mine": {**LOGS, **KEPT}, "Also": OTHER}, {}, "also concerns: .Also."),
        ({"Mine": {**LOGS, **KEPT}}, {}, "also concerns: .Vpc."),
        ({"Vpc": vpc(), "Mine": {**LOGS, **KEPT}}, {"Outputs": {"A": {"Value": "a"}}}, "modify or add .Outputs."),
    ],
)
def test_what_aws_would_not_import_is_refused(
    served: ServedCloud, resources: dict[str, Any], more: dict[str, Any], reason: str
) -> None:
    name = retained(served)
    create(served, "home", template({"Vpc": vpc()}))
    with pytest.raises(ClientError, match=reason):
        propose_import(served, resources, "Mine", name, **more)


@pytest.mark.parametrize(
    ("body", "identifier", "reason"),
    [
        ({**LOGS, **KEPT}, "never-made", "does not exist"),
        ({**OTHER, **KEPT}, None, "other values: RetentionInDays"),
        ({**LOGS, **KEPT}, "owned", "already exists in stack"),
    ],
)
def test_an_import_that_can_not_be_is_rolled_back(
    served: ServedCloud, body: dict[str, Any], identifier: str | None, reason: str
) -> None:
    name = retained(served)
    create(served, "home", template({"Vpc": vpc()}))
    if identifier == "owned":
        create(served, "owner", template({"Logs": log_group(LogGroupName="owned", RetentionInDays=7)}))
    propose_import(served, {"Vpc": vpc(), "Mine": body}, "Mine", identifier or name)
    before = list(served.cloud.world.all())
    served.client.execute_change_set(StackName="home", ChangeSetName="import")
    stack = served.client.describe_stacks(StackName="home")["Stacks"][0]
    assert stack["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    assert reason in stack["StackStatusReason"]
    assert list(served.cloud.world.all()) == before
    assert "Mine" not in physical(served, "home")


class Crash(BaseException):
    """A kill -9."""


def _picture(engine: Engine) -> Any:
    store = engine.store
    stacks = sorted(store.stacks(), key=lambda stack: stack.name)
    rows = {
        stack.name: {
            name: (item.physical_id, item.status, item.depends_on)
            for name, item in store.resources(stack.stack_id).items()
        }
        for stack in stacks
    }
    records = [(record.identifier, record.stack_name, record.logical_id) for record in engine.cloud.world.all()]
    return [(stack.name, stack.status, stack.outputs) for stack in stacks], rows, records


async def _life(engine: Engine) -> None:
    """Move a log group to another stack, let go of it there, import it back: what of it is still to do."""
    body = {"Logs": {**LOGS, **KEPT}, "Vpc": vpc()}

    def request(name: str, resources: dict[str, Any]) -> StackRequest:
        return StackRequest(name, template(resources))

    if engine.find("one") is None:
        engine.create_stack(request("one", body))
    await engine.settle()
    if engine.find("two") is None:
        definitions = {"one": template({"Vpc": vpc()}), "two": template({"Moved": {**LOGS, **KEPT}})}
        refactors = Refactors(engine)
        refactors.execute(refactors.create(RefactorRequest(definitions, {}, create_stacks=True)).refactor_id)
    two = engine.find("two")
    assert two is not None
    moved = engine.store.resources(two.stack_id).get("Moved")
    if moved is not None:
        engine.update_stack(request("two", {"Other": OTHER}))
    await engine.settle()
    one = engine.find("one")
    assert one is not None
    if "Logs" not in engine.store.resources(one.stack_id):
        name = next(record.identifier for record in engine.cloud.world.all() if record.logical_id == "Moved")
        sets = ChangeSets(engine)
        wanted = [ResourceToImport("AWS::Logs::LogGroup", "Logs", {"LogGroupName": name})]
        if not engine.store.change_sets(one.stack_id):
            sets.create(ChangeSetRequest(request("one", body), "back", "IMPORT", imports=wanted))
        sets.execute("back", "one", None)


def test_a_crash_at_every_point_of_a_refactor_and_an_import_leaves_all_or_nothing(tmp_path: Path) -> None:
    async def lived(folder: Path, strike: Any = lambda name: None) -> Any:
        cloud = record_cloud(folder)
        engine = Engine(cloud, dict(build_handlers(cloud)), strike)
        try:
            await engine.recover()
            await engine.settle()
            await _life(engine)
            return _picture(engine)
        finally:
            await engine.close()
            cloud.database.close()

    seen: list[str] = []
    undisturbed = asyncio.run(lived(tmp_path / "whole", seen.append))
    assert {"before refactor", "after refactor", "before import", "after import"} <= set(seen)
    assert json.dumps(undisturbed).count("IMPORT_COMPLETE") == 2
    for at in range(len(seen)):
        count = iter(range(len(seen)))

        def strike(name: str, at: int = at, count: Any = count) -> None:
            if next(count, None) == at:
                raise Crash(name)

        with pytest.raises(Crash):
            asyncio.run(lived(tmp_path / f"crash-{at}", strike))
        assert asyncio.run(lived(tmp_path / f"crash-{at}")) == undisturbed, f"crash at {seen[at]}"
