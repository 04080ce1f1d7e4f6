"""Evaluates condition and filter expressions.

Input: a parsed condition, the request's scope and an item. Output: whether the item meets it.
Refuses operands whose type can never fit, before any item is read (`check_condition`).
"""

from __future__ import annotations

import base64
from typing import Any, assert_never

from klotho.localcloud.services.dynamodb.errors import validation
from klotho.localcloud.services.dynamodb.scope import Scope
from klotho.localcloud.services.dynamodb.syntax import (
    And,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    ValueRef,
)
from klotho.localcloud.services.dynamodb.values import TYPE_NAMES, Item, Value, compare, equal, type_of

_VALID_TYPES = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"


def meets(condition: Condition, scope: Scope, item: Item) -> bool:
    """Whether the item (empty when there is none) fulfils the condition."""
    match condition:
        case Compare():
            return _compare(
                condition.operator, operand(condition.left, scope, item), operand(condition.right, scope, item)
            )
        case And():
            return all(meets(term, scope, item) for term in condition.terms)
        case Or():
            return any(meets(term, scope, item) for term in condition.terms)
        case Not():
            return not meets(condition.term, scope, item)
        case Call():
            return _call(condition, scope, item)
        case Between():
            value = operand(condition.operand, scope, item)
            return _compare(">=", value, operand(condition.low, scope, item)) and _compare(
                "<=", value, operand(condition.high, scope, item)
            )
        case In():
            value = operand(condition.operand, scope, item)
            return any(_compare("=", value, operand(option, scope, item)) for option in condition.options)
    assert_never(condition)


def lookup(item: Item, parts: tuple[str | int, ...]) -> Value | None:
    """The value at a document path, None where the path leads nowhere."""
    current: Any = item.get(parts[0])  # type: ignore[arg-type]  # a path starts with a name
    for part in parts[1:]:
        if current is None:
            return None
        if isinstance(part, int):
            members = current.get("L", ())
            current = members[part] if part < len(members) else None
        else:
            current = current.get("M", {}).get(part)
    found: Value | None = current
    return found


def operand(node: Operand, scope: Scope, item: Item) -> Value | None:
    """The value of a path, placeholder or `size(…)`; None when there is none."""
    if isinstance(node, ValueRef):
        return scope.values[node.name]
    if isinstance(node, Path):
        return lookup(item, scope.parts(node))
    assert isinstance(node, Call) and node.function == "size", node
    value = operand(node.arguments[0], scope, item)
    length = None if value is None else _size(value)
    return None if length is None else {"N": str(length)}


def _size(value: Value) -> int | None:
    kind = type_of(value)
    if kind in ("N", "BOOL", "NULL"):
        return None
    return len(base64.b64decode(value["B"])) if kind == "B" else len(value[kind])


def _compare(operator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        # An absent attribute differs from everything and is otherwise incomparable.
        return operator == "<>" and (left is None) != (right is None)
    if operator == "=":
        return equal(left, right)
    if operator == "<>":
        return not equal(left, right)
    order = compare(left, right)
    if order is None:
        return False
    return (
        order < 0
        if operator == "<"
        else order <= 0
        if operator == "<="
        else order > 0
        if operator == ">"
        else order >= 0
    )


def _call(call: Call, scope: Scope, item: Item) -> bool:
    first = operand(call.arguments[0], scope, item)
    if call.function == "attribute_exists":
        return first is not None
    if call.function == "attribute_not_exists":
        return first is None
    second = operand(call.arguments[1], scope, item)
    if first is None or second is None:
        return False
    if call.function == "attribute_type":
        return type_of(first) == second.get("S")
    if call.function == "begins_with":
        return _begins_with(first, second)
    return _contains(first, second)


def _begins_with(value: Value, prefix: Value) -> bool:
    if "S" in value and "S" in prefix:
        return bool(value["S"].startswith(prefix["S"]))
    if "B" in value and "B" in prefix:
        return base64.b64decode(value["B"]).startswith(base64.b64decode(prefix["B"]))
    return False


def _contains(value: Value, wanted: Value) -> bool:
    kind, wanted_kind = type_of(value), type_of(wanted)
    if kind == "L":
        return any(equal(member, wanted) for member in value["L"])
    if kind in ("SS", "NS", "BS"):
        return kind[0] == wanted_kind and wanted[wanted_kind] in value[kind]
    if kind == wanted_kind == "S":
        return wanted["S"] in value["S"]
    if kind == wanted_kind == "B":
        return base64.b64decode(wanted["B"]) in base64.b64decode(value["B"])
    return False


def check_condition(condition: Condition, scope: Scope, parameter: str) -> None:
    """Refuse operands given as values whose type the operator never takes."""
    match condition:
        case And() | Or():
            for term in condition.terms:
                check_condition(term, scope, parameter)
        case Not():
            check_condition(condition.term, scope, parameter)
        case Call():
            _check_call(condition, scope, parameter)
        case Between():
            _check_between(condition, scope, parameter)
        case Compare():
            _check_ordering(condition, scope, parameter)


def _check_ordering(condition: Compare, scope: Scope, parameter: str) -> None:
    for side in (condition.left, condition.right):
        _check_size(side, scope, parameter)
        if condition.operator in ("=", "<>") or not isinstance(side, ValueRef):
            continue
        kind = type_of(scope.values[side.name])
        if kind not in ("S", "N", "B"):
            raise validation(
                f"Invalid {parameter}: Incorrect operand type for operator or function; operator: "
                f"{condition.operator}, operand type: {TYPE_NAMES[kind]}"
            )


def _check_size(node: Operand, scope: Scope, parameter: str) -> None:
    if isinstance(node, Call) and isinstance(node.arguments[0], ValueRef):
        kind = type_of(scope.values[node.arguments[0].name])
        if kind in ("N", "BOOL", "NULL"):
            raise _operand_type("size", kind, parameter)


def _check_between(condition: Between, scope: Scope, parameter: str) -> None:
    if not (isinstance(condition.low, ValueRef) and isinstance(condition.high, ValueRef)):
        return
    low, high = scope.values[condition.low.name], scope.values[condition.high.name]
    shown = f"lower bound operand: AttributeValue: {_shown(low)}, upper bound operand: AttributeValue: {_shown(high)}"
    if type_of(low) != type_of(high):
        raise validation(
            f"Invalid {parameter}: The BETWEEN operator requires same data type for lower and upper bounds; {shown}"
        )
    if (compare(low, high) or 0) > 0:
        raise validation(
            f"Invalid {parameter}: The BETWEEN operator requires upper bound to be greater than or equal to lower "
            f"bound; {shown}"
        )


def _shown(value: Value) -> str:
    kind = type_of(value)
    return f"{{{kind}:{value[kind]}}}"


def _check_call(call: Call, scope: Scope, parameter: str) -> None:
    if call.function == "begins_with":
        for argument in call.arguments:
            if isinstance(argument, ValueRef):
                kind = type_of(scope.values[argument.name])
                if kind not in ("S", "B"):
                    raise _operand_type("begins_with", kind, parameter)
    elif call.function == "attribute_type":
        second = call.arguments[1]
        if not isinstance(second, ValueRef):
            raise _operand_type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}", parameter)
        value = scope.values[second.name]
        if type_of(value) != "S":
            raise _operand_type("attribute_type", type_of(value), parameter)
        if value["S"] not in TYPE_NAMES:
            raise validation(
                f"Invalid {parameter}: Invalid attribute type name found; type: {value['S']}, "
                f"valid types: {_VALID_TYPES}"
            )


def _operand_type(function: str, kind: str, parameter: str) -> Exception:
    return validation(
        f"Invalid {parameter}: Incorrect operand type for operator or function; operator or function: {function}, "
        f"operand type: {kind}"
    )
