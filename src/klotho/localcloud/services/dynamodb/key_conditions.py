"""Key conditions of Query: one partition and a range of sort keys, so that SQLite's index does the work.

Input: a parsed key-condition expression. Output: the partition column and the `Bounds` of the sort column.
Refuses, in AWS's words, whatever is no equality on the partition key with at most one range on the sort key.
"""

from __future__ import annotations

from dataclasses import dataclass

from klotho.localcloud.services.dynamodb.conditions import check_condition
from klotho.localcloud.services.dynamodb.errors import invalid_parameter, validation
from klotho.localcloud.services.dynamodb.keys import KeySchema, after_prefix, partition_column, sort_column
from klotho.localcloud.services.dynamodb.rows import Bounds
from klotho.localcloud.services.dynamodb.scope import Scope
from klotho.localcloud.services.dynamodb.syntax import And, Between, Call, Compare, Condition, Operand, Path, ValueRef
from klotho.localcloud.services.dynamodb.values import Value, type_of

_PARAMETER = "KeyConditionExpression"
_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class _Term:
    """`attribute operator values`; the operator may also be BETWEEN or begins_with."""

    attribute: str
    operator: str
    values: tuple[Value, ...]


def key_range(condition: Condition, scope: Scope, schema: KeySchema) -> tuple[bytes, Bounds]:
    """The partition column and the sort bounds that the condition describes."""
    check_condition(condition, scope, _PARAMETER)
    terms: dict[str, _Term] = {}
    for part in _flat(condition):
        term = _term(part, scope)
        if term.attribute in terms:
            raise validation("KeyConditionExpressions must only contain one condition per key")
        terms[term.attribute] = term
    partition = terms.pop(schema.partition, None)
    if partition is None:
        raise validation(f"Query condition missed key schema element: {schema.partition}")
    if partition.operator != "=":
        raise validation("Query key condition not supported")
    sort = terms.pop(schema.sort, None) if schema.sort is not None else None
    if terms:
        if sort is None and schema.sort is not None:
            raise validation(f"Query condition missed key schema element: {schema.sort}")
        raise validation("Query key condition not supported")
    for used in (partition, sort):
        if used is not None:
            _check_values(used, schema.types[used.attribute])
    return partition_column(partition.values[0]), Bounds() if sort is None else _bounds(sort)


def _flat(condition: Condition) -> list[Condition]:
    if isinstance(condition, And):
        return [part for term in condition.terms for part in _flat(term)]
    return [condition]


def _term(condition: Condition, scope: Scope) -> _Term:
    if isinstance(condition, Compare):
        if condition.operator == "<>":
            raise _operator("<>")
        operator, attribute, value = condition.operator, condition.left, condition.right
        if isinstance(attribute, ValueRef):
            operator, attribute, value = _FLIPPED[operator], value, attribute
        return _Term(_attribute(attribute, scope), operator, (_value(value, scope),))
    if isinstance(condition, Between):
        ends = (_value(condition.low, scope), _value(condition.high, scope))
        return _Term(_attribute(condition.operand, scope), "BETWEEN", ends)
    if isinstance(condition, Call):
        if condition.function != "begins_with":
            raise _operator(condition.function)
        attribute, prefix = condition.arguments
        return _Term(_attribute(attribute, scope), "begins_with", (_value(prefix, scope),))
    raise _operator(type(condition).__name__.upper())


def _operator(name: str) -> Exception:
    return validation(f"Invalid operator used in KeyConditionExpression: {name}")


def _attribute(node: Operand, scope: Scope) -> str:
    if isinstance(node, Call):
        raise validation("KeyConditionExpressions cannot contain nested operations")
    if not isinstance(node, Path):
        raise validation(f"Invalid condition in {_PARAMETER}: No key attribute specified")
    parts = scope.parts(node)
    if len(parts) > 1:
        raise validation("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(parts[0])


def _value(node: Operand, scope: Scope) -> Value:
    if isinstance(node, ValueRef):
        return scope.values[node.name]
    if isinstance(node, Path):
        raise validation(f"Invalid condition in {_PARAMETER}: Multiple attribute names used in one condition")
    raise validation("KeyConditionExpressions cannot contain nested operations")


def _check_values(term: _Term, kind: str) -> None:
    for value in term.values:
        if type_of(value) != kind:
            raise invalid_parameter("Condition parameter type does not match schema type")
        if term.operator == "=" and kind != "N" and not value[kind]:
            what = "string" if kind == "S" else "binary"
            raise validation(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty {what} value. Key: {term.attribute}"
            )


def _bounds(term: _Term) -> Bounds:
    first = sort_column(term.values[0])
    match term.operator:
        case "=":
            return Bounds(first, first)
        case "<":
            return Bounds(high=first, high_open=True)
        case "<=":
            return Bounds(high=first)
        case ">":
            return Bounds(low=first, low_open=True)
        case ">=":
            return Bounds(low=first)
        case "BETWEEN":
            return Bounds(first, sort_column(term.values[1]))
    return Bounds(low=first, high=after_prefix(first), high_open=True)
