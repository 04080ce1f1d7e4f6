"""What a preview says, and that it changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from botocore.session import Session

from klotho.deploy import events
from klotho.deploy.assets import AssetStep
from klotho.deploy.differences import REPLACED, UNKNOWN, changed_outputs, differences
from klotho.deploy.place import Clients
from klotho.deploy.preview import Preview, preview
from klotho.deploy.stacks import StackCalls
from klotho.deploy.target import HOST
from klotho.stacks import Manifest

from .fake_cloudformation import no_waiting
from .manifests import manifest_of, template_of
from .orchestrated import CHAIN, SPANS, World, no_image

STATUSES: list[str] = Session().get_service_model("cloudformation").shape_for("StackStatus").enum


def preview_in(world: World, manifest: Manifest, files: dict[str, bytes]) -> Preview:
    world.cloud.calls.clear()
    calls = StackCalls(cast(Clients, world.clients), no_waiting())
    live = calls.deployed(project="acme", environment="local", application="shop")
    assets = AssetStep(
        (), program_root=Path("/nonexistent"), cache=Path("/nonexistent"), target=HOST, build_image=no_image,
        sink=world.seen.append, clock=lambda: 0.0,
    )  # fmt: skip
    found = preview(manifest, files, live, assets, calls, "bucket")
    assert world.cloud.mutating == []
    return found


def actions(found: Preview) -> dict[str, str]:
    return {stack.stack: stack.action for stack in found.stacks}


def test_where_nothing_was_deployed_everything_is_created() -> None:
    found = preview_in(World(), *manifest_of(CHAIN))
    assert set(actions(found).values()) == {"create"}
    assert [resource.change for stack in found.stacks for resource in stack.resources] == ["add"] * 4


def test_what_is_deployed_already_is_unchanged() -> None:
    world = World()
    world.deploy(*manifest_of(CHAIN))
    found = preview_in(world, *manifest_of(CHAIN))
    assert set(actions(found).values()) == {"unchanged"}
    assert found.changes == ()


def test_a_create_only_property_replaces_and_consumers_may_change() -> None:
    world = World()
    world.deploy(*manifest_of(CHAIN))
    renamed = {"users": template_of("users", ("network",), TableName="other")}
    found = preview_in(world, *manifest_of(CHAIN, templates=renamed))
    users = found.stacks[[stack.stack for stack in found.stacks].index("users")]
    (replaced,) = users.resources
    assert (replaced.change, replaced.properties, replaced.loses_data) == ("replace", ("TableName",), True)
    assert actions(found) == {"network": "unchanged", "users": "update", "orders": "unchanged", "web": "update"}


def test_what_takes_a_value_of_a_replaced_resource_changes_for_certain() -> None:
    world = World()
    function = template_of("web", ("users",))
    function["Resources"]["webTable"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Environment": {"Variables": {"TABLE": {"Ref": "usersOut"}}}},
    }
    links = {"users": (), "web": ("users",)}
    world.deploy(*manifest_of(links, templates={"web": function}))
    renamed = {"users": template_of("users", TableName="other"), "web": function}
    found = preview_in(world, *manifest_of(links, templates=renamed))
    (changed,) = found.stacks[1].resources
    assert (changed.change, changed.properties, changed.uncertain) == (
        "modify",
        ("Environment.Variables.TABLE",),
        False,
    )


def test_a_stack_that_is_gone_from_the_program_is_deleted_with_its_data() -> None:
    world = World()
    world.deploy(*manifest_of({"old": ()}))
    found = preview_in(world, *manifest_of({"fresh": ()}))
    assert actions(found) == {"fresh": "create", "old": "delete"}
    assert [(stack, item.logical_id) for stack, item in found.data_lost] == [("old", "oldTable")]


def test_a_stack_whose_creation_failed_is_created_anew() -> None:
    world = World()
    world.cloud.failing = {"usersTable"}
    world.deploy(*manifest_of({"users": ()}))
    assert actions(preview_in(world, *manifest_of({"users": ()}))) == {"users": "recreate"}


SETTLED = [name for name in STATUSES if not name.endswith("_IN_PROGRESS") and name != "DELETE_COMPLETE"]


@pytest.mark.parametrize("status", [*SETTLED, "REVIEW_IN_PROGRESS"])
@pytest.mark.parametrize("changed", [True, False])
def test_in_every_status_a_preview_says_what_up_does(status: str, changed: bool) -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    world.cloud.stacks["shop-users"].status = status
    wanted = {"users": template_of("users", TableClass="STANDARD")} if changed else None
    manifest = manifest_of({"users": ()}, templates=wanted)
    (said,) = actions(preview_in(world, *manifest)).values()
    deployment = world.deploy(*manifest)
    (outcome,) = deployment.outcomes
    started = [event.action for event in world.seen if isinstance(event, events.StackStarted)]
    if said == "stuck":
        assert outcome.diagnostic is not None and outcome.diagnostic.code == "stack-stuck"
        assert world.cloud.mutating == [] or world.cloud.mutating[0][0] not in ("update_stack", "delete_stack")
    elif said == "unchanged":
        assert (outcome.result, started) == ("unchanged", [])
    else:
        assert started == [said]


@pytest.mark.parametrize("status", [name for name in STATUSES if name.endswith("_IN_PROGRESS")])
def test_a_busy_stack_is_previewed_as_what_its_operation_leads_to(status: str) -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    world.cloud.stacks["shop-users"].status = status
    (said,) = actions(preview_in(world, *manifest_of({"users": ()}))).values()
    leads_to = {
        "DELETE_IN_PROGRESS": "create",
        "ROLLBACK_IN_PROGRESS": "recreate",
        "REVIEW_IN_PROGRESS": "recreate",
    }
    assert said == leads_to.get(status, "update")


def test_the_json_has_what_the_text_has() -> None:
    world = World()
    world.deploy(*manifest_of({"users": ()}))
    changed = {"users": template_of("users", TableClass="STANDARD")}
    data = preview_in(world, *manifest_of({"users": ()}, templates=changed)).to_json(SPANS)
    (stack,) = data["stacks"]
    (resource,) = stack["resources"]
    assert (stack["name"], stack["action"], data["data_lost"]) == ("users", "update", [])
    assert (resource["change"], resource["properties"]) == ("update", ["TableClass"])
    assert resource["span"] == {"file": "infra.py", "line": 7, "column": 1}


def resources(**types_and_properties: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"Resources": {name: {"Type": t, "Properties": p} for name, (t, p) in types_and_properties.items()}}


def test_what_names_a_replaced_resource_changes_too() -> None:
    def template(cidr: str) -> dict[str, Any]:
        return resources(
            Vpc=("AWS::EC2::VPC", {"CidrBlock": cidr}),
            Subnet=("AWS::EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}),
            Group=("AWS::EC2::SecurityGroup", {"GroupDescription": "d", "VpcId": {"Fn::GetAtt": ["Vpc", "VpcId"]}}),
            Role=("AWS::IAM::Role", {"AssumeRolePolicyDocument": {}, "Path": {"Fn::Sub": "/x/"}}),
        )

    found = differences(template("10.0.0.0/16"), {}, template("10.1.0.0/16"), {})
    assert {item.logical_id: item.change for item in found} == {
        "Vpc": "replace",
        "Subnet": "replace",
        "Group": "replace",
    }


def test_a_parameter_known_after_deploy_makes_the_change_uncertain() -> None:
    template = resources(Role=("AWS::IAM::Role", {"AssumeRolePolicyDocument": {}, "Description": {"Ref": "In"}}))
    (item,) = differences(template, {"In": "arn"}, template, {"In": UNKNOWN})
    assert (item.change, item.properties, item.uncertain) == ("modify", ("Description",), True)


def test_a_changed_parameter_inside_a_sub_is_a_change() -> None:
    template = resources(Role=("AWS::IAM::Role", {"Description": {"Fn::Sub": "on ${In} in ${AWS::Region}"}}))
    (item,) = differences(template, {"In": "a"}, template, {"In": "b"})
    assert (item.properties, item.uncertain) == (("Description",), False)


def test_another_type_under_the_same_id_is_a_replacement() -> None:
    before, after = resources(X=("AWS::EC2::VPC", {})), resources(X=("AWS::EC2::EIP", {}))
    (item,) = differences(before, {}, after, {})
    assert item.change == "replace"


def test_outputs_of_new_or_replaced_resources_are_unknown() -> None:
    before = {**template_of("users"), "Outputs": {"Same": {"Value": {"Ref": "usersTable"}}}}
    after = {
        **template_of("users", TableName="x"),
        "Outputs": {"Same": {"Value": {"Ref": "usersTable"}}, "New": {"Value": "x"}},
    }
    found = differences(before, {}, after, {})
    assert changed_outputs(before, {}, after, {}, found) == {"Same": REPLACED, "New": "x"}
    assert changed_outputs(before, {}, before, {}, []) == {}


def test_an_output_that_hands_on_a_parameter_differs_with_it() -> None:
    template = {"Outputs": {"On": {"Value": {"Ref": "In"}}, "Text": {"Value": {"Fn::Sub": "x-${In}"}}}}
    assert changed_outputs(template, {"In": "a"}, template, {"In": "b"}, []) == {"On": "b", "Text": "x-b"}
    assert changed_outputs(template, {"In": "a"}, template, {"In": UNKNOWN}, []) == {"On": UNKNOWN, "Text": UNKNOWN}
    assert changed_outputs(template, {"In": "a"}, template, {"In": "a"}, []) == {}
