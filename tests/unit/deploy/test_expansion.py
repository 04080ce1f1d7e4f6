"""What a template is while consumers still use what the next one drops, as plain values."""

from __future__ import annotations

from typing import Any

from klotho.deploy.expansion import carried_names, expanded

QUEUE = "AWS::SQS::Queue"


def queue(name: str, **rest: Any) -> dict[str, Any]:
    return {"Type": QUEUE, "Properties": {"QueueName": name}, **rest}


def policy(*queues: str, **rest: Any) -> dict[str, Any]:
    named = [{"Fn::Sub": f"${{{name}.Arn}}/${{Stage}}"} for name in queues]
    return {"Type": "AWS::SQS::QueueInlinePolicy", "Properties": {"Queue": named[0], "All": named}, **rest}


def of(resources: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    return {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}


def test_nothing_is_kept_that_nobody_uses() -> None:
    before, after = of({"A": queue("a"), "B": queue("b")}, Out={"Ref": "A"}), of({"B": queue("b")})
    assert expanded(before, {}, after, {}, []) is None
    assert expanded(before, {}, of({"A": queue("a")}, Out={"Ref": "A"}), {}, ["Out"]) is None


def test_a_removed_resource_stays_with_its_output_and_its_values_written_out() -> None:
    before = of({"A": queue("a"), "P": policy("A", DependsOn=["A"])}, Out={"Fn::GetAtt": ["A", "Arn"]})
    made = expanded(before, {"Stage": "old"}, of({"B": queue("b")}), {"Stage": "new"}, ["Out"])
    assert made is not None
    assert set(made["Resources"]) == {"A", "P", "B"}
    assert made["Resources"]["P"]["Properties"]["All"] == [{"Fn::Sub": "${A.Arn}/old"}]
    assert made["Outputs"] == {"OutBefore": {"Value": {"Fn::GetAtt": ["A", "Arn"]}}}
    assert "Metadata" not in made


def test_a_replacement_is_beside_the_old_one_and_everything_new_names_it() -> None:
    before = of({"A": queue("a"), "P": policy("A")}, Out={"Ref": "A"})
    after = of({"A": queue("a2", UpdateReplacePolicy="Retain"), "P": policy("A", DependsOn="A")}, Out={"Ref": "A"})
    made = expanded(before, {}, after, {}, ["Out"])
    assert made is not None
    assert made["Resources"]["A"] == queue("a", DeletionPolicy="Retain")
    assert made["Resources"]["ANext"]["Properties"] == {"QueueName": "a2"}
    assert made["Outputs"] == {"Out": {"Value": {"Ref": "ANext"}}, "OutBefore": {"Value": {"Ref": "A"}}}
    policies = [item for name, item in made["Resources"].items() if name.startswith("P")]
    assert any(item.get("DependsOn") == "ANext" for item in policies)
    assert made["Metadata"]["klotho"]["renamed"]["A"] == "ANext"


def test_later_templates_keep_the_names_until_the_next_replacement_turns_them_back() -> None:
    first, second = of({"A": queue("a")}, Out={"Ref": "A"}), of({"A": queue("b")}, Out={"Ref": "A"})
    made = expanded(first, {}, second, {}, ["Out"])
    assert made is not None
    contracted = carried_names(made, second)
    assert contracted["Resources"] == {"ANext": queue("b")}
    assert carried_names(contracted, second) == contracted
    third = carried_names(contracted, of({"A": queue("c")}, Out={"Ref": "A"}))
    back = expanded(contracted, {}, third, {}, ["Out"])
    assert back is not None
    assert back["Resources"]["A"] == queue("c")
    assert carried_names(back, second)["Resources"] == {"A": queue("b")}


def test_expanding_what_is_expanded_changes_nothing() -> None:
    """A run that was killed before the consumers moved finds the same template."""
    first, second = of({"A": queue("a")}, Out={"Ref": "A"}), of({"A": queue("b")}, Out={"Ref": "A"})
    made = expanded(first, {}, second, {}, ["Out"])
    assert made is not None
    assert expanded(made, {}, carried_names(made, second), {}, ["OutBefore"]) == made
    assert expanded(made, {}, carried_names(made, second), {}, ["Out"]) is None


def test_a_template_without_renames_is_left_as_it_is() -> None:
    assert carried_names(of({"A": queue("a")}), of({"A": queue("b")})) == of({"A": queue("b")})
