"""What replaces a resource: one answer for the preview, the consent and the local engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.catalogue.facts import known_types, replaced_by, schema
from klotho.catalogue.facts.replacement import rules
from klotho.catalogue.retention import RETENTION
from klotho.deploy.differences import UNKNOWN, differences
from klotho.localcloud.cloudformation.plan import compare, strongest

TABLE: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
LOCAL_INDEX = {"IndexName": "day", "KeySchema": [], "Projection": {"ProjectionType": "ALL"}}
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "another key": (
        {
            "KeySchema": [{"AttributeName": "mail", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "mail", "AttributeType": "S"}],
        },
        {"KeySchema"},
    ),
    "a sort key more": (
        {
            "KeySchema": [*TABLE["KeySchema"], {"AttributeName": "day", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                *TABLE["AttributeDefinitions"],
                {"AttributeName": "day", "AttributeType": "S"},
            ],
        },
        {"KeySchema"},
    ),
    "another type of the key": (
        {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]},
        {"AttributeDefinitions"},
    ),
    "a local index": ({"LocalSecondaryIndexes": [LOCAL_INDEX]}, {"LocalSecondaryIndexes"}),
    "another name": ({"TableName": "other"}, {"TableName"}),
    "an attribute for a new global index": (
        {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}, *TABLE["AttributeDefinitions"]]},
        set(),
    ),
    "another billing mode": ({"BillingMode": "PROVISIONED"}, set()),
}


def template(type_name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {"X": {"Type": type_name, "Properties": properties}}}


@pytest.mark.parametrize("case", CASES)
def test_the_preview_and_the_local_engine_agree_about_a_table(case: str) -> None:
    change, expected = CASES[case]
    after = {**TABLE, **change}
    name = "AWS::DynamoDB::Table"
    (item,) = differences(template(name, TABLE), {}, template(name, after), {})
    assert replaced_by(name, TABLE, after) == expected
    assert set(item.replaced_by) == expected
    assert (item.change, item.loses_data) == (("replace", True) if expected else ("modify", False))
    assert (strongest(compare(name, TABLE, after)) == "Always") == bool(expected)


@pytest.mark.parametrize(
    ("property_name", "replaces"),
    [("Engine", True), ("DBName", True), ("BackupRetentionPeriod", False), ("MultiAZ", False), ("RestoreTime", True)],
)
def test_a_database_is_replaced_by_what_cannot_change_in_place(property_name: str, replaces: bool) -> None:
    name = "AWS::RDS::DBInstance"
    (item,) = differences(template(name, {property_name: "1"}), {}, template(name, {property_name: "2"}), {})
    assert (item.change == "replace", item.loses_data) == (replaces, replaces)


def test_a_service_that_changes_its_launch_type_is_replaced_without_a_loss() -> None:
    name = "AWS::ECS::Service"
    (item,) = differences(template(name, {"LaunchType": "EC2"}), {}, template(name, {"LaunchType": "FARGATE"}), {})
    assert (item.change, item.replaced_by, item.loses_data) == ("replace", ("LaunchType",), False)


def test_a_replacement_that_may_not_happen_loses_nothing_for_certain_down_the_line() -> None:
    both = {
        "Resources": {
            "Group": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"DBSubnetGroupName": {"Ref": "In"}}},
            "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBSubnetGroupName": {"Ref": "Group"}}},
        }
    }
    found = differences(both, {"In": "a"}, both, {"In": UNKNOWN})
    assert {item.logical_id: (item.change, item.uncertain, item.loses_data) for item in found} == {
        "Group": ("replace", True, False),
        "Db": ("replace", True, False),
    }


def test_every_rule_says_why_and_names_a_property_of_a_known_type() -> None:
    for name in known_types():
        facts = schema(name)
        for rule in rules(name):
            assert rule.reason and rule.source and rule.property in facts.properties
            assert (rule.property,) not in facts.conditional_create_only


@pytest.mark.parametrize("type_name", RETENTION)
def test_what_a_stateful_type_replaces_is_known(type_name: str) -> None:
    # Nothing replaces a user pool: what can't change is refused.
    assert schema(type_name).create_only or type_name == "AWS::Cognito::UserPool"


names = st.sampled_from(["id", "mail", "day"])
tables = st.fixed_dictionaries(
    {
        "KeySchema": st.lists(
            st.fixed_dictionaries({"AttributeName": names, "KeyType": st.sampled_from(["HASH", "RANGE"])}), max_size=2
        ),
        "AttributeDefinitions": st.lists(
            st.fixed_dictionaries({"AttributeName": names, "AttributeType": st.sampled_from("SN")}),
            max_size=3,
            unique_by=lambda item: item["AttributeName"],
        ),
    },
    optional={
        "TableName": names,
        "BillingMode": st.sampled_from(["PROVISIONED", "PAY_PER_REQUEST"]),
        "LocalSecondaryIndexes": st.lists(st.just(LOCAL_INDEX), max_size=1),
    },
)


@settings(max_examples=200, deadline=None)
@given(tables, tables)
def test_preview_facts_and_engine_agree_about_any_two_tables(before: dict[str, Any], after: dict[str, Any]) -> None:
    name = "AWS::DynamoDB::Table"
    shown = differences(template(name, before), {}, template(name, after), {})
    by_preview = set(shown[0].replaced_by) if shown else set()
    by_engine = {item.name for item in compare(name, before, after) if item.recreation == "Always"}
    assert by_preview == by_engine == replaced_by(name, before, after)
    assert [item.loses_data for item in shown] == [bool(by_preview)] * len(shown)
