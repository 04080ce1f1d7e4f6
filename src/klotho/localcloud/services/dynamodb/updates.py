"""Applies update expressions.

Input: a parsed update, the request's scope, the item before (never changed) and a private copy of it.
Output: the copy, changed; right-hand sides and list positions all refer to the item before, as on AWS.
Refuses operands of the wrong type and paths that lead nowhere, in AWS's words.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from klotho.localcloud.services.dynamodb import number
from klotho.localcloud.services.dynamodb.conditions import lookup
from klotho.localcloud.services.dynamodb.errors import validation
from klotho.localcloud.services.dynamodb.projections import ResolvedPath
from klotho.localcloud.services.dynamodb.scope import Scope
from klotho.localcloud.services.dynamodb.syntax import Arithmetic, Call, Operand, Path, Update, ValueRef
from klotho.localcloud.services.dynamodb.values import TYPE_NAMES, Item, Value, type_of

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_PATH = "The document path provided in the update expression is invalid for update"
_SETS = ("SS", "NS", "BS")


@dataclass(slots=True)
class _Place:
    """Where a path ends: the map or list that holds it, and the last step."""

    container: Any
    last: str | int

    @property
    def current(self) -> Value | None:
        if isinstance(self.last, int):
            return self.container[self.last] if self.last < len(self.container) else None
        found: Value | None = self.container.get(self.last)
        return found


def check_update(update: Update, scope: Scope) -> None:
    """Refuse value operands whose type the clause or function never takes."""
    for clause, pairs in (("ADD", update.adds), ("DELETE", update.deletes)):
        for _, ref in pairs:
            kind = type_of(scope.values[ref.name])
            if kind not in _SETS and not (clause == "ADD" and kind == "N"):
                raise validation(
                    "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: "
                    f"{clause}, operand type: {TYPE_NAMES[kind]}"
                )
    for action in update.sets:
        _check_operand(action.value, scope)


def _check_operand(node: Operand, scope: Scope) -> None:
    operands: tuple[Operand, ...]
    if isinstance(node, Arithmetic):
        name, operands, wanted = node.operator, (node.left, node.right), "N"
    elif isinstance(node, Call):
        name, operands, wanted = node.function, node.arguments, "L" if node.function == "list_append" else ""
    else:
        return
    for part in operands:
        _check_operand(part, scope)
        if wanted and isinstance(part, ValueRef) and wanted not in scope.values[part.name]:
            raise validation(
                "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: "
                f"{name}, operand type: {type_of(scope.values[part.name])}"
            )


def apply(update: Update, scope: Scope, before: Item, after: Item) -> None:
    """Change `after`, a deep copy of `before`."""
    # Everything is read and every place found before the first change, so that no action sees another's effect.
    values = [copy.deepcopy(_evaluate(action.value, scope, before)) for action in update.sets]
    sets = [_place(scope.parts(action.path), after) for action in update.sets]
    adds = [(_place(scope.parts(path), after), scope.values[ref.name]) for path, ref in update.adds]
    deletes = [(_place(scope.parts(path), after), scope.values[ref.name]) for path, ref in update.deletes]
    removes = [_place(scope.parts(path), after) for path in update.removes]
    gone: list[_Place] = [place for place in removes if place.current is not None]
    for place, value in adds:
        _put(place, _added(place.current, value))
    for place, value in deletes:
        left = _without(place.current, value)
        if left is not None:
            _put(place, left)
        elif place.current is not None:
            gone.append(place)
    # Positions beyond a list's end append, in the order of their positions.
    for place, value in sorted(zip(sets, values, strict=True), key=lambda pair: _position(pair[0])):
        _put(place, value)
    for place in sorted(gone, key=_position, reverse=True):
        del place.container[place.last]


def _position(place: _Place) -> int:
    return place.last if isinstance(place.last, int) else -1


def _place(path: ResolvedPath, item: Item) -> _Place:
    if len(path) == 1:
        return _Place(item, path[0])
    parent = lookup(item, path[:-1])
    container = (parent or {}).get("L" if isinstance(path[-1], int) else "M")
    if container is None:
        raise validation(_WRONG_PATH)
    return _Place(container, path[-1])


def _put(place: _Place, value: Value) -> None:
    if isinstance(place.last, int) and place.last >= len(place.container):
        place.container.append(value)
    else:
        place.container[place.last] = value


def _evaluate(node: Operand, scope: Scope, item: Item) -> Value:
    if isinstance(node, ValueRef):
        return scope.values[node.name]
    if isinstance(node, Path):
        found = lookup(item, scope.parts(node))
        if found is None:
            raise validation(_MISSING)
        return found
    if isinstance(node, Arithmetic):
        left, right = _evaluate(node.left, scope, item), _evaluate(node.right, scope, item)
        if "N" not in left or "N" not in right:
            raise validation(_WRONG_TYPE)
        combine = number.add if node.operator == "+" else number.subtract
        return {"N": combine(left["N"], right["N"])}
    if node.function == "if_not_exists":
        path = node.arguments[0]
        assert isinstance(path, Path)
        found = lookup(item, scope.parts(path))
        return found if found is not None else _evaluate(node.arguments[1], scope, item)
    head, tail = (_evaluate(argument, scope, item) for argument in node.arguments)
    if "L" not in head or "L" not in tail:
        raise validation(_WRONG_TYPE)
    return {"L": head["L"] + tail["L"]}


def _added(current: Value | None, value: Value) -> Value:
    kind = type_of(value)
    if current is None:
        return copy.deepcopy(value)
    if kind not in current:
        raise validation(_WRONG_TYPE)
    if kind == "N":
        return {"N": number.add(current["N"], value["N"])}
    present = set(current[kind])
    return {kind: [*current[kind], *(member for member in value[kind] if member not in present)]}


def _without(current: Value | None, value: Value) -> Value | None:
    """The set without some members; None when nothing is left (DynamoDB has no empty sets) or there was none."""
    if current is None:
        return None
    kind = type_of(value)
    if kind not in current:
        raise validation(_WRONG_TYPE)
    taken = set(value[kind])
    left = [member for member in current[kind] if member not in taken]
    return {kind: left} if left else None
