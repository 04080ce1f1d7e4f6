"""IAM's own rules: wildcards, conditions, and what wins over what."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klotho.catalogue.wildcard import Patterns
from klotho.localcloud.permissions.comparisons import COMPARISONS
from klotho.localcloud.permissions.conditions import KEYS, OPERATORS, UnevaluableError, parse_conditions
from klotho.localcloud.permissions.evaluate import Decision, Grants, Need, decide
from klotho.localcloud.permissions.policy import PolicyError, parse_policy

TABLE = "arn:aws:dynamodb:eu-west-1:000000000000:table/carts"
PUT = Need("dynamodb:PutItem", TABLE)


def statement(effect: str = "Allow", action: Any = "dynamodb:PutItem", resource: Any = TABLE, **more: Any) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def grants(*statements: Any, **more: Any) -> Grants:
    return Grants((parse_policy("code", {"Version": "2012-10-17", "Statement": list(statements)}),), **more)


def answer(*statements: Any, need: Need = PUT, **facts: Any) -> Decision:
    return decide(grants(*statements), need, facts)


def like(pattern: str, text: str) -> bool:
    """The oracle: the textbook recursion over both texts, one row at a time."""
    row = [True] + [False] * len(text)
    for character in pattern:
        before, row = row, [row[0] and character == "*"]
        for position, letter in enumerate(text):
            if character == "*":
                row.append(row[position] or before[position + 1])
            else:
                row.append(before[position] and character in (letter, "?"))
    return row[-1]


@given(st.text("ab*?:", max_size=12), st.text("ab:\n", max_size=14))
@example("*a*", "a")
@example("a*a", "a")
@example("**", "")
@example("*ab*b", "ab")
@example("*?a", "ba")
def test_wildcards_match_as_the_textbook_says(pattern: str, text: str) -> None:
    assert Patterns([pattern]).match(text) is like(pattern, text)


@given(st.lists(st.text("aB*?", max_size=6), max_size=4), st.text("aAbB", max_size=8))
def test_one_of_several_patterns_is_enough_and_case_is_folded_on_request(patterns: list[str], text: str) -> None:
    folded = any(like(pattern.lower(), text.lower()) for pattern in patterns)
    assert Patterns(patterns, ignore_case=True).match(text) is folded
    assert Patterns(patterns).match(text) is any(like(pattern, text) for pattern in patterns)


@pytest.mark.timeout(5)
def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert not Patterns(["*a" * 40 + "b"]).match("a" * 5000)


def test_nothing_is_allowed_without_a_statement_that_allows_it() -> None:
    assert answer(statement(action="dynamodb:GetItem")) == Decision(
        False, "because no identity-based policy allows the dynamodb:PutItem action", missing=True
    )


@pytest.mark.parametrize(
    "given_statement",
    [
        statement(),
        statement(action="DynamoDB:putitem"),
        statement(action=["s3:GetObject", "dynamodb:Put*"]),
        statement(action="*", resource="*"),
        statement(resource=["arn:aws:s3:::x", "arn:aws:dynamodb:*:*:table/c?rts"]),
        {"Effect": "Allow", "NotAction": "dynamodb:DeleteItem", "Resource": TABLE},
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "NotResource": TABLE + "x"},
    ],
)
def test_actions_and_resources_are_matched_as_iam_does(given_statement: Any) -> None:
    assert answer(given_statement).allowed


@pytest.mark.parametrize(
    "given_statement",
    [
        statement(resource=TABLE.upper()),
        statement(resource=TABLE + "/index/*"),
        statement(resource=TABLE[:-1]),
        {"Effect": "Allow", "NotAction": "dynamodb:Put*", "Resource": TABLE},
        {"Effect": "Allow", "Action": "*", "NotResource": TABLE},
    ],
)
def test_what_does_not_match_grants_nothing(given_statement: Any) -> None:
    assert not answer(given_statement).allowed


def test_an_explicit_deny_wins_and_is_told_as_aws_tells_it() -> None:
    decision = answer(statement(), statement("Deny", "dynamodb:*", "*"))
    assert decision == Decision(False, "with an explicit deny in an identity-based policy")


STATEMENTS = st.builds(
    statement,
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["dynamodb:PutItem", "dynamodb:Get*", "*"]),
    st.sampled_from([TABLE, "*", TABLE + "/index/*"]),
    Condition=st.sampled_from(
        [{}, {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, {"Bool": {"aws:SecureTransport": "false"}},
         {"BinaryEquals": {"aws:CurrentTime": "QUJD"}}]
    ),
)  # fmt: skip
SURROUNDINGS = {"aws:requestedregion": "eu-west-1", "aws:securetransport": "true"}


@given(st.lists(STATEMENTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_statements_and_policies_does_not_matter(items: list[Any], shuffler: random.Random) -> None:
    decision = decide(grants(*items), PUT, SURROUNDINGS)
    shuffled = list(items)
    shuffler.shuffle(shuffled)
    apart = Grants(tuple(parse_policy("code", {"Statement": item}) for item in shuffled))
    assert decide(grants(*shuffled), PUT, SURROUNDINGS) == decide(apart, PUT, SURROUNDINGS) == decision


@given(st.lists(STATEMENTS, min_size=1, max_size=6))
def test_a_deny_that_applies_denies_whatever_else_there_is(items: list[Any]) -> None:
    assert not decide(grants(*items, statement("Deny")), PUT, SURROUNDINGS).allowed


def test_a_condition_that_cannot_be_evaluated_grants_nothing_and_is_named() -> None:
    strange = statement(Condition={"BinaryEquals": {"aws:CurrentTime": "QUJD"}})
    decision = answer(strange)
    assert not decision.allowed
    assert decision.reason == (
        "because klotho's local cloud can't evaluate the condition operator BinaryEquals (policy code)"
    )
    assert answer(strange, statement()).allowed, "another statement allows it"


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, "the condition key aws:PrincipalTag/team"),
        ({"StringLike": {"aws:SourceArn": "${aws:PrincipalArn}"}}, "the policy variable"),
        ({"ForSomeValues:StringLike": {"aws:SourceArn": "x"}}, "the condition operator ForSomeValues:StringLike"),
    ],
)
def test_a_deny_that_cannot_be_evaluated_denies_and_says_why(block: Any, named: str) -> None:
    decision = answer(statement(), statement("Deny", Condition=block))
    assert not decision.allowed
    assert named in decision.reason


ROLE_ARN = "arn:aws:iam::000000000000:role/shop-orders"
FACTS: dict[str, Any] = {
    "aws:principalarn": ROLE_ARN,
    "aws:securetransport": "true",
    "dynamodb:leadingkeys": ("a1", "a2"),
}


@pytest.mark.parametrize(
    ("block", "holds"),
    [
        ({"StringEquals": {"aws:PrincipalArn": ["x", ROLE_ARN]}}, True),
        ({"StringEquals": {"AWS:principalarn": ROLE_ARN.upper()}}, False),
        ({"StringEqualsIgnoreCase": {"aws:PrincipalArn": ROLE_ARN.upper()}}, True),
        ({"StringNotEquals": {"aws:PrincipalArn": ["x", ROLE_ARN]}}, False),
        ({"StringNotEquals": {"aws:SourceArn": "x"}}, True),
        ({"StringNotEqualsIgnoreCase": {"aws:PrincipalArn": "x"}}, True),
        ({"StringLike": {"aws:PrincipalArn": "*:role/shop-?rders"}}, True),
        ({"StringNotLike": {"aws:PrincipalArn": "*:role/shop-?rders"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/shop-*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:*:role/shop-orders"}}, False),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, True),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/other"}}, True),
        ({"ArnNotEquals": {"aws:PrincipalArn": ROLE_ARN}}, False),
        ({"Bool": {"aws:SecureTransport": True}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, False),
        ({"BoolIfExists": {"aws:ViaAWSService": "false"}}, True),
        ({"ArnLike": {"aws:SourceArn": "*"}}, False),
        ({"ArnLikeIfExists": {"aws:SourceArn": "arn:aws:s3:::b"}}, True),
        ({"Null": {"aws:SourceArn": "true"}}, True),
        ({"Null": {"aws:SourceArn": "false", "aws:PrincipalArn": "false"}}, False),
        ({"Null": {"aws:PrincipalArn": False}}, True),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a1", "a2"]}}, True),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a1"}}, False),
        ({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "a?"}}, True),
        ({"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": "a2"}}, True),
        ({"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": "b"}}, False),
        ({"StringEquals": {"dynamodb:LeadingKeys": "a1"}}, False),
        ({"ForAllValues:StringEquals": {"aws:CalledVia": "x"}}, True),
        ({"ForAnyValue:StringNotEquals": {"aws:CalledVia": "x"}}, False),
        ({"StringEquals": {"aws:PrincipalArn": ROLE_ARN}, "Bool": {"aws:SecureTransport": "false"}}, False),
    ],
)
def test_conditions_hold_when_iam_says_so(block: Any, holds: bool) -> None:
    assert all(condition.holds(FACTS) for condition in parse_conditions(block)) is holds
    assert answer(statement(Condition=block), **FACTS).allowed is holds


ON_TEXTS = sorted(set(OPERATORS) - set(COMPARISONS))


@given(st.sampled_from(ON_TEXTS), st.sampled_from(sorted(KEYS.values())), st.text(max_size=5))
def test_every_operator_on_texts_takes_every_known_key(operator: str, key: str, value: str) -> None:
    block = {operator: {key: value}}
    if "${" in value:
        with pytest.raises(UnevaluableError):
            parse_conditions(block)
    else:
        assert isinstance(parse_conditions(block)[0].holds({}), bool)


def test_a_boundary_limits_what_policies_grant() -> None:
    boundary = parse_policy("edge", {"Statement": statement(action="dynamodb:Get*", resource="*")})
    limited = grants(statement(), statement(action="dynamodb:GetItem"), boundary=boundary)
    assert decide(limited, Need("dynamodb:GetItem", TABLE), {}).allowed
    refused = decide(limited, PUT, {})
    assert refused.reason == "because no permissions boundary allows the dynamodb:PutItem action"
    assert not decide(limited, Need("dynamodb:GetRecords", TABLE), {}).allowed, "a boundary grants nothing"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{", "is no JSON"),
        ([], "is no JSON object"),
        ({}, "has no Statement"),
        ({"Statement": [1]}, "is no JSON object"),
        ({"Statement": statement("Perhaps")}, "neither Effect Allow nor Deny"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "needs either Action or NotAction"),
        ({"Statement": statement(NotAction="x")}, "needs either Action or NotAction"),
        ({"Statement": statement(resource=[])}, "Resource of policy code must be"),
        ({"Statement": statement(Principal="*")}, "has Principal"),
        ({"Statement": statement(Condition=[1])}, "Condition must be"),
        ({"Version": "2030-01-01", "Statement": statement()}, "unknown Version"),
    ],
)
def test_a_malformed_policy_is_refused_with_its_name(document: Any, told: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(told)) as refused:
        parse_policy("code", document)
    assert "code" in str(refused.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["Statement", "Effect", "Action", "Resource", "Condition", "Version"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_is_a_policy_or_refused(document: Any) -> None:
    try:
        policy = parse_policy("code", document)
    except PolicyError as error:
        assert "code" in str(error)
    else:
        assert policy.statements
