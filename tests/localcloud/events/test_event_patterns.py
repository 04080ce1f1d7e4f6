"""Which events a pattern takes: AWS's documented examples, what it refuses, and a matcher of another build."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud.planes.events.errors import InvalidPatternError
from klotho.localcloud.planes.events.pattern import Pattern

EVENT = {
    "version": "0",
    "id": "1",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-0"],
    "detail": {"state": "running", "c-count": 5, "x-limit": 301.8, "empty": "", "none": None, "yes": True,
               "source-ip": "10.0.0.33", "name": "image.PNG", "path": "dir/lib/x.jar"},
}  # fmt: skip


def detail(name: str, *entries: Any) -> dict[str, Any]:
    return {"detail": {name: list(entries)}}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.ec2", "aws.fargate"], "detail": {"state": ["running"]}},
        {"resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-0"]},
        detail("state", {"prefix": "run"}),
        detail("state", {"prefix": {"equals-ignore-case": "RUN"}}),
        detail("name", {"suffix": ".PNG"}),
        detail("name", {"suffix": {"equals-ignore-case": ".png"}}),
        detail("state", {"anything-but": "stopped"}),
        detail("state", {"anything-but": ["stopped", "over"]}),
        detail("c-count", {"anything-but": [100, 200]}),
        detail("c-count", {"anything-but": "5"}),
        detail("none", {"anything-but": "x"}),
        detail("c-count", {"anything-but": {"prefix": "5"}}),
        detail("state", {"anything-but": {"prefix": ["init", "stop"]}}),
        detail("state", {"anything-but": {"equals-ignore-case": ["STOPPED"]}}),
        detail("state", {"anything-but": {"wildcard": "*/lib/*"}}),
        detail("state", {"anything-but": {"wildcard": ""}}),
        detail("c-count", {"numeric": [">", 0, "<=", 5]}),
        detail("x-limit", {"numeric": ["=", 3.018e2]}),
        detail("c-count", 5.0),
        detail("empty", ""),
        detail("empty", {"prefix": ""}),
        detail("none", None),
        detail("none", {"exists": True}),
        detail("yes", True),
        detail("missing", {"exists": False}),
        detail("missing", {"exists": False}, "x"),
        {"detail": {"deep": {"er": [{"exists": False}]}}},
        detail("source-ip", {"cidr": "10.0.0.0/24"}),
        detail("path", {"wildcard": "dir/*.jar"}),
        detail("path", {"wildcard": "*lib*"}),
        detail("state", {"equals-ignore-case": "RUNNING"}),
        {"$or": [{"source": ["x"]}, {"detail": {"c-count": [5]}}]},
        {"source": ["aws.ec2"], "detail": {"$or": [{"state": ["no"]}, {"yes": [True], "none": [None]}]}},
    ],
)
def test_a_pattern_takes_the_event(pattern: Any) -> None:
    assert Pattern(pattern).matches(EVENT)
    assert Pattern(json.dumps(pattern)).matches(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["AWS.EC2"]},
        {"Source": ["aws.ec2"]},
        {"detail": ["running"]},
        {"state": ["running"]},
        detail("missing", {"anything-but": "x"}),
        detail("state", {"anything-but": ["running"]}),
        detail("state", {"anything-but": {"equals-ignore-case": "RUNNING"}}),
        detail("path", {"anything-but": {"wildcard": "*/lib/*"}}),
        detail("name", {"anything-but": {"suffix": ".PNG"}}),
        detail("c-count", "5"),
        detail("yes", 1),
        detail("yes", "true"),
        detail("empty", None),
        detail("none", ""),
        detail("c-count", {"numeric": ["<", 5]}),
        detail("state", {"numeric": ["=", 5]}),
        detail("state", {"exists": False}),
        detail("missing", {"exists": True}),
        detail("source-ip", {"cidr": "10.0.1.0/24"}),
        detail("state", {"cidr": "10.0.1.0/24"}),
        detail("path", {"wildcard": "*/lib"}),
        {"source": ["aws.ec2"], "$or": [{"id": ["2"]}, {"id": ["3"]}]},
    ],
)
def test_a_pattern_leaves_the_event(pattern: Any) -> None:
    assert not Pattern(pattern).matches(EVENT)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{", "no JSON"),
        ("[]", "Filter is not an object"),
        ({}, "Empty objects are not allowed"),
        ({"detail": {}}, "Empty objects are not allowed"),
        ({"source": []}, "Empty arrays are not allowed"),
        ({"source": "aws.ec2"}, '"source" must be an object or an array'),
        ({"source": [["x"]]}, "Match value must be"),
        ({"source": [{"EXISTS": True}]}, "Unrecognized match type EXISTS"),
        ({"source": [{"prefix": "a", "suffix": "b"}]}, "Only one key allowed"),
        ({"source": [{}]}, "Only one key allowed"),
        ({"source": [{"prefix": 1}]}, "prefix match pattern must be a string"),
        ({"source": [{"exists": "yes"}]}, "either true or false"),
        ({"source": [{"numeric": []}]}, "Invalid numeric match"),
        ({"source": [{"numeric": [">", 0, ">", 1]}]}, "Bad numeric range operator: >"),
        ({"source": [{"numeric": [">", 5, "<", 1]}]}, "Bottom must be less than top"),
        ({"source": [{"numeric": ["!", 0]}]}, "Unrecognized numeric range operator: !"),
        ({"source": [{"numeric": ["<", 6e9]}]}, "must be between"),
        ({"source": [{"numeric": ["<", "1"]}]}, "Value of < must be numeric"),
        ({"source": [{"anything-but": []}]}, "either all values are number or string"),
        ({"source": [{"anything-but": [1, "a"]}]}, "mixed type is not supported"),
        ({"source": [{"anything-but": [None]}]}, "is not supported"),
        ({"source": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
        ({"source": [{"anything-but": {"numeric": ["=", 1]}}]}, "Unsupported anything-but pattern: numeric"),
        ({"source": [{"wildcard": "a**b"}]}, "Consecutive wildcard"),
        ({"source": [{"wildcard": "a\\b"}]}, "Invalid escape character"),
        ({"source": [{"cidr": "10.0.0.0/99"}]}, "Malformed CIDR"),
        ({"$or": {"a": ["b"]}}, "must be an Array"),
        ({"$or": [{"a": ["b"]}]}, "at least 2 Objects"),
        ({"$or": [{"a": ["b"]}, 1]}, "Only JSON object"),
        ({"$or": [{"prefix": ["b"]}, {"a": ["b"]}]}, "reserved"),
        ({"source": ["x" * 5000]}, "at most 4096"),
        ({f"f{n}": ["x"] for n in range(3)} | {"$or": [{"detail": {"$or": [{"a": [str(n)]} for n in range(40)]}}] * 40},
         "over 1000|at most 4096"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_refused(pattern: Any, reason: str) -> None:
    with pytest.raises(InvalidPatternError, match=reason):
        Pattern(pattern)


EMPLOYEES = {"employees": [[{"first": "Anna", "last": "Smith"}], {"first": "Peter", "last": "Jones"}]}


def test_fields_of_one_array_must_match_in_one_element() -> None:
    assert Pattern({"employees": {"first": ["Anna"]}}).matches(EMPLOYEES)
    assert Pattern({"employees": {"first": ["Anna"], "last": ["Smith"]}}).matches(EMPLOYEES)
    assert not Pattern({"employees": {"first": ["Anna"], "last": ["Jones"]}}).matches(EMPLOYEES)
    apart = {"employees": {"first": ["Anna"]}, "$or": [{"employees": {"last": ["Jones"]}}, {"x": ["y"]}]}
    assert not Pattern(apart).matches(EMPLOYEES)


def test_something_missing_is_missing_in_every_element_unless_another_field_chose_one() -> None:
    event = {"items": [{"a": 1}, {"a": 2, "b": 3}]}
    assert not Pattern({"items": {"b": [{"exists": False}]}}).matches(event)
    assert Pattern({"items": {"a": [1], "b": [{"exists": False}]}}).matches(event)
    assert not Pattern({"items": {"a": [2], "b": [{"exists": False}]}}).matches(event)
    assert Pattern({"items": {"b": [{"exists": False}]}}).matches({"items": []})


def test_a_wildcard_takes_time_in_proportion() -> None:
    pattern = Pattern({"a": [{"wildcard": "*".join("a" * 40) + "*b"}]})
    assert not pattern.matches({"a": "a" * 20_000})


# ---- another build of the same rules: events flattened to (path, value, which array elements), all choices tried

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from(["x", "xy", "", 1, 2, 1.5, True, False, None])
EVENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
ENTRIES = st.one_of(
    SCALARS,
    st.sampled_from(["x", "y", ""]).map(lambda text: {"prefix": text}),
    st.sampled_from([{"exists": True}, {"exists": False}, {"anything-but": "x"}, {"anything-but": [1, 2]}]),
    st.sampled_from([{"numeric": [">", 0, "<", 2]}, {"numeric": ["=", 2]}, {"wildcard": "*y"}, {"suffix": "y"}]),
)
FIELDS = st.lists(ENTRIES, min_size=1, max_size=2)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, FIELDS, min_size=1, max_size=2),
    lambda inner: st.dictionaries(NAMES, FIELDS | inner, min_size=1, max_size=3),
    max_leaves=6,
)
Place = tuple[tuple[str, ...], Any, dict[tuple[Any, ...], int]]


def flat(value: Any, path: tuple[str, ...], within: dict[tuple[Any, ...], int], at: tuple[Any, ...]) -> Iterator[Place]:
    """`at` names an array: the way to it, with the elements taken."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from flat(item, (*path, name), within, (*at, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            inside = {**within, at: number} if isinstance(item, dict | list) else within
            yield from flat(item, path, inside, (*at, number) if isinstance(item, dict | list) else at)
    else:
        yield path, value, within


def passes(entry: Any, value: Any) -> bool:
    if not isinstance(entry, dict):
        return json.dumps(entry) == json.dumps(value) or (number(entry) and number(value) and entry == value)
    ((name, operand),) = entry.items()
    text = value if isinstance(value, str) else None
    if name == "exists":
        return bool(operand)
    if name == "anything-but":
        return not any(passes(item, value) for item in (operand if isinstance(operand, list) else [operand]))
    if name == "numeric":
        bounds = list(zip(operand[::2], operand[1::2], strict=True))
        tests = {">": lambda a, b: a > b, "<": lambda a, b: a < b, "=": lambda a, b: a == b}
        return number(value) and all(tests[operator](value, bound) for operator, bound in bounds)
    ending = {"prefix": str.startswith, "suffix": str.endswith, "wildcard": lambda a, b: a.endswith(b[1:])}[name]
    return text is not None and ending(text, operand)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def wanted(pattern: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for name, item in pattern.items():
        if isinstance(item, dict):
            yield from wanted(item, (*path, name))
        else:
            yield (*path, name), item


def consistent(one: dict[Any, int], other: dict[Any, int]) -> bool:
    return all(other.get(array, number) == number for array, number in one.items())


def expected(pattern: Any, event: Any) -> bool:
    places = list(flat(event, (), {}, ()))
    fields = list(wanted(pattern))
    choices: list[list[Place | None]] = []
    for path, entries in fields:
        found: list[Place | None] = [
            place for place in places if place[0] == path and any(passes(entry, place[1]) for entry in entries)
        ]
        choices.append(found + ([None] if {"exists": False} in entries else []))
    for choice in itertools.product(*choices):
        taken = [place[2] for place in choice if place is not None]
        if not all(consistent(one, other) for one, other in itertools.combinations(taken, 2)):
            continue
        within = {array: number for one in taken for array, number in one.items()}
        missing = [fields[index][0] for index, place in enumerate(choice) if place is None]
        if not any(place[0] in missing and consistent(place[2], within) for place in places):
            return True
    return False


@settings(max_examples=250, deadline=None)
@given(pattern=PATTERNS, event=st.dictionaries(NAMES, EVENTS, max_size=3))
def test_it_decides_as_every_choice_tried_does(pattern: Any, event: Any) -> None:
    assert Pattern(pattern).matches(event) == expected(pattern, event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.floats(allow_nan=False, width=16),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["$or", "prefix", "numeric", "anything-but", "exists", "wildcard", "cidr", "a"]), inner,
        max_size=3,
    ),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(pattern=JSON | st.text(max_size=20), event=st.dictionaries(st.text(max_size=2), JSON, max_size=3))
def test_anything_is_a_pattern_or_refused(pattern: Any, event: Any) -> None:
    try:
        made = Pattern(pattern)
    except InvalidPatternError:
        return
    assert made.matches(event) in (True, False)
