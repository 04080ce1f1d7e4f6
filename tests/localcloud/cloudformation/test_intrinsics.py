"""Intrinsic functions, and templates nobody would write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud.cloudformation.deployment import Given, Identity, prepare
from klotho.localcloud.cloudformation.intrinsics import Scope, resolve
from klotho.localcloud.handlers import handler_classes
from klotho.localcloud.service import ApiError

IDENTITY = Identity("arn:aws:cloudformation:eu-west-1:0:stack/s/1", "s", "eu-west-1", "000000000000")
SCOPE = Scope(
    parameters={"Name": "orders", "Zones": ["a", "b", "c"], "Count": "3"},
    pseudo=IDENTITY.pseudo(),
    mappings={"Sizes": {"eu-west-1": {"small": "1"}}},
    conditions={"Yes": True, "No": False},
    ref=lambda name: f"id-of-{name}",
    attribute=lambda name, attribute: f"{attribute}-of-{name}",
)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"Ref": "Name"}, "orders"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "Db"}, "id-of-Db"),
        ({"Fn::GetAtt": ["Db", "Endpoint.Address"]}, "Endpoint.Address-of-Db"),
        ({"Fn::GetAtt": "Db.Endpoint.Port"}, "Endpoint.Port-of-Db"),
        ({"Fn::Sub": "${Name}-${Db.Arn}-${!Kept}-${AWS::AccountId}"}, "orders-Arn-of-Db-${Kept}-000000000000"),
        ({"Fn::Sub": ["${Other}/${Name}", {"Other": {"Ref": "Db"}}]}, "id-of-Db/orders"),
        ({"Fn::Sub": ["https://${At}/", {"At": "127.0.0.1:20123"}]}, "http://127.0.0.1:20123/"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 1, True]]}, "a-orders-1-true"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b,c"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "eu-west-1a"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::If": ["Yes", "then", {"Ref": "AWS::NoValue"}]}, "then"),
        ({"A": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "B": [{"Ref": "AWS::NoValue"}, 1]}, {"B": [1]}),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "1"),
        ({"Fn::Base64": "x"}, "eA=="),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
    ],
)
def test_a_function_gives_what_aws_gives(value: Any, wanted: Any) -> None:
    assert resolve(value, SCOPE) == wanted


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Fn::Select": [3, {"Ref": "Zones"}]}, "cannot select nonexistent value at index 3"),
        ({"Fn::Join": ["-", [["a"]]]}, "every Fn::Join value must be text"),
        ({"Fn::If": ["Maybe", 1, 2]}, "Unresolved condition dependency Maybe"),
        ({"Fn::FindInMap": ["Sizes", "us-east-1", "small"]}, "Unable to get mapping for Sizes::us-east-1::small"),
        ({"Fn::Transform": {}}, "Intrinsic function Fn::Transform is not supported by the local cloud yet"),
        ({"Ref": "A", "Fn::Sub": "b"}, "must be the only key of its object"),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 8]}, "has no room for 2 blocks"),
    ],
)
def test_a_wrong_call_is_refused_by_name(value: Any, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        resolve(value, SCOPE)
    assert words in caught.value.message


FUNCTIONS = [
    "Ref",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::If",
    "Fn::GetAtt",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::ImportValue",
    "Condition",
]
names = st.sampled_from(
    ["Vpc", "P", "Yes", "CidrBlock", "VpcId", "Tags", "Vpc.VpcId", "${Vpc}", "${!x} ${P", "AWS::Region"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | names | st.text(max_size=8)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names | st.sampled_from(FUNCTIONS), inner, max_size=3)
        | st.dictionaries(st.sampled_from(FUNCTIONS), inner, min_size=1, max_size=1)
    ),
    max_leaves=12,
)
keys = st.sampled_from(
    ["Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "Default", "Value", "AllowedValues"]
)
members = st.dictionaries(keys, values | st.just("AWS::EC2::VPC") | st.just("String"), max_size=4)
resources = st.fixed_dictionaries({"Type": st.just("AWS::EC2::VPC"), "Properties": values})
sections = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from(["Vpc", "B"]), resources | members | values, max_size=2)},
    optional={
        "Parameters": st.dictionaries(st.just("P"), members | values, max_size=1) | values,
        "Conditions": st.dictionaries(st.just("Yes"), values, max_size=1) | values,
        "Mappings": values,
        "Outputs": st.dictionaries(st.just("O"), members | values, max_size=1) | values,
        "Description": values,
    },
)
HANDLERS = {item.type_name: item(None) for item in handler_classes() if item.type_name == "AWS::EC2::VPC"}  # type: ignore[arg-type]


@settings(max_examples=120, deadline=None)
@given(sections | values)
def test_any_template_is_either_prepared_or_refused_in_words(document: Any) -> None:
    body = json.dumps(document)
    try:
        deployment = prepare(body, Given({}, {}), IDENTITY, HANDLERS, [])
    except ApiError as error:
        assert error.code in ("ValidationError", "InsufficientCapabilitiesException")
        assert error.message
    else:
        assert set(deployment.order) == set(deployment.resources)


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_is_either_a_template_or_refused(body: str) -> None:
    with pytest.raises(ApiError):
        prepare(body, Given({}, {}), IDENTITY, HANDLERS, [])
