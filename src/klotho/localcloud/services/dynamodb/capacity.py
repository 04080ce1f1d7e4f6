"""Consumed capacity, as a request's ReturnConsumedCapacity asks for it.

Input: the table and the bytes read or written. Output: the `ConsumedCapacity` structure, or None if not asked.
One read unit is 4 KB strongly consistent (half when not), one write unit 1 KB; transactions cost double
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
Refuses values of ReturnConsumedCapacity that AWS refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.localcloud.services.dynamodb.definition import Index
from klotho.localcloud.services.dynamodb.errors import validation
from klotho.localcloud.services.dynamodb.projections import project
from klotho.localcloud.services.dynamodb.table import Table
from klotho.localcloud.services.dynamodb.values import Item, item_size


def wanted(request: Mapping[str, Any]) -> str | None:
    """`TOTAL`, `INDEXES`, or None."""
    mode = request.get("ReturnConsumedCapacity")
    if mode is None or mode == "NONE":
        return None
    if mode not in ("TOTAL", "INDEXES"):
        raise validation(
            f"1 validation error detected: Value '{mode}' at 'returnConsumedCapacity' failed to satisfy constraint: "
            "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
        )
    return str(mode)


def read_units(size: int, consistent: bool) -> float:
    units = max(1, -(-size // 4096))
    return float(units) if consistent else units / 2


def write_units(size: int) -> float:
    return float(max(1, -(-size // 1024)))


def consumed(
    table: Table, mode: str, units: float, indexes: Mapping[Index, float] | None = None, kind: str = ""
) -> dict[str, Any]:
    """The structure for one table; `kind` is Read or Write for transactions, which report both."""
    indexes = indexes or {}
    total = units + sum(indexes.values())
    answer: dict[str, Any] = {"TableName": table.name, "CapacityUnits": total}
    if kind:
        answer[f"{kind}CapacityUnits"] = total
    if mode == "INDEXES":
        answer["Table"] = _units(units, kind)
        for scope in ("Local", "Global"):
            shares = {i.name: _units(used, kind) for i, used in indexes.items() if i.local == (scope == "Local")}
            if shares:
                answer[f"{scope}SecondaryIndexes"] = shares
    return answer


def _units(units: float, kind: str) -> dict[str, float]:
    return {"CapacityUnits": units, **({f"{kind}CapacityUnits": units} if kind else {})}


def index_writes(table: Table, old: Item | None, new: Item | None) -> dict[Index, float]:
    """Write units each index takes when an item changes from `old` to `new` (None: absent)."""
    shares: dict[Index, float] = {}
    for _, index in table.indexes:
        before, after = _entry(index, old), _entry(index, new)
        if before == after:
            continue
        if before is not None and after is not None and before[0] == after[0]:
            shares[index] = write_units(max(before[1], after[1]))
        else:
            shares[index] = sum(write_units(entry[1]) for entry in (before, after) if entry is not None)
    return shares


def _entry(index: Index, item: Item | None) -> tuple[object, int, Item] | None:
    place = None if item is None else index.schema.of_index(item, index.name, strict=False)
    if place is None or item is None:
        return None
    carried = item if index.tree is None else project(item, index.tree)
    return place, item_size(carried), carried
