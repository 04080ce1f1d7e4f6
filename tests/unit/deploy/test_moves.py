"""Which moves are certain and which renames are offered, from templates alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.deploy.moves import Deployed, Move, MovedResource, Rename, planned_moves, possible_renames, read_deployed
from klotho.deploy.stacks import DeployedStack

from .manifests import manifest_of, template_of

READS = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "AttributeDefinitions": []}


class Reads:
    """What is deployed, and which templates were read."""

    def __init__(self, templates: Mapping[str, Any]) -> None:
        self.templates = templates
        self.read: list[str] = []

    def template(self, stack_name: str) -> dict[str, Any]:
        self.read.append(stack_name)
        return dict(self.templates[stack_name])


def table(construct: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {**READS, **properties},
        "Metadata": {"klotho": {"construct": f"Databases.KeyValue/{construct}"}},
    }


def holding(**resources: Any) -> dict[str, Any]:
    return {**template_of("x"), "Resources": resources}


def there(**templates: Any) -> tuple[dict[str, DeployedStack], Reads]:
    names = {f"shop-{name}": template for name, template in templates.items()}
    stacks = {
        name: DeployedStack(name, name, "UPDATE_COMPLETE", {"klotho:stateful": "true"}, digest="old") for name in names
    }
    return stacks, Reads(names)


def compared(after: Mapping[str, Any], **before: Any) -> tuple[list[Move], list[Rename]]:
    """Moves and renames from stacks with these templates to others."""
    stacks, reads = there(**before)
    manifest, templates = manifest_of({name: () for name in after}, templates=after, stateful=frozenset(after))
    deployed = read_deployed(manifest, stacks, reads)
    return planned_moves(manifest, templates, deployed), possible_renames(manifest, templates, deployed)


def test_a_construct_in_another_stack_is_a_move_and_no_rename() -> None:
    moves, renames = compared({"b": holding(T=table("t"))}, a=holding(T=table("t")))
    (move,) = moves
    assert (move.construct, move.source, move.target) == ("Databases.KeyValue/t", "shop-a", "shop-b")
    assert move.resources == (MovedResource("T", "T", "AWS::DynamoDB::Table"),)
    assert renames == []


def test_a_construct_of_another_name_is_offered_as_a_rename_and_never_moved() -> None:
    moves, renames = compared({"b": holding(BTable=table("b"))}, a=holding(ATable=table("a")))
    assert moves == []
    assert renames == [Rename("Databases.KeyValue", "a", "b", "Databases.KeyValue/b")]


def test_a_table_with_another_key_or_another_kind_can_not_be_the_old_one() -> None:
    other_key = table("b", KeySchema=[{"AttributeName": "mail", "KeyType": "HASH"}])
    assert compared({"b": holding(BTable=other_key)}, a=holding(ATable=table("a")))[1] == []
    bucket = {**table("b"), "Type": "AWS::S3::Bucket", "Metadata": {"klotho": {"construct": "Storage.Bucket/b"}}}
    assert compared({"b": holding(BBucket=bucket)}, a=holding(ATable=table("a")))[1] == []


def test_every_new_construct_that_fits_is_offered() -> None:
    after = {"b": holding(BTable=table("b")), "c": holding(CTable=table("c"))}
    renames = compared(after, a=holding(ATable=table("a")))[1]
    assert [(item.old, item.new) for item in renames] == [("a", "b"), ("a", "c")]


def test_a_template_is_read_only_where_a_stack_with_data_differs() -> None:
    manifest, _ = manifest_of({"a": ()}, templates={"a": holding(ATable=table("a"))}, stateful=frozenset({"a"}))
    stacks, reads = there(a=holding(ATable=table("a")), gone=holding(GTable=table("g")))
    plain = {"shop-web": DeployedStack("shop-web", "shop-web", "CREATE_COMPLETE", digest="x")}
    found = read_deployed(manifest, {**stacks, **plain}, reads)
    assert reads.read == ["shop-a", "shop-gone"]
    assert set(found.data) == {"Databases.KeyValue/a", "Databases.KeyValue/g"}
    assert planned_moves(manifest, {}, Deployed(stacks)) == []
