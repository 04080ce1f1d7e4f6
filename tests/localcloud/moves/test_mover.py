"""Moves between stacks, carried out on the local cloud's CloudFormation: killed after every call, and refused ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cloudformation.builders import REGION, ServedCloud

from klotho.deploy.moves import Deployed, after_moves, planned_moves, read_deployed
from klotho.deploy.moving import Mover
from klotho.deploy.place import Clients, Pace, Place
from klotho.deploy.stacks import StackCalls
from klotho.diagnostics import Failure
from klotho.stacks import Manifest, Stack

pytestmark = pytest.mark.localcloud
CALLS = ("create_stack", "update_stack", "create_stack_refactor", "execute_stack_refactor", "create_change_set",
         "execute_change_set")  # fmt: skip
TAGS = {"klotho:project": "p", "klotho:application": "a", "klotho:environment": "local"}
NET = {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}


def owned(type_name: str, construct: str, properties: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    return {"Type": type_name, "Metadata": {"klotho": {"construct": construct}}, "Properties": properties, **rest}


def data(prefix: str, construct: str) -> dict[str, Any]:
    """A construct whose data (a log group that is kept) know what belongs to them, and what does not."""
    return {
        f"{prefix}Group": owned(
            "AWS::EC2::SecurityGroup", construct, {"GroupDescription": "x", "VpcId": {"Ref": "VpcId"}}
        ),
        f"{prefix}Data": owned(
            "AWS::Logs::LogGroup",
            construct,
            {"RetentionInDays": 7, "Tags": [{"Key": "group", "Value": {"Fn::GetAtt": [f"{prefix}Group", "GroupId"]}}]},
            DeletionPolicy="Retain",
            DependsOn=f"{prefix}Group",
        ),
    }


def using(name: str) -> dict[str, Any]:
    """A neighbour that names the data by `Ref` and inside a text."""
    value = {"Fn::Sub": f"of ${{{name}}} in ${{AWS::Region}}"}
    properties = {"GroupDescription": value, "VpcId": {"Ref": "VpcId"}, "Tags": [{"Key": "of", "Value": {"Ref": name}}]}
    return owned("AWS::EC2::SecurityGroup", "Compute.Function/user", properties)


def body(resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> bytes:
    document = {
        "Parameters": {"VpcId": {"Type": "String"}, "KlothoDigest": {"Type": "String"}},
        "Resources": resources,
        "Outputs": {**(outputs or {}), "KlothoDigest": {"Value": {"Ref": "KlothoDigest"}}},
    }
    return json.dumps(document).encode()


class Killed(BaseException):
    """The deployer's process ends here."""


class Counting:
    """A client that counts the calls that change something, and dies after one of them."""

    def __init__(self, client: Any, killed_at: int | None) -> None:
        self._client = client
        self._killed_at = killed_at
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in CALLS:
            return real

        def counted(**request: Any) -> Any:
            self.count += 1
            try:
                return real(**request)
            finally:
                if self.count == self._killed_at:
                    raise Killed

        return counted


class World:
    """One deployer after the other on one CloudFormation."""

    def __init__(self, served: ServedCloud) -> None:
        self.served = served
        place = Place(REGION, "000000000000", f"http://127.0.0.1:{served.port}", "key", "secret")
        self.clients = Clients(place)
        self.pace = Pace(lambda: 0.0, lambda seconds: None, 0.0, 0.0)
        self.calls = StackCalls(self.clients, self.pace)
        self.said: list[str] = []
        self.run = 0
        self.templates: dict[str, bytes] = {}

    def manifest(self, stacks: Mapping[str, bytes]) -> Manifest:
        self.templates = dict(stacks)
        made = tuple(
            Stack(name, name, name, "digest", {}, (), True, (), {**TAGS, "klotho:stack": name}) for name in stacks
        )
        return Manifest("a", "p", "local", REGION, made, (), ())

    def deployed(self) -> dict[str, Any]:
        return self.calls.deployed(project="p", environment="local", application="a")

    def create(self, name: str, template: bytes, vpc: str) -> None:
        self.served.client.create_stack(
            StackName=name,
            TemplateBody=template.decode(),
            Parameters=[
                {"ParameterKey": "VpcId", "ParameterValue": vpc},
                {"ParameterKey": "KlothoDigest", "ParameterValue": "old"},
            ],
            Tags=[{"Key": key, "Value": value} for key, value in {**TAGS, "klotho:stateful": "true"}.items()],
        )
        self.served.settle()

    def move(self, manifest: Manifest, killed_at: int | None = None) -> int:
        """What `up` does before it deploys; gives how many calls changed something."""
        self.run += 1
        counting = Counting(self.clients.cloudformation, killed_at)
        clients = Clients(self.clients.place)
        clients._made["cloudformation"] = counting
        sink = lambda event: self.said.append(str(event))  # noqa: E731 - a sink is a function
        mover = Mover(manifest, clients, self.pace, sink, f"run{self.run}")
        mover.finish(self.deployed().values())
        there = read_deployed(manifest, self.deployed(), self.calls)
        for move in planned_moves(manifest, self.templates, there):
            mover.move(move)
        return counting.count

    def physical(self) -> dict[str, dict[str, str]]:
        """Physical ids by stack and logical id; placeholders are none of anybody's business."""
        found = {}
        for stack in self.deployed():
            items = self.served.client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
            found[stack] = {
                item["LogicalResourceId"]: item["PhysicalResourceId"]
                for item in items
                if item["LogicalResourceId"] != "KlothoPlaceholder"
            }
        return found


@pytest.fixture
def world(served: ServedCloud) -> World:
    return made_in(served)


def made_in(served: ServedCloud) -> World:
    """A stack with a construct that is to move, and a neighbour that stays."""
    made = World(served)
    served.client.create_stack(StackName="net", TemplateBody=json.dumps({"Resources": NET}))
    served.settle()
    vpc = served.client.list_stack_resources(StackName="net")["StackResourceSummaries"][0]["PhysicalResourceId"]
    outputs = {"Name": {"Value": {"Ref": "OldData"}}}
    resources = {**data("Old", "Databases.KeyValue/x"), "User": using("OldData")}
    made.create("source", body(resources, outputs), vpc)
    return made


def wanted(world: World) -> Manifest:
    return world.manifest({"target": body(data("New", "Databases.KeyValue/x"))})


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation refactors none of these types."""
    monkeypatch.setattr("klotho.localcloud.cloudformation.refactors.can_be_moved", lambda name: False)


def test_a_move_renames_logical_ids_and_leaves_the_neighbours_their_values(world: World) -> None:
    before = world.physical()["source"]
    world.move(wanted(world))
    after = world.physical()
    assert after == {
        "target": {"NewData": before["OldData"], "NewGroup": before["OldGroup"]},
        "source": {"User": before["User"]},
    }
    outputs = world.deployed()["source"].outputs
    assert outputs["Name"] == before["OldData"]
    assert all(stack.moving for stack in world.deployed().values())
    assert "does not refactor" not in "".join(world.said)


def test_what_is_said_before_is_what_is_there_afterwards(world: World) -> None:
    manifest = wanted(world)
    there = read_deployed(manifest, world.deployed(), world.calls)
    said = after_moves(there, planned_moves(manifest, world.templates, there))
    world.move(manifest)
    for stack in ("source", "target"):
        resources = set(world.calls.template(stack)["Resources"]) - {"KlothoPlaceholder"}
        assert set(said.templates[stack]["Resources"]) == resources


@pytest.mark.usefixtures("refusing")
def test_what_is_not_refactored_is_retained_and_imported(world: World) -> None:
    before = world.physical()["source"]
    world.move(wanted(world))
    after = world.physical()
    assert after["target"] == {"NewData": before["OldData"], "NewGroup": before["OldGroup"]}
    assert after["source"] == {"User": before["User"]}
    assert world.deployed()["target"].status == "IMPORT_COMPLETE"
    assert "does not refactor x (Stack Refactor does not support" in "".join(world.said)


@pytest.mark.usefixtures("refusing")
def test_what_can_neither_be_refactored_nor_imported_stays_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("klotho.deploy.moving._can_be_imported", lambda name: False)
    before = world.physical()["source"]
    with pytest.raises(Failure) as refused:
        world.move(wanted(world))
    assert refused.value.diagnostic.code == "move-refused"
    assert "CloudFormation said: Stack Refactor does not support" in refused.value.diagnostic.notes[0]
    assert world.physical()["source"] == before


@pytest.mark.parametrize("way", ["refactored", "imported"])
def test_killed_after_any_call_the_next_run_finishes_it(
    way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if way == "imported":
        request.getfixturevalue("refusing")
    calls, number = 1, 0
    while number < calls:
        with ServedCloud(tmp_path / str(number)) as served:
            world = made_in(served)
            before = world.physical()["source"]
            if number == 0:
                calls = world.move(wanted(world))
                assert calls >= 4
            else:
                with pytest.raises(Killed):
                    world.move(wanted(world), killed_at=number)
                served.settle()
                world.move(wanted(world))
            after = world.physical()
            assert after["target"] == {"NewData": before["OldData"], "NewGroup": before["OldGroup"]}, number
            assert after["source"] == {"User": before["User"]}, number
        number += 1


def test_nothing_moves_where_nothing_is_deployed_or_nothing_changed(world: World) -> None:
    manifest = wanted(world)
    assert planned_moves(manifest, world.templates, Deployed({})) == []
    assert read_deployed(manifest, {}, world.calls).templates == {}
