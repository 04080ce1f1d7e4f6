"""TransactWriteItems and TransactGetItems: all or nothing, over several tables.

Input: up to 100 actions on distinct items. Output: success, or TransactionCanceledException with one reason an action.
A ClientRequestToken makes a repetition within ten minutes do nothing again, also across a restart; the token is stored
in the same SQLite transaction as the writes.
Refuses two actions on one item and a token used with other parameters, in AWS's words.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import orjson

from klotho.localcloud.services.dynamodb import capacity, parameters
from klotho.localcloud.services.dynamodb.catalog import Catalog
from klotho.localcloud.services.dynamodb.errors import DynamoDbError, unsupported, validation
from klotho.localcloud.services.dynamodb.parameters import Request
from klotho.localcloud.services.dynamodb.reads import projection_of, shown
from klotho.localcloud.services.dynamodb.values import check_item
from klotho.localcloud.services.dynamodb.writes import (
    Write,
    prepare_delete,
    prepare_put,
    prepare_update,
    write_cost,
)

MAX_ACTIONS = 100
TOKEN_SECONDS = 600
_WRITE = frozenset({"TransactItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ClientRequestToken"})
_GET = frozenset({"TransactItems", "ReturnConsumedCapacity"})
_EXPRESSIONS = {
    "TableName",
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
}
_ACTIONS = {
    "Put": frozenset(_EXPRESSIONS | {"Item"}),
    "Update": frozenset(_EXPRESSIONS | {"Key", "UpdateExpression"}),
    "Delete": frozenset(_EXPRESSIONS | {"Key"}),
    "ConditionCheck": frozenset(_EXPRESSIONS | {"Key"}),
}
_READ = frozenset({"TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"})
_TWICE = "Transaction request cannot include multiple operations on one item"


class _Cancelled(Exception):
    """Rolls the SQLite transaction back."""

    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        super().__init__("cancelled")
        self.reasons = reasons


def transact_write_items(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _WRITE, "TransactWriteItems")
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        raise unsupported("ReturnItemCollectionMetrics")
    mode = capacity.wanted(request)
    entries = parameters.sequence(request, "TransactItems", MAX_ACTIONS)
    token = parameters.text(request, "ClientRequestToken")
    # Before the values are canonicalised in place, so that a repetition has the same digest.
    digest = hashlib.sha256(orjson.dumps(entries, option=orjson.OPT_SORT_KEYS)).hexdigest()
    writes = [_prepare(catalog, entry) for entry in entries]
    if len({(write.table.number, write.key) for write in writes}) != len(writes):
        raise validation(_TWICE)
    if token is not None and _already_done(catalog, token, digest):
        return {}
    costs: list[Any] = []
    try:
        with catalog.transaction():
            outcomes = _run(writes)
            if token is not None:
                catalog.connection.execute(
                    "insert or replace into transactions values (?,?,?)", (token, digest, time.time())
                )
    except _Cancelled as cancelled:
        codes = ", ".join(reason["Code"] for reason in cancelled.reasons)
        raise DynamoDbError(
            "TransactionCanceledException",
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            {"CancellationReasons": cancelled.reasons},
        ) from None
    if mode is None:
        return {}
    for write, (old, new) in zip(writes, outcomes, strict=True):
        shares = {index: 2 * used for index, used in capacity.index_writes(write.table, old, new).items()}
        costs.append(capacity.consumed(write.table, mode, 2 * write_cost(old, new), shares, "Write"))
    return {"ConsumedCapacity": costs}


def _prepare(catalog: Catalog, entry: Any) -> Write:
    if not isinstance(entry, dict) or len(entry) != 1 or next(iter(entry)) not in _ACTIONS:
        raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
    ((kind, action),) = entry.items()
    action = parameters.admit(action, _ACTIONS[kind], f"TransactWriteItems {kind}")
    if kind == "Put":
        return prepare_put(catalog, action)
    if kind == "Update":
        if action.get("UpdateExpression") is None:
            raise validation(
                "1 validation error detected: Value null at 'transactItems.member.update.updateExpression' failed to "
                "satisfy constraint: Member must not be null"
            )
        return prepare_update(catalog, action)
    if kind == "ConditionCheck" and action.get("ConditionExpression") is None:
        raise validation(
            "1 validation error detected: Value null at 'transactItems.member.conditionCheck.conditionExpression' "
            "failed to satisfy constraint: Member must not be null"
        )
    return prepare_delete(catalog, action, "delete" if kind == "Delete" else "check")


def _run(writes: list[Write]) -> list[tuple[Any, Any]]:
    outcomes: list[tuple[Any, Any]] = []
    reasons: list[dict[str, Any]] = []
    for write in writes:
        try:
            outcomes.append(write.run())
            reasons.append({"Code": "None"})
        except DynamoDbError as error:
            failed = error.code == "ConditionalCheckFailedException"
            code = "ConditionalCheckFailed" if failed else "ValidationError"
            reasons.append({"Code": code, "Message": error.message, **error.extra})
    if len(outcomes) != len(writes):
        raise _Cancelled(reasons)
    return outcomes


def _already_done(catalog: Catalog, token: str, digest: str) -> bool:
    connection = catalog.connection
    connection.execute("delete from transactions where at < ?", (time.time() - TOKEN_SECONDS,))
    row = connection.execute("select digest from transactions where token=?", (token,)).fetchone()
    if row is not None and row[0] != digest:
        raise DynamoDbError(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. Do not reuse a client "
            "token with different requests, unless the requests are identical",
        )
    return row is not None


def transact_get_items(catalog: Catalog, request: Request) -> dict[str, Any]:
    request = parameters.admit(request, _GET, "TransactGetItems")
    mode = capacity.wanted(request)
    places, responses, costs = set(), [], []
    for entry in parameters.sequence(request, "TransactItems", MAX_ACTIONS):
        get = parameters.admit(parameters.mapping(entry, "Get"), _READ, "TransactGetItems Get")
        table = catalog.table(get.get("TableName"))
        key = parameters.mapping(get, "Key")
        check_item(key)
        place = table.schema.of_key(key)
        if (table.number, place) in places:
            raise validation(_TWICE)
        places.add((table.number, place))
        row = table.rows.get(place)
        responses.append({} if row is None else {"Item": shown(row, projection_of(get))})
        if mode is not None:
            costs.append(
                capacity.consumed(table, mode, 2 * capacity.read_units(row[1] if row else 0, True), kind="Read")
            )
    answer: dict[str, Any] = {"Responses": responses}
    return {**answer, "ConsumedCapacity": costs} if mode is not None else answer
