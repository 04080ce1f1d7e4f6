"""Query and Scan, page by page.

Input: a request. Output: one page: at most `Limit` items and 1 MB looked at before the filter, as on AWS, and where to
go on (`LastEvaluatedKey`). Both walk an index of SQLite from the page's start and stop at its end.
Refuses what DynamoDB refuses, in its words: among others a filter on key attributes and projections a global index
cannot serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, assert_never

import orjson

from klotho.localcloud.services.dynamodb import capacity, parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.conditions import check_condition, meets
from klotho.localcloud.services.dynamodb.definition import Index
from klotho.localcloud.services.dynamodb.errors import invalid_parameter, validation
from klotho.localcloud.services.dynamodb.key_conditions import key_range
from klotho.localcloud.services.dynamodb.keys import KeySchema, partition_column, segment_bounds, sort_column
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.parser import parse_condition
from klotho.localcloud.services.dynamodb.projections import ResolvedPath, Tree, project, tree_of
from klotho.localcloud.services.dynamodb.reads import projection_paths
from klotho.localcloud.services.dynamodb.rows import Bounds, Sized
from klotho.localcloud.services.dynamodb.scope import Scope, scope_of
from klotho.localcloud.services.dynamodb.syntax import (
    And,
    Arithmetic,
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
from klotho.localcloud.services.dynamodb.table import Table
from klotho.localcloud.services.dynamodb.values import Item, check_item, item_size, type_of

PAGE_BYTES = 1024 * 1024
_COMMON = {
    "TableName",
    "IndexName",
    "Select",
    "Limit",
    "ConsistentRead",
    "ExclusiveStartKey",
    "ReturnConsumedCapacity",
    "ProjectionExpression",
    "FilterExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
}
_QUERY = frozenset(_COMMON | {"ScanIndexForward", "KeyConditionExpression"})
_SCAN = frozenset(_COMMON | {"Segment", "TotalSegments"})
_SELECTS = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")


@dataclass(slots=True)
class _Reading:
    """What Query and Scan have in common, checked."""

    table: Table
    index: Index | None
    number: int | None
    scope: Scope
    condition: Condition | None
    """The filter."""
    tree: Tree | None
    """What to show of each item."""
    carried: Tree | None
    """What a global index carries of each item; the filter sees no more."""
    counting: bool
    limit: int | None
    consistent: bool
    start: Item | None = None

    @property
    def schema(self) -> KeySchema:
        return self.table.schema if self.index is None else self.index.schema


def query(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _QUERY, "Query")
    reading = _reading(catalog, request, ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"))
    text = parameters.text(request, "KeyConditionExpression")
    if text is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    parsed = parse_condition(text, "KeyConditionExpression")
    reading.scope.admit(parsed, "KeyConditionExpression")
    reading.scope.finish()
    partition, bounds = key_range(parsed.tree, reading.scope, reading.schema)
    _check_filter(reading)
    forward = parameters.boolean(request, "ScanIndexForward", True)
    after = _query_start(reading, partition, bounds)
    rows = reading.table.rows.in_partition(reading.number, partition, bounds, after, forward)
    return _page(reading, rows, request)


def scan(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _SCAN, "Scan")
    reading = _reading(catalog, request, ("ProjectionExpression", "FilterExpression"))
    reading.scope.finish()
    low, high = _segment(request)
    after = _scan_start(reading)
    if after is not None and ((low is not None and after[0] < low) or (high is not None and after[0] >= high)):
        raise validation("The provided starting key is invalid: Invalid ExclusiveStartKey for the provided segment")
    return _page(reading, reading.table.rows.everywhere(reading.number, low, high, after), request)


def _reading(catalog: Catalog, request: Request, expressions: tuple[str, ...]) -> _Reading:
    table = catalog.table(request.get("TableName"))
    index, number = None, None
    name = parameters.text(request, "IndexName")
    if name is not None:
        number, index = table.readable_index(name)
    consistent = parameters.boolean(request, "ConsistentRead", False)
    if consistent and index is not None and not index.local:
        raise validation("Consistent reads are not supported on global secondary indexes")
    scope = scope_of(request, expressions, expressions[1:])
    paths = projection_paths(request, scope)
    select = _select(request, index, paths)
    condition = _filter(request, scope)
    carried = index.tree if index is not None and not index.local else None
    tree = None if paths is None else tree_of(paths)
    if paths is not None and index is not None and index.projected is not None and not index.local:
        _check_projected(index, paths)
    if tree is None and index is not None and select != "ALL_ATTRIBUTES":
        tree = index.tree
    limit = parameters.integer(request, "Limit", 1)
    start = request.get("ExclusiveStartKey")
    return _Reading(table, index, number, scope, condition, tree, carried, select == "COUNT", limit, consistent, start)


def _select(request: Request, index: Index | None, paths: tuple[ResolvedPath, ...] | None) -> str | None:
    select = parameters.one_of(request, "Select", _SELECTS)
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid_parameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES" and paths is None:
        raise invalid_parameter(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if paths is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        what = "only the Count" if select == "COUNT" else str(select)
        raise invalid_parameter(f"Cannot specify the ProjectionExpression when choosing to get {what}")
    if select == "ALL_ATTRIBUTES" and index is not None and not index.local and index.projected is not None:
        raise invalid_parameter(
            f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} because its "
            "projection type is not ALL"
        )
    return select


def _check_projected(index: Index, paths: tuple[ResolvedPath, ...]) -> None:
    missing = sorted({str(path[0]) for path in paths} - (index.projected or frozenset()))
    if missing:
        raise invalid_parameter(f"Global secondary index {index.name} does not project [{', '.join(missing)}]")


# ---- filters


def _filter(request: Request, scope: Scope) -> Condition | None:
    text = parameters.text(request, "FilterExpression")
    if text is None:
        return None
    parsed = parse_condition(text, "FilterExpression")
    scope.admit(parsed, "FilterExpression")
    check_condition(parsed.tree, scope, "FilterExpression")
    return parsed.tree


def _check_filter(reading: _Reading) -> None:
    """A Query's filter may not name the keys it queries by."""
    if reading.condition is None:
        return
    for path in _paths(reading.condition):
        name = reading.scope.parts(path)[0]
        if name in reading.schema.names:
            raise validation(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: " + str(name)
            )


def _paths(node: Condition | Operand) -> Iterator[Path]:
    """Every document path in a filter."""
    if isinstance(node, Path):
        yield node
    for part in _parts(node):
        yield from _paths(part)


def _parts(node: Condition | Operand) -> tuple[Condition | Operand, ...]:
    match node:
        case And() | Or():
            return node.terms
        case Not():
            return (node.term,)
        case Compare() | Arithmetic():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case In():
            return (node.operand, *node.options)
        case Call():
            return node.arguments
        case Path() | ValueRef():
            return ()
    assert_never(node)


# ---- where a page starts


def _start_columns(reading: _Reading) -> tuple[bytes, bytes, bytes, bytes] | None:
    """Index columns and key columns of ExclusiveStartKey (the same twice for the table itself)."""
    start = reading.start
    if start is None:
        return None
    check_item(start)
    types = {**reading.table.schema.types, **reading.schema.types}
    if start.keys() != types.keys():
        raise validation("The provided starting key is invalid")
    if any(type_of(start[name]) != kind for name, kind in types.items()):
        raise validation("The provided starting key is invalid: The provided key element does not match the schema")
    place = reading.schema.of_index(start, reading.index.name if reading.index else "", strict=False)
    if place is None:
        raise validation("The provided starting key is invalid")
    base = reading.table.schema
    own_sort = sort_column(start[base.sort]) if base.sort is not None else b""
    return (*place, partition_column(start[base.partition]), own_sort)


def _query_start(reading: _Reading, partition: bytes, bounds: Bounds) -> tuple[bytes, ...] | None:
    columns = _start_columns(reading)
    if columns is None:
        return None
    if columns[0] != partition:
        raise validation("The provided starting key is outside query boundaries based on provided conditions")
    if not bounds.holds(columns[1]):
        raise validation("The provided starting key does not match the range key predicate")
    return columns[1:2] if reading.index is None else columns[1:]


def _scan_start(reading: _Reading) -> tuple[bytes, ...] | None:
    columns = _start_columns(reading)
    return columns if columns is None or reading.index is not None else columns[:2]


def _segment(request: Request) -> tuple[bytes | None, bytes | None]:
    segment = parameters.integer(request, "Segment", 0, 999_999)
    total = parameters.integer(request, "TotalSegments", 1, 1_000_000)
    if segment is None and total is None:
        return None, None
    if total is None:
        raise validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present"
        )
    if segment is None:
        raise validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present"
        )
    if segment >= total:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: "
            f"{segment} is not less than TotalSegments: {total}"
        )
    return segment_bounds(segment, total)


# ---- a page


def _page(reading: _Reading, rows: Iterator[Sized], request: Mapping[str, Any]) -> dict[str, Any]:
    mode = capacity.wanted(request)
    found: list[Any] = []
    looked_at = count = size = 0
    last: bytes | None = None
    more = False
    with closing(rows):  # type: ignore[type-var]  # a generator
        for stored, stored_size in rows:
            item: Item | None = None
            carried_size = stored_size
            if reading.carried is not None:
                item = project(orjson.loads(stored), reading.carried)
                carried_size = item_size(item)
            if looked_at and size + carried_size > PAGE_BYTES:
                more = True
                break
            looked_at += 1
            size += carried_size
            last = stored
            shown = _shown(reading, stored, item)
            if shown is not None:
                count += 1
                if not reading.counting:
                    found.append(shown)
            if looked_at == reading.limit:
                more = True
                break
    answer: dict[str, Any] = {} if reading.counting else {"Items": found}
    answer["Count"] = count
    answer["ScannedCount"] = looked_at
    if more and last is not None:
        answer["LastEvaluatedKey"] = _last_key(reading, orjson.loads(last))
    if mode is not None:
        answer["ConsumedCapacity"] = _consumed(reading, mode, size)
    return answer


def _shown(reading: _Reading, stored: bytes, item: Item | None) -> Any | None:
    """What the answer holds for a row, None when the filter drops it."""
    if reading.condition is None and reading.tree is None:
        return orjson.Fragment(stored)
    if item is None:
        item = orjson.loads(stored)
    assert item is not None
    if reading.condition is not None and not meets(reading.condition, reading.scope, item):
        return None
    return item if reading.tree is None else project(item, reading.tree)


def _last_key(reading: _Reading, item: Item) -> Item:
    names = dict.fromkeys((*reading.table.schema.names, *reading.schema.names))
    return {name: item[name] for name in names}


def _consumed(reading: _Reading, mode: str, size: int) -> dict[str, Any]:
    units = capacity.read_units(size, reading.consistent)
    if reading.index is None:
        return capacity.consumed(reading.table, mode, units)
    return capacity.consumed(reading.table, mode, 0.0, {reading.index: units})
