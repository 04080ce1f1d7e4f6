"""Folding changes into a graph."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from klotho.diagnostics import Report, Span
from klotho.resources import (
    AddItem,
    AddResource,
    Change,
    DependsOn,
    Join,
    Precedence,
    Provenance,
    Ref,
    ResourceKey,
    SetProperty,
    fold,
    graph_to_json,
)

KEY = ResourceKey("Compute.Container/web:service")
RULE = Provenance("rule", (Span("infra.py", 3),), "web")
OTHER = Provenance("other", (Span("infra.py", 4),), "web")


def test_a_resource_and_its_properties_come_from_changes() -> None:
    graph = fold(
        [
            Change(AddResource(KEY, "AWS::ECS::Service", {"A": {"B": 1}}), RULE),
            Change(SetProperty(KEY, ("A", "C"), 2), OTHER),
        ],
        Report(),
    )
    assert graph[KEY].properties == {"A": {"B": 1, "C": 2}}
    assert graph[KEY].decisions["A", "C"].winner == OTHER


def test_items_of_a_list_are_sorted_by_name_and_may_be_reached_by_it() -> None:
    graph = fold(
        [
            Change(SetProperty(KEY, ("Containers", "main", "Cpu"), 1), OTHER),
            Change(AddItem(KEY, ("Containers", "main", "Env"), "Z", {"Name": "Z"}), RULE),
            Change(AddItem(KEY, ("Containers", "main", "Env"), "A", {"Name": "A"}), RULE),
            Change(AddItem(KEY, ("Containers",), "main", {"Name": "main"}), RULE),
            Change(AddResource(KEY, "AWS::ECS::Service"), RULE),
        ],
        Report(),
    )
    assert graph[KEY].properties == {
        "Containers": [{"Cpu": 1, "Env": [{"Name": "A"}, {"Name": "Z"}], "Name": "main"}],
    }


def test_the_higher_precedence_wins_and_the_loser_is_kept() -> None:
    directive = OTHER._replace(precedence=Precedence.DIRECTIVE)
    graph = fold(
        [
            Change(AddResource(KEY, "AWS::ECS::Service", {"Count": 1}), RULE),
            Change(SetProperty(KEY, ("Count",), 5), directive),
        ],
        report := Report(),
    )
    assert graph[KEY].properties == {"Count": 5}
    assert graph[KEY].decisions["Count",].losers == ((RULE, 1),)
    assert report.diagnostics == []


def test_two_rules_setting_one_property_differently_are_reported_by_name() -> None:
    fold(
        [
            Change(AddResource(KEY, "AWS::ECS::Service", {"Count": 1}), RULE),
            Change(SetProperty(KEY, ("Count",), 2), OTHER),
        ],
        report := Report(),
    )
    (problem,) = report.diagnostics
    assert problem.code == "rules-disagree"
    assert problem.notes == (
        "set by rule `other`, because of web at line 4 of infra.py",
        "set by rule `rule`, because of web at line 3 of infra.py",
    )
    assert problem.helps == ("decide it with `.override(…, {'Count': …})`",)


def test_a_disagreement_shows_values_as_people_write_them() -> None:
    network = ResourceKey("shared:vpc")
    fold(
        [
            Change(AddResource(KEY, "AWS::ECS::Service", {"Role": Ref(network, "Arn"), "Tags": [Ref(network)]}), RULE),
            Change(SetProperty(KEY, ("Role",), Join(("a", Ref(network)))), OTHER),
            Change(SetProperty(KEY, ("Tags",), ["a"]), OTHER),
        ],
        report := Report(),
    )
    messages = " ".join(item.message for item in report.diagnostics)
    assert "text that is put together at deploy and the Arn of `shared:vpc`" in messages
    assert "a list with values known at deploy" in messages
    assert '`["a"]`' in messages
    assert "Ref(" not in messages


def test_between_two_overrides_no_third_is_advised() -> None:
    changes = [
        Change(SetProperty(KEY, ("Count",), number), Provenance("override", (), "web", Precedence.DIRECTIVE))
        for number in (1, 2)
    ]
    fold([Change(AddResource(KEY, "AWS::ECS::Service"), RULE), *changes], report := Report())
    assert [item.helps for item in report.diagnostics] == [("keep one of the two",)]


def test_two_rules_saying_the_same_is_no_disagreement() -> None:
    fold(
        [Change(AddResource(KEY, "AWS::ECS::Service", {"Count": 1}), who) for who in (RULE, OTHER)], report := Report()
    )
    assert report.diagnostics == []


def test_true_and_one_are_different_values() -> None:
    fold(
        [
            Change(AddResource(KEY, "AWS::ECS::Service", {"Count": 1}), RULE),
            Change(SetProperty(KEY, ("Count",), True), OTHER),
        ],
        report := Report(),
    )
    assert [item.code for item in report.diagnostics] == ["rules-disagree"]


def test_changing_what_nobody_adds_is_a_bug_of_ours() -> None:
    fold([Change(SetProperty(KEY, ("Count",), 2), OTHER)], report := Report())
    assert [item.code for item in report.diagnostics] == ["rule-bug"]


def test_adding_one_resource_as_two_types_is_a_bug_of_ours() -> None:
    fold(
        [Change(AddResource(KEY, name), RULE) for name in ("AWS::ECS::Service", "AWS::SNS::Topic")], report := Report()
    )
    assert [item.code for item in report.diagnostics] == ["rule-bug"]


paths = st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=3).map(tuple)
values = st.one_of(
    st.integers(0, 2), st.text("ab", max_size=2), st.dictionaries(st.sampled_from("AB"), st.integers(0, 2))
)
provenances = st.sampled_from(
    [
        Provenance(rule, (Span("infra.py", line),), "x", precedence)
        for rule, line in (("one", 1), ("two", 2))
        for precedence in (Precedence.DEFAULT, Precedence.MEANING, Precedence.DIRECTIVE)
    ]
)
actions = st.one_of(
    st.builds(lambda path, value: SetProperty(KEY, path, value), paths, values),
    st.builds(lambda path, name, value: AddItem(KEY, path, name, value), paths, st.sampled_from("XY"), values),
    st.just(DependsOn(KEY, ResourceKey("shared:vpc"))),
)


@given(st.lists(st.builds(Change, actions, provenances), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_changes_does_not_matter(changes: list[Change], shuffler: random.Random) -> None:
    changes = [*changes, Change(AddResource(KEY, "AWS::ECS::Service"), RULE)]
    shuffled = list(changes)
    shuffler.shuffle(shuffled)
    first, second = Report(), Report()
    assert graph_to_json(fold(changes, first)) == graph_to_json(fold(shuffled, second))
    assert first.diagnostics == second.diagnostics
