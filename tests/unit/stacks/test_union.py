"""The stack of several applications: all that any of them needs, whatever their order, and what they disagree about."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from klotho.stacks import covers, union


def template(**resources: Any) -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Klotho stack project",
        "Parameters": {"KlothoDigest": {"Type": "String"}},
        "Outputs": {f"{name}Ref": {"Value": {"Ref": name}} for name in resources},
        "Resources": {
            name: {"Type": "AWS::EC2::VPC", "Properties": properties} for name, properties in resources.items()
        },
    }


def test_everything_of_each_is_in_it_once() -> None:
    found, disagreements = union({"a": template(Vpc={}, Cluster={}), "b": template(Vpc={}, Namespace={})})
    assert sorted(found["Resources"]) == ["Cluster", "Namespace", "Vpc"]
    assert sorted(found["Outputs"]) == ["ClusterRef", "NamespaceRef", "VpcRef"]
    assert disagreements == ()


def test_lists_are_joined_and_what_only_one_says_is_kept() -> None:
    one = template(Endpoint={"RouteTableIds": [{"Ref": "A"}], "PrivateDnsEnabled": True})
    two = template(Endpoint={"RouteTableIds": [{"Ref": "A"}, {"Ref": "B"}]})
    found, disagreements = union({"a": one, "b": two})
    assert found["Resources"]["Endpoint"]["Properties"] == {
        "RouteTableIds": [{"Ref": "A"}, {"Ref": "B"}],
        "PrivateDnsEnabled": True,
    }
    assert disagreements == ()


def test_a_zone_with_a_way_out_of_its_own_keeps_it() -> None:
    plain, own = ({"RouteTableId": {"Fn::GetAtt": [name, "RouteTableId"]}} for name in ("Routes", "RoutesB"))
    for first, second in ((plain, own), (own, plain)):
        found, disagreements = union({"a": template(SubnetB=first), "b": template(SubnetB=second)})
        assert found["Resources"]["SubnetB"]["Properties"] == own
        assert disagreements == ()


def test_two_values_at_one_place_are_a_disagreement_that_names_both() -> None:
    found, disagreements = union(
        {
            "a": template(),
            "b": template(Vpc={"CidrBlock": "10.0.0.0/16"}),
            "c": template(Vpc={"CidrBlock": "10.1.0.0/16"}),
        }
    )
    (one,) = disagreements
    assert (one.logical_id, one.place) == ("Vpc", ("Properties", "CidrBlock"))
    assert one.wanted == {"b": "10.0.0.0/16", "c": "10.1.0.0/16"}
    assert found["Resources"]["Vpc"]["Properties"]["CidrBlock"] == "10.0.0.0/16"


def test_a_reference_is_one_value_and_not_a_mapping_to_be_merged() -> None:
    _, disagreements = union({"a": template(N={"Vpc": {"Ref": "Vpc"}}), "b": template(N={"Vpc": "vpc-1"})})
    assert [item.place for item in disagreements] == [("Properties", "Vpc")]


NAMES = st.sampled_from(["Vpc", "Cluster", "Link", "Endpoint"])
VALUES = st.fixed_dictionaries({"Ids": st.lists(st.sampled_from("abc"), unique=True), "Fixed": st.just(1)})
TEMPLATES = st.dictionaries(NAMES, VALUES).map(lambda resources: template(**resources))


@given(st.dictionaries(st.sampled_from(["shop", "billing", "mail"]), TEMPLATES, min_size=1), st.randoms())
def test_the_order_of_the_applications_does_not_matter(given_templates: dict[str, Any], random: Any) -> None:
    shuffled = list(given_templates.items())
    random.shuffle(shuffled)
    found, _ = union(given_templates)
    assert union(dict(shuffled))[0] == found
    for item in given_templates.values():
        assert set(item["Resources"]) <= set(found["Resources"])
    assert all(
        set(item["Resources"][name]["Properties"]["Ids"]) <= set(found["Resources"][name]["Properties"]["Ids"])
        for item in given_templates.values()
        for name in item["Resources"]
    )


@given(TEMPLATES)
def test_a_template_covers_itself_and_nothing_that_has_more(one: dict[str, Any]) -> None:
    assert covers(one, one)
    more = {**one, "Resources": {**one["Resources"], "More": {"Type": "AWS::EC2::VPC"}}}
    assert covers(more, one)
    assert not covers(one, more)
