"""Expressions: what they mean, and the words AWS refuses them with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud.services.dynamodb.errors import DynamoDbError
from klotho.localcloud.services.dynamodb.parser import parse_condition, parse_projection, parse_update
from tests.localcloud.dynamodb.dynamodb_harness import Refused, Store

ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "n": {"N": "10"},
    "s": {"S": "hello"},
    "ss": {"SS": ["x", "y"]},
    "l": {"L": [{"S": "one"}, {"N": "2"}, {"M": {"deep": {"S": "yes"}}}]},
    "m": {"M": {"k": {"N": "1"}, "dotted.name": {"S": "d"}}},
    "b": {"B": "AAEC"},
    "t": {"BOOL": True},
}
VALUES: dict[str, Any] = {
    ":ten": {"N": "10.0"},
    ":two": {"N": "2"},
    ":twenty": {"N": "20"},
    ":hello": {"S": "hello"},
    ":he": {"S": "he"},
    ":x": {"S": "x"},
    ":yx": {"SS": ["y", "x"]},
    ":one": {"S": "one"},
    ":S": {"S": "S"},
    ":true": {"BOOL": True},
    ":bytes": {"B": "AAE="},
}


def holds(store: Store, condition: str) -> bool:
    """Whether ITEM meets the condition, asked through the API."""
    used = {
        name: value for name, value in VALUES.items() if name in condition.replace(",", " ").replace(")", " ").split()
    }
    names = {"#d": "dotted.name"} if "#d" in condition else None
    extra = {"ExpressionAttributeNames": names} if names else {}
    if used:
        extra["ExpressionAttributeValues"] = used
    return bool(store.call("Scan", TableName="things", FilterExpression=condition, **extra)["Count"])


@pytest.fixture
def filled(store: Store) -> Store:
    store.table(sort=None)
    store.call("PutItem", TableName="things", Item=ITEM)
    return store


@pytest.mark.parametrize(
    "condition",
    [
        "n = :ten",
        "n <> :two",
        "absent <> :two",
        ":two < n",
        "n BETWEEN :two AND :twenty",
        "n IN ( :two , :ten )",
        "begins_with ( s , :he )",
        "begins_with ( b , :bytes )",
        "contains ( s , :he )",
        "contains ( ss , :x )",
        "contains ( l , :one )",
        "ss = :yx",
        "size ( l ) > :two",
        "attribute_exists ( l[2].deep ) AND attribute_not_exists ( l[3] )",
        "attribute_type ( s , :S )",
        "m.#d <> :one",
        "NOT n = :two AND ( s = :hello OR s = :one )",
        "( n ) = :ten",
        "t = :true",
        "not absent = :two or n = :two",
    ],
)
def test_a_condition_that_holds(filled: Store, condition: str) -> None:
    assert holds(filled, condition)


@pytest.mark.parametrize(
    "condition",
    [
        "n = :hello",
        "n < :hello",
        "absent = :two",
        "absent < :two",
        "size ( n ) > :two",
        "size ( absent ) > :two",
        "contains ( n , :two )",
        "begins_with ( n , :he )",
        "n = :two OR s = :one AND s = :hello",
        "l[7] = :one",
        "s.deep = :one",
    ],
)
def test_a_condition_that_does_not_hold(filled: Store, condition: str) -> None:
    assert not holds(filled, condition)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "Invalid ConditionExpression: The expression can not be empty;"),
        ("a =", 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'),
        ("a = = b", 'Invalid ConditionExpression: Syntax error; token: "=", near: "= = b"'),
        ("a @ b", 'Invalid ConditionExpression: Syntax error; token: "@", near: "a @"'),
        ("status = :a", "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status"),
        ("((a = b))", "Invalid ConditionExpression: The expression has redundant parentheses;"),
        ("nothing(a)", "Invalid ConditionExpression: Invalid function name; function: nothing"),
        ("size(a)", "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; "
         "function: size"),
        ("contains(a)", "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator "
         "or function: contains, number of operands: 1"),
        ("attribute_exists(:a)", "Invalid ConditionExpression: Operator or function requires a document path; operator "
         "or function: attribute_exists"),
        ("a = a", "Invalid ConditionExpression: The first operand must be distinct from the remaining "
         "operands for this "
         "operator or function; operator: =, first operand: [a]"),
        ("#u = :a", "Invalid ConditionExpression: An expression attribute name used in the document path is not "
         "defined; attribute name: #u"),
        ("a = :u", "Invalid ConditionExpression: An expression attribute value used in expression is not defined; "
         "attribute value: :u"),
        ("b BETWEEN :ten AND :a", "Invalid ConditionExpression: The BETWEEN operator requires upper bound to "
         "be greater "
         "than or equal to lower bound; lower bound operand: AttributeValue: {N:10}, upper bound operand: "
         "AttributeValue: {N:1}"),
        ("begins_with(b, :a)", "Invalid ConditionExpression: Incorrect operand type for operator or function; operator "
         "or function: begins_with, operand type: N"),
        ("b = :a", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:ten}"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_refused_in_awss_words(filled: Store, condition: str, message: str) -> None:
    values = {":a": {"N": "1"}, ":ten": {"N": "10"}}
    with pytest.raises(Refused) as refused:
        filled.call(
            "PutItem", TableName="things", Item=ITEM, ConditionExpression=condition, ExpressionAttributeValues=values
        )
    assert refused.value.code == "ValidationException"
    assert refused.value.message == message


def update(store: Store, expression: str, returned: str = "ALL_NEW", **values: Any) -> Any:
    request: dict[str, Any] = {"TableName": "things", "Key": {"pk": {"S": "a"}}, "UpdateExpression": expression}
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return store.call("UpdateItem", ReturnValues=returned, **request).get("Attributes")


def test_every_right_hand_side_sees_the_item_before_the_update(filled: Store) -> None:
    new = update(filled, "SET n = s, s = n")
    assert (new["n"], new["s"]) == ({"S": "hello"}, {"N": "10"})


def test_arithmetic_functions_and_lists_in_set(filled: Store) -> None:
    new = update(
        filled,
        "SET n = n - :three, c = if_not_exists(c, :three) + :three, l = list_append(:list, l), m.k2 = m.k",
        three={"N": "3"},
        list={"L": [{"S": "zero"}]},
    )
    assert new["n"] == {"N": "7"}
    assert new["c"] == {"N": "6"}
    assert [next(iter(member.values())) for member in new["l"]["L"]][:3] == ["zero", "one", "2"]
    assert new["m"]["M"]["k2"] == {"N": "1"}


def test_list_positions_refer_to_the_list_before_the_update(filled: Store) -> None:
    new = update(filled, "SET l[9] = :last, l[8] = :eighth REMOVE l[0], l[1]", last={"S": "9"}, eighth={"S": "8"})
    assert new["l"]["L"] == [ITEM["l"]["L"][2], {"S": "8"}, {"S": "9"}]


def test_add_and_delete_on_sets_and_numbers(filled: Store) -> None:
    new = update(
        filled, "ADD n :one, fresh :one, ss :more DELETE another :more", one={"N": "1"}, more={"SS": ["x", "z"]}
    )
    assert new["n"] == {"N": "11"}
    assert new["fresh"] == {"N": "1"}
    assert sorted(new["ss"]["SS"]) == ["x", "y", "z"]
    assert "another" not in new
    assert "ss" not in update(filled, "DELETE ss :all", all={"SS": ["x", "y", "z"]})


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("NONE", None),
        ("ALL_OLD", ITEM),
        ("UPDATED_OLD", {"n": {"N": "10"}, "m": {"M": {"k": {"N": "1"}}}}),
        ("UPDATED_NEW", {"n": {"N": "1"}, "m": {"M": {"k": {"N": "1"}}}, "fresh": {"N": "1"}}),
    ],
)
def test_return_values_of_an_update(filled: Store, returned: str, expected: Any) -> None:
    assert update(filled, "SET n = :one, m.k = :one, fresh = :one", returned, one={"N": "1"}) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SET pk = :v", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part "
         "of the key"),
        ("SET x = y + :v", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET x = s + :v", "An operand in the update expression has an incorrect data type"),
        ("SET x.y = :v", "The document path provided in the update expression is invalid for update"),
        ("SET a = :v, a.b = :v", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
         "rewrite one of these paths; path one: [a], path two: [a, b]"),
        ("SET a.b = :v, a[1] = :v", "Invalid UpdateExpression: Two document paths conflict with each other; "
         "must remove "
         "or rewrite one of these paths; path one: [a, b], path two: [a, [1]]"),
        ("SET a = :v SET b = :v", 'Invalid UpdateExpression: The "SET" section can only be used once in an update '
         'expression;'),
        ("ADD s :v", "An operand in the update expression has an incorrect data type"),
        ("DELETE ss :v", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, "
         "operand type: NUMBER"),
        ("SET x = list_append(:v, l)", "Invalid UpdateExpression: Incorrect operand type for operator or function; "
         "operator or function: list_append, operand type: N"),
        ("SET x = :v + :v + :v", 'Invalid UpdateExpression: Syntax error; token: "+", near: ":v + :v"'),
        ("SET x = attribute_exists(:v)", "Invalid UpdateExpression: Invalid function name; function: attribute_exists"),
        ("BOIL x", 'Invalid UpdateExpression: Syntax error; token: "BOIL", near: "BOIL x"'),
    ],
)  # fmt: skip
def test_a_wrong_update_is_refused_in_awss_words(filled: Store, expression: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        update(filled, expression, v={"N": "1"})
    assert refused.value.message == message
    assert filled.all("things") == [ITEM]


def test_a_projection_keeps_only_what_it_names(filled: Store) -> None:
    answer = filled.call(
        "GetItem",
        TableName="things",
        Key={"pk": {"S": "a"}},
        ProjectionExpression="l[2].deep, l[0], m.#d, absent.x, s",
        ExpressionAttributeNames={"#d": "dotted.name"},
    )
    assert answer["Item"] == {
        "l": {"L": [{"S": "one"}, {"M": {"deep": {"S": "yes"}}}]},
        "m": {"M": {"dotted.name": {"S": "d"}}},
        "s": {"S": "hello"},
    }


@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        ("PutItem", "Expected"),
        ("UpdateItem", "AttributeUpdates"),
        ("Query", "KeyConditions"),
        ("Scan", "ScanFilter"),
        ("GetItem", "AttributesToGet"),
    ],
)
def test_legacy_parameters_are_refused_by_name(filled: Store, operation: str, parameter: str) -> None:
    with pytest.raises(Refused, match=f"{parameter} is a legacy parameter"):
        filled.call(operation, TableName="things", **{parameter: {"a": {}}})


_PIECES = st.sampled_from(
    ["a", "#n", ":v", "=", "<>", "<", "(", ")", "[", "]", "1", ".", ",", "AND", "OR", "NOT", "BETWEEN", "IN", "SET",
     "REMOVE", "ADD", "DELETE", "+", "-", "size", "contains", "if_not_exists", "list_append", "status", "@", "é", " "]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_is_parsed_or_refused_with_a_validation_exception(text: str) -> None:
    for parse in (parse_condition, parse_update, parse_projection):
        try:
            parse(text)
        except DynamoDbError as error:
            assert error.code == "ValidationException"


@pytest.mark.parametrize("text", ["(" * 2000 + "a", "NOT " * 1000 + "a = :b", "contains(" * 400])
def test_deep_nesting_is_refused_and_not_a_crash(text: str) -> None:
    with pytest.raises(DynamoDbError, match="Invalid ConditionExpression"):
        parse_condition(text)
