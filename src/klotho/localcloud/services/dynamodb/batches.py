"""BatchGetItem and BatchWriteItem.

Input: up to 100 keys or 25 writes over several tables. Output: items, and what did not fit into one answer (16 MB).
A batch is one SQLite transaction for speed; AWS promises no atomicity, so neither does this.
Refuses too many or repeated keys, in AWS's words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.localcloud.services.dynamodb import capacity, parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.errors import unsupported, validation
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.reads import projection_of, shown
from klotho.localcloud.services.dynamodb.values import check_item
from klotho.localcloud.services.dynamodb.writes import Write, prepare_delete, prepare_put, write_cost

MAX_KEYS = 100
MAX_WRITES = 25
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_GET = frozenset({"RequestItems", "ReturnConsumedCapacity"})
_WRITE = frozenset({"RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"})
_CONTENT = {"PutRequest": frozenset({"Item"}), "DeleteRequest": frozenset({"Key"})}
_PER_TABLE = frozenset({"Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"})


def batch_get_item(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _GET, "BatchGetItem")
    mode = capacity.wanted(request)
    asked = _request_items(request, "BatchGetItem")
    asked = {name: parameters.admit(entry, _PER_TABLE, "BatchGetItem") for name, entry in asked.items()}
    if sum(len(entry.get("Keys") or ()) for entry in asked.values()) > MAX_KEYS:
        raise validation("Too many items requested for the BatchGetItem call")
    answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {}}
    costs, room = [], MAX_ANSWER_BYTES
    for name, entry in asked.items():
        table = catalog.table(name)
        tree = projection_of(entry)
        consistent = parameters.boolean(entry, "ConsistentRead", False)
        keys = parameters.sequence(entry, "Keys", MAX_KEYS)
        places = []
        for key in keys:
            check_item(key)
            places.append(table.schema.of_key(key))
        if len(set(places)) != len(places):
            raise validation("Provided list of item keys contains duplicates")
        found: list[Any] = []
        units = 0.0
        for position, place in enumerate(places):
            row = table.rows.get(place)
            if row is not None and row[1] > room:
                answer["UnprocessedKeys"][name] = {**entry, "Keys": keys[position:]}
                break
            units += capacity.read_units(row[1] if row else 0, consistent)
            if row is not None:
                room -= row[1]
                found.append(shown(row, tree))
        answer["Responses"][name] = found
        if mode is not None:
            costs.append(capacity.consumed(table, mode, units))
    return {**answer, "ConsumedCapacity": costs} if mode is not None else answer


def batch_write_item(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _WRITE, "BatchWriteItem")
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        raise unsupported("ReturnItemCollectionMetrics")
    mode = capacity.wanted(request)
    asked = _request_items(request, "BatchWriteItem")
    writes = list(_writes(catalog, asked))
    if len(writes) > MAX_WRITES:
        raise validation("Too many items requested for the BatchWriteItem call")
    if len({(write.table.number, write.key) for write in writes}) != len(writes):
        raise validation("Provided list of item keys contains duplicates")
    costs: dict[str, Any] = {}
    with catalog.transaction():
        for write in writes:
            old, new = write.run(read_old=mode is not None)
            if mode is not None:
                shares = capacity.index_writes(write.table, old, new)
                cost = capacity.consumed(write.table, mode, write_cost(old, new), shares)
                costs[write.table.name] = _sum(costs.get(write.table.name), cost)
    answer: dict[str, Any] = {"UnprocessedItems": {}}
    return {**answer, "ConsumedCapacity": list(costs.values())} if mode is not None else answer


def _request_items(request: Request, operation: str) -> Request:
    asked = parameters.mapping(request, "RequestItems")
    if not asked or any(not entry for entry in asked.values()):
        raise validation(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"
        )
    return asked


def _writes(catalog: Catalog, asked: Request) -> Iterator[Write]:
    for name in asked:
        for entry in parameters.sequence(asked, name, MAX_WRITES):
            chosen = [kind for kind in ("PutRequest", "DeleteRequest") if isinstance(entry, dict) and entry.get(kind)]
            if len(chosen) != 1 or len(entry) != 1:
                raise validation(
                    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
                    "supported datatypes"
                )
            kind = chosen[0]
            inner = parameters.admit(entry[kind], _CONTENT[kind], f"BatchWriteItem {kind}")
            prepare = prepare_put if kind == "PutRequest" else prepare_delete
            yield prepare(catalog, {"TableName": name, **inner})


def _sum(one: Any, two: Any) -> Any:
    """Adds two ConsumedCapacity structures number by number."""
    if one is None:
        return two
    if isinstance(two, dict):
        merged = dict(one)
        for name, value in two.items():
            merged[name] = _sum(one.get(name), value)
        return merged
    return one + two if isinstance(two, float) else two
