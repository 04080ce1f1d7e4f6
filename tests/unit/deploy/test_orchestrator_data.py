"""What the orchestrator does about stacks that hold data: consent, refusals and protection."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from klotho.diagnostics import Failure, Span
from klotho.stacks import DIGEST, Manifest

from .manifests import Links, manifest_of, template_of
from .orchestrated import CHAIN, World


def test_a_retained_table_is_let_go_of_only_when_the_data_may_go() -> None:
    template = template_of("old")
    template["Resources"]["oldTable"]["DeletionPolicy"] = "RetainExceptOnCreate"
    for delete_data, calls in ((False, ["delete_stack"]), (True, ["update_stack", "delete_stack"])):
        world = World()
        world.deploy(*manifest_of({"old": ()}, templates={"old": template}, stateful=frozenset({"old"})))
        assert world.deploy(*manifest_of({}), delete_data=frozenset({"old"} if delete_data else ())).ok
        assert [call for call, _ in world.cloud.mutating] == calls
        (gone,) = world.cloud.gone.values()
        policy = json.loads(gone.template)["Resources"]["oldTable"]["DeletionPolicy"]
        assert policy == ("Delete" if delete_data else "RetainExceptOnCreate")


KEYED = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
MAILED = {
    "KeySchema": [{"AttributeName": "mail", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "mail", "AttributeType": "S"}],
}


@pytest.mark.parametrize(("change", "property_name"), [({"TableName": "other"}, "TableName"), (MAILED, "KeySchema")])
def test_replacing_a_table_is_refused_before_anything_is_deployed(change: Any, property_name: str) -> None:
    world = World()
    stateful = frozenset({"users"})
    links: Links = {"first": (), "users": ("first",), "orders": ()}
    world.deploy(*manifest_of(links, templates={"users": template_of("users", ("first",), **KEYED)}, stateful=stateful))
    changed = {
        "first": template_of("first", TableClass="STANDARD"),
        "users": template_of("users", ("first",), **{**KEYED, **change}),
    }
    manifest = manifest_of(links, templates=changed, stateful=stateful)
    with pytest.raises(Failure) as refused:
        world.deploy(*manifest)
    found = refused.value.diagnostic
    assert (found.code, found.span) == ("data-would-be-deleted", Span("infra.py", 7))
    assert "`users`" in found.message
    assert f"{property_name} can't be changed in place" in found.notes[0]
    assert found.notes[-1] == "nothing was deployed"
    assert world.cloud.mutating == []
    assert world.deploy(*manifest, delete_data=frozenset({"users"})).ok


def test_a_table_removed_from_a_stack_that_stays_is_refused_too() -> None:
    world = World()
    both = template_of("users")
    both["Resources"]["Second"] = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
    stateful = frozenset({"users"})
    world.deploy(*manifest_of({"users": ()}, templates={"users": both}, stateful=stateful))
    with pytest.raises(Failure, match="Second"):
        world.deploy(*manifest_of({"users": ()}, stateful=stateful))
    assert world.cloud.mutating == []


def test_a_replacement_that_only_this_run_brings_about_fails_its_stack_before_it_begins() -> None:
    world = World()
    links: Links = {"first": (), "users": ("first",)}
    named = template_of("users", ("first",), TableName={"Ref": "firstOut"})
    stateful = frozenset({"users"})
    first = template_of("first")
    first["Resources"]["firstTable"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}}
    world.deploy(*manifest_of(links, templates={"users": named, "first": first}, stateful=stateful))
    first["Resources"]["firstTable"]["Properties"]["QueueName"] = "two"
    first["Outputs"]["firstOut"]["Value"] = {"Ref": DIGEST}
    deployment = world.deploy(*manifest_of(links, templates={"users": named, "first": first}, stateful=stateful))
    (failed,) = deployment.failed
    assert failed.diagnostic is not None
    assert failed.diagnostic.code == "data-would-be-deleted"
    assert world.cloud.mutating == [("update_stack", "shop-first")]


def test_a_change_in_place_of_a_table_needs_no_consent() -> None:
    world = World()
    stateful = frozenset({"users"})
    world.deploy(*manifest_of({"users": ()}, stateful=stateful))
    changed = {"users": template_of("users", TableClass="STANDARD")}
    assert world.deploy(*manifest_of({"users": ()}, templates=changed, stateful=stateful)).ok


def protected(manifest: Manifest, *names: str) -> Manifest:
    """The manifest with these stacks protected."""
    stacks = tuple(dataclasses.replace(stack, protected=stack.name in names) for stack in manifest.stacks)
    return dataclasses.replace(manifest, stacks=stacks)


def test_a_protected_stack_can_not_be_deleted_until_it_is_not_protected_any_more() -> None:
    world = World()
    manifest, files = manifest_of(CHAIN, stateful=frozenset({"users"}))
    world.deploy(protected(manifest, "users"), files)
    assert [name for name, stack in world.cloud.stacks.items() if stack.protected] == ["shop-users"]
    world.deploy(protected(manifest, "users"), files)
    assert world.cloud.mutating == []
    world.deploy(manifest, files)
    assert world.cloud.mutating == [("update_stack", "shop-users"), ("update_termination_protection", "shop-users")]
    assert not world.cloud.stacks["shop-users"].protected


def test_a_run_that_ended_before_the_protection_is_made_up_for() -> None:
    world = World()
    manifest, files = manifest_of(CHAIN, stateful=frozenset({"users"}))
    world.deploy(protected(manifest, "users"), files)
    world.cloud.stacks["shop-users"].protected = False
    again = world.deploy(protected(manifest, "users"), files)
    assert set(world.results(again).values()) == {"unchanged"}
    assert world.cloud.mutating == [("update_termination_protection", "shop-users")]
