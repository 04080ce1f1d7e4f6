"""Writes of one item: PutItem, UpdateItem, DeleteItem and the condition checks of transactions.

Input: a request. Output: a `Write`, checked as far as possible without reading; running it reads the old item, tests
the condition and stores. Nothing awaits in between, so on the supervisor's one event loop a write is atomic.
Refuses what DynamoDB refuses, in its words; items over 400 KB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb import capacity, parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.conditions import check_condition, meets
from klotho.localcloud.services.dynamodb.errors import condition_failed, invalid_parameter, unsupported, validation
from klotho.localcloud.services.dynamodb.keys import Key
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.parser import parse_condition, parse_update
from klotho.localcloud.services.dynamodb.projections import ResolvedPath, check_overlap, project, tree_of
from klotho.localcloud.services.dynamodb.scope import Scope, scope_of
from klotho.localcloud.services.dynamodb.syntax import Condition, Update
from klotho.localcloud.services.dynamodb.table import Table
from klotho.localcloud.services.dynamodb.updates import apply, check_update
from klotho.localcloud.services.dynamodb.values import Item, check_item, item_size, type_of

MAX_ITEM_BYTES = 400 * 1024
_EXPRESSIONS = {"ExpressionAttributeNames", "ExpressionAttributeValues", "ConditionExpression"}
_COMMON = _EXPRESSIONS | {
    "TableName",
    "ReturnValues",
    "ReturnConsumedCapacity",
    "ReturnItemCollectionMetrics",
    "ReturnValuesOnConditionCheckFailure",
}
_PUT = frozenset(_COMMON | {"Item"})
_DELETE = frozenset(_COMMON | {"Key"})
_UPDATE = frozenset(_COMMON | {"Key", "UpdateExpression"})
_ALL_RETURNS = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")


@dataclass(slots=True)
class Write:
    """One checked write; `item` is what Put stores, `update` what Update does, neither for Delete and Check."""

    kind: str
    table: Table
    key: Key
    scope: Scope
    condition: Condition | None
    show_failed: bool
    """Put the item into the error when the condition fails."""
    key_item: Item
    item: Item | None = None
    size: int = 0
    update: Update | None = None
    written: tuple[ResolvedPath, ...] = ()

    def run(self, read_old: bool = True) -> tuple[Item | None, Item | None]:
        """Do it, within the caller's transaction if there is one; the item before and after.

        `read_old` False skips reading what nobody needs (the first value is then None).
        """
        if not read_old and self.item is not None and self.condition is None and not self.table.needs_old:
            self.table.store(self.key, self.item, self.size, None)
            return None, self.item
        old = self.table.load(self.key)
        if self.condition is not None and not meets(self.condition, self.scope, old or {}):
            raise condition_failed(old if self.show_failed else None)
        if self.kind == "check":
            return old, old
        if self.kind == "delete":
            if old is not None:
                self.table.remove(self.key, old)
            return old, None
        new, size = (self.item, self.size) if self.item is not None else self._updated(old)
        assert new is not None
        self.table.store(self.key, new, size, old)
        return old, new

    def _updated(self, old: Item | None) -> tuple[Item, int]:
        new: Item = dict(self.key_item) if old is None else orjson.loads(orjson.dumps(old))
        if self.update is not None:
            apply(self.update, self.scope, self.key_item if old is None else old, new)
            self._check_index_keys(new)
        size = item_size(new)
        if size > MAX_ITEM_BYTES:
            raise validation("Item size to update has exceeded the maximum allowed size")
        return new, size

    def _check_index_keys(self, new: Item) -> None:
        touched = {path[0] for path in self.written}
        for _, index in self.table.indexes:
            for name, kind in index.schema.types.items():
                if name in touched and name in new and type_of(new[name]) != kind:
                    raise validation(
                        "The update expression attempted to update the secondary index key to unsupported type"
                    )
        self.table.check_index_keys(new)


def prepare_put(catalog: Catalog, request: Request) -> Write:
    table = catalog.table(request.get("TableName"))
    item = parameters.mapping(request, "Item")
    size = check_item(item)
    write = _prepare("put", table, request, table.schema.of_item(item), item)
    if size > MAX_ITEM_BYTES:
        raise validation("Item size has exceeded the maximum allowed size")
    table.check_index_keys(item)
    write.item, write.size = item, size
    return write


def prepare_delete(catalog: Catalog, request: Request, kind: str = "delete") -> Write:
    """Also a transaction's ConditionCheck, which is a delete that deletes nothing (`kind="check"`)."""
    table = catalog.table(request.get("TableName"))
    key = parameters.mapping(request, "Key")
    check_item(key)
    return _prepare(kind, table, request, table.schema.of_key(key), key)


def prepare_update(catalog: Catalog, request: Request) -> Write:
    table = catalog.table(request.get("TableName"))
    key = parameters.mapping(request, "Key")
    check_item(key)
    write = _prepare("update", table, request, table.schema.of_key(key), key)
    if write.update is not None:
        write.written = tuple(write.scope.parts(path) for path in write.update.paths)
        check_overlap(write.written, "UpdateExpression")
        for path in write.written:
            if path[0] in table.schema.names:
                raise invalid_parameter(f"Cannot update attribute {path[0]}. This attribute is part of the key")
        check_update(write.update, write.scope)
    return write


def _prepare(kind: str, table: Table, request: Request, key: Key, key_item: Item) -> Write:
    """What all writes share: placeholders, condition, and for an update its expression."""
    possible = ("UpdateExpression", "ConditionExpression") if kind == "update" else ("ConditionExpression",)
    scope = scope_of(request, possible, possible)
    condition, update = None, None
    text = parameters.text(request, "UpdateExpression") if kind == "update" else None
    if text is not None:
        parsed_update = parse_update(text)
        scope.admit(parsed_update, "UpdateExpression")
        update = parsed_update.tree
    text = parameters.text(request, "ConditionExpression")
    if text is not None:
        parsed = parse_condition(text)
        scope.admit(parsed, "ConditionExpression")
        condition = parsed.tree
        check_condition(condition, scope, "ConditionExpression")
    scope.finish()
    on_failure = parameters.one_of(request, "ReturnValuesOnConditionCheckFailure", ("ALL_OLD", "NONE"))
    return Write(
        kind, table, key, scope, condition, on_failure == "ALL_OLD", key_item if kind == "update" else {}, update=update
    )


# ---- operations


def put_item(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _PUT, "PutItem")
    returned = _returned(request, ("ALL_OLD", "NONE"))
    write = prepare_put(catalog, request)
    old, _ = _run(catalog, write, request, returned)
    return _answer(request, write, old, write.item, old if returned == "ALL_OLD" else None)


def delete_item(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _DELETE, "DeleteItem")
    returned = _returned(request, ("ALL_OLD", "NONE"))
    write = prepare_delete(catalog, request)
    old, _ = _run(catalog, write, request, returned)
    return _answer(request, write, old, None, old if returned == "ALL_OLD" else None)


def update_item(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _UPDATE, "UpdateItem")
    returned = _returned(request, _ALL_RETURNS)
    write = prepare_update(catalog, request)
    old, new = _run(catalog, write, request, returned)
    shown: Item | None = None
    if returned in ("ALL_OLD", "ALL_NEW"):
        shown = old if returned == "ALL_OLD" else new
    elif returned in ("UPDATED_OLD", "UPDATED_NEW"):
        source = old if returned == "UPDATED_OLD" else new
        shown = project(source or {}, tree_of(write.written))
    return _answer(request, write, old, new, shown)


def _run(catalog: Catalog, write: Write, request: Request, returned: str) -> tuple[Item | None, Item | None]:
    read_old = returned != "NONE" or "ReturnConsumedCapacity" in request
    if not write.table.needs_old:
        # One row changes, so SQLite's own statement transaction is enough and costs half.
        return write.run(read_old)
    with catalog.transaction():
        return write.run(read_old)


def _returned(request: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    value = parameters.one_of(request, "ReturnValues", _ALL_RETURNS) or "NONE"
    if value not in allowed:
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    return value


def _answer(
    request: Mapping[str, Any], write: Write, old: Item | None, new: Item | None, shown: Item | None
) -> dict[str, Any]:
    metrics = parameters.one_of(request, "ReturnItemCollectionMetrics", ("SIZE", "NONE"))
    if metrics == "SIZE" and any(index.local for _, index in write.table.indexes):
        raise unsupported("ReturnItemCollectionMetrics")
    answer: dict[str, Any] = {}
    if shown:
        answer["Attributes"] = shown
    mode = capacity.wanted(request)
    if mode is not None:
        answer["ConsumedCapacity"] = capacity.consumed(
            write.table, mode, write_cost(old, new), capacity.index_writes(write.table, old, new)
        )
    return answer


def write_cost(old: Item | None, new: Item | None) -> float:
    """Write units of one item: those of the larger of its sizes before and after."""
    return capacity.write_units(max(item_size(item) for item in (old or {}, new or {})))
