"""Reads of one item by key, and what all reads share about projections.

Input: requests with keys. Output: items, as stored JSON where nothing is cut away.
Refuses what DynamoDB refuses, in its words. Every read is strongly consistent: there is one copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb import capacity, parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.parser import parse_projection
from klotho.localcloud.services.dynamodb.projections import ResolvedPath, Tree, check_overlap, project, tree_of
from klotho.localcloud.services.dynamodb.rows import Sized
from klotho.localcloud.services.dynamodb.scope import Scope, scope_of
from klotho.localcloud.services.dynamodb.values import check_item

_GET = frozenset(
    {
        "TableName",
        "Key",
        "ConsistentRead",
        "ReturnConsumedCapacity",
        "ProjectionExpression",
        "ExpressionAttributeNames",
    }
)


def get_item(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _GET, "GetItem")
    table = catalog.table(request.get("TableName"))
    key = parameters.mapping(request, "Key")
    check_item(key)
    tree = projection_of(request)
    consistent = parameters.boolean(request, "ConsistentRead", False)
    mode = capacity.wanted(request)
    row = table.rows.get(table.schema.of_key(key))
    answer: dict[str, Any] = {} if row is None else {"Item": shown(row, tree)}
    if mode is not None:
        units = capacity.read_units(row[1] if row else 0, consistent)
        answer["ConsumedCapacity"] = capacity.consumed(table, mode, units)
    return answer


def projection_of(request: Mapping[str, Any]) -> Tree | None:
    """The tree of a request whose only expression is its ProjectionExpression; None when it has none."""
    scope = scope_of(request, ("ProjectionExpression",))
    paths = projection_paths(request, scope)
    scope.finish()
    return None if paths is None else tree_of(paths)


def projection_paths(request: Mapping[str, Any], scope: Scope) -> tuple[ResolvedPath, ...] | None:
    text = parameters.text(request, "ProjectionExpression")
    if text is None:
        return None
    parsed = parse_projection(text)
    scope.admit(parsed, "ProjectionExpression")
    paths = tuple(scope.parts(path) for path in parsed.tree)
    check_overlap(paths, "ProjectionExpression")
    return paths


def shown(row: Sized, tree: Tree | None) -> Any:
    """What a read answers for a stored row: its JSON untouched, or the projected parts."""
    if tree is None:
        return orjson.Fragment(row[0])
    return project(orjson.loads(row[0]), tree)
