"""Filter policies: what AWS would refuse, and which messages are wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.application.filter_policy import accepts, accepts_body, attribute_value, is_nested, problems

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "$or", "exists", "numeric", "prefix", "anything-but", ""]) | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_any_policy_is_judged_and_a_good_one_can_be_asked_anything(policy: Any, document: Any) -> None:
    if not list(problems(policy)) and isinstance(document, dict):
        assert accepts(policy, document) in (True, False)
        assert accepts_body(policy, json.dumps(document)) in (True, False)


@pytest.mark.parametrize(
    ("policy", "wanted", "unwanted"),
    [
        ({"k": ["a", "b"]}, [{"k": "a"}, {"k": ["x", "b"]}], [{"k": "c"}, {}, {"k": None}]),
        ({"k": ["a"], "n": [1]}, [{"k": "a", "n": 1.0}], [{"k": "a"}, {"k": "a", "n": True}]),
        ({"k": [{"prefix": "eu-"}]}, [{"k": "eu-1"}], [{"k": "us-1"}, {"k": 5}]),
        ({"k": [{"suffix": ".png"}]}, [{"k": "a.png"}], [{"k": "a.jpg"}]),
        ({"k": [{"equals-ignore-case": "EU"}]}, [{"k": "eu"}], [{"k": "us"}]),
        ({"k": [{"wildcard": "a*[z]"}]}, [{"k": "ab[z]"}], [{"k": "abz"}]),
        ({"k": [{"anything-but": ["x", "y"]}]}, [{"k": "z"}], [{"k": "x"}, {}]),
        ({"k": [{"anything-but": {"prefix": "t-"}}]}, [{"k": "z"}], [{"k": "t-1"}]),
        ({"n": [{"numeric": [">", 0, "<=", 5]}]}, [{"n": 5}, {"n": 0.5}], [{"n": 0}, {"n": 6}, {"n": "3"}]),
        ({"k": [{"exists": True}]}, [{"k": "a"}, {"k": None}], [{}]),
        ({"k": [{"exists": False}]}, [{}], [{"k": "a"}]),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, [{"a": "x"}, {"b": "y"}], [{"a": "y"}]),
        ({"o": {"p": ["x"]}}, [{"o": {"p": "x"}}, {"o": [{"p": "z"}, {"p": "x"}]}], [{"o": "x"}, {"o": {}}]),
        ({"o": {"p": [{"exists": False}]}}, [{"o": {}}, {}], [{"o": {"p": 1}}]),
    ],
)
def test_each_condition_lets_through_what_aws_documents(policy: Any, wanted: Any, unwanted: Any) -> None:
    assert list(problems(policy)) == []
    assert [accepts(policy, item) for item in wanted] == [True] * len(wanted)
    assert [accepts(policy, item) for item in unwanted] == [False] * len(unwanted)


@pytest.mark.parametrize(
    "policy",
    [
        {}, [], "x", {"k": "a"}, {"k": []}, {"k": {}}, {"k": [{"prefix": ""}]}, {"k": [{"like": "a"}]},
        {"k": [{"numeric": ["=", "5"]}]}, {"k": [{"numeric": [">", 5, "<", 1]}]},
        {"k": [{"numeric": ["<", 5, ">", 1]}]},
        {"k": [{"exists": "yes"}]}, {"k": [{"anything-but": []}]}, {"k": [{"anything-but": ["a", 1]}]},
        {"k": [{"prefix": "a", "suffix": "b"}]}, {"n": [10**9 + 1]}, {"n": [0.1234567]}, {"$or": [{"a": ["x"]}]},
        {name: ["x"] for name in "abcdef"}, {"k": list(range(151))},
    ],
)  # fmt: skip
def test_what_aws_would_refuse_is_found(policy: Any) -> None:
    assert list(problems(policy))


def test_attributes_are_values_of_their_type() -> None:
    assert attribute_value("Number", "7") == 7
    assert attribute_value("String.Array", '["a", 1]') == ["a", 1]
    assert attribute_value("String", "7") == "7"
    binary = {"k": attribute_value("Binary", "AAA=")}
    assert accepts({"k": [{"exists": True}]}, binary)
    assert not accepts({"k": [{"anything-but": ["x"]}]}, binary)


def test_only_bodies_have_objects_inside_of_objects() -> None:
    assert is_nested({"$or": [{"a": {"b": ["x"]}}, {"c": ["y"]}]})
    assert not is_nested({"$or": [{"a": ["x"]}, {"c": ["y"]}]})
    assert not accepts_body({"k": ["a"]}, "[1]")
    assert not accepts_body({"k": ["a"]}, "no json")
