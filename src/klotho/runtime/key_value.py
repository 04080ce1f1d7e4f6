"""A small client for one DynamoDB table: plain Python values in and out, standard library only.

Not carried: batches, transactions, PartiQL, projections, parallel scans; for those use an AWS SDK with
`.table`, `.region` and `.endpoint_url`. Raises AwsError for what DynamoDB refuses, ConditionFailedError for a
condition that did not hold.
"""

from __future__ import annotations

from klotho.runtime.attribute_value import decode_item, encode_item
from klotho.runtime.errors import AwsError
from klotho.runtime.expressions import Expression
from klotho.runtime.grants import this_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any


class KeyValue:
    """A key-value table: `name` as in infra.py, `table` as AWS knows it. Safe to use from several threads."""

    __slots__ = ("_decimals", "access", "kind", "name", "table")

    def __init__(self, name: str, table: str, *, access: str = "", decimals: bool = False) -> None:
        self.name = name
        self.kind = "Databases.KeyValue"
        self.table = table
        self.access = access
        self._decimals = decimals

    def __repr__(self) -> str:
        return f"<KeyValue {self.name!r} {self.table}>"

    @property
    def region(self) -> str:
        from klotho.runtime.aws import region_of

        return region_of()

    @property
    def endpoint_url(self) -> str | None:
        """For an AWS SDK's `endpoint_url`: None on AWS, the local cloud's address there."""
        from klotho.runtime.aws import configured_endpoint

        return configured_endpoint("dynamodb")

    def decimals(self) -> KeyValue:
        """The same table, whose numbers that are not whole are always read as Decimal (money, for instance)."""
        return KeyValue(self.name, self.table, access=self.access, decimals=True)

    def get(self, key: Mapping[str, object], *, consistent: bool = False) -> dict[str, Any] | None:
        """The item with this key, None if there is none; `consistent=True` sees every earlier write."""
        answer = self._call("GetItem", {"Key": encode_item(key), "ConsistentRead": consistent})
        return decode_item(answer["Item"], self._decimals) if "Item" in answer else None

    def put(
        self,
        item: Mapping[str, object],
        *,
        if_absent: bool = False,
        condition: str | None = None,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Store an item, replacing the one with the same key.

        `if_absent=True`: only if there is none. `condition`: only if this DynamoDB condition holds for the
        item there, with `:value` placeholders from `values` and `#name` placeholders from `names`. Else
        ConditionFailedError.
        """
        expression = Expression(names, values)
        conditions = [expression.absent(item)] if if_absent else []
        conditions += [condition] if condition else []
        self._write("PutItem", {"Item": encode_item(item)}, expression, conditions)

    def update(
        self,
        key: Mapping[str, object],
        *,
        set: Mapping[str, object] | None = None,
        add: Mapping[str, object] | None = None,
        remove: Iterable[str] = (),
        condition: str | None = None,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Change top-level attributes of an item (made if absent) at once, and return the item as it is then.

        `set` replaces attributes, `add` adds to numbers and sets, `remove` drops attributes; conditions as in
        `put`.
        """
        expression = Expression(names, values)
        text = expression.update(set or {}, add or {}, remove)
        fields = {"Key": encode_item(key), "UpdateExpression": text, "ReturnValues": "ALL_NEW"}
        # Adding twice is not adding once, so a lost answer to `add` is reported rather than repeated.
        answer = self._write("UpdateItem", fields, expression, [condition] if condition else [], repeatable=not add)
        return decode_item(answer["Attributes"], self._decimals)

    def delete(
        self,
        key: Mapping[str, object],
        *,
        condition: str | None = None,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """Remove the item with this key and return it, None if there was none; conditions as in `put`."""
        fields = {"Key": encode_item(key), "ReturnValues": "ALL_OLD"}
        answer = self._write("DeleteItem", fields, Expression(names, values), [condition] if condition else [])
        return decode_item(answer["Attributes"], self._decimals) if answer.get("Attributes") else None

    def query(
        self,
        key: Mapping[str, object],
        *,
        sort: tuple[object, ...] | None = None,
        index: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        filter: str | None = None,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
        consistent: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """The items whose key attributes equal `key`, in sort-key order, fetched page by page while you
        iterate.

        `sort`: a condition on the sort key: `("placed_at", ">=", x)`, `("id", "begins_with", "a")`,
        `("n", "between", 1, 9)`. `limit`: at most so many items. `filter`: a DynamoDB filter
        expression, applied after reading.
        """
        expression = Expression(names, values)
        fields: dict[str, object] = {
            "KeyConditionExpression": expression.key_condition(key, sort),
            "ScanIndexForward": not descending,
        }
        return self._pages("Query", fields, expression, index, limit, filter, consistent)

    def scan(
        self,
        *,
        index: str | None = None,
        limit: int | None = None,
        filter: str | None = None,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
        consistent: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Every item of the table, in no order, page by page. It reads (and bills) the whole table: prefer
        `query`."""
        return self._pages("Scan", {}, Expression(names, values), index, limit, filter, consistent)

    def _pages(
        self,
        action: str,
        fields: dict[str, object],
        expression: Expression,
        index: str | None,
        limit: int | None,
        filter: str | None,
        consistent: bool,
    ) -> Iterator[dict[str, Any]]:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit}")
        fields |= {"ConsistentRead": consistent, **expression.fields()}
        if index:
            fields["IndexName"] = index
        if filter:
            fields["FilterExpression"] = filter
        return self._iterate(action, fields, limit)

    def _iterate(self, action: str, fields: dict[str, object], limit: int | None) -> Iterator[dict[str, Any]]:
        left = limit
        while True:
            # A filter is applied after DynamoDB's own limit, so with one the limit cannot be handed over.
            if left is not None and "FilterExpression" not in fields:
                fields["Limit"] = left
            answer = self._call(action, fields)
            for item in answer.get("Items", []):
                yield decode_item(item, self._decimals)
                if left is not None:
                    left -= 1
                    if left == 0:
                        return
            if not answer.get("LastEvaluatedKey"):
                return
            fields["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _write(
        self,
        action: str,
        fields: dict[str, Any],
        expression: Expression,
        conditions: list[str],
        repeatable: bool = True,
    ) -> dict[str, Any]:
        if conditions:
            fields["ConditionExpression"] = " AND ".join(f"({condition})" for condition in conditions)
            repeatable = False  # repeated after a lost answer, it could fail on what it wrote itself
        return self._call(action, fields | expression.fields(), repeatable)

    def _call(self, action: str, fields: Mapping[str, object], repeatable: bool = True) -> dict[str, Any]:
        from klotho.runtime.aws import call  # here, for it brings http and TLS along

        try:
            return call("dynamodb", action, {"TableName": self.table, **fields}, repeatable=repeatable)
        except AwsError as error:
            if error.code != "AccessDeniedException" or not self.access:
                raise
            denied = error
        verb = "reads_from" if action in ("GetItem", "Query", "Scan") else "writes_to"
        me = this_service() or "this_service"
        text = (
            f"{denied.message} (datastore {self.name!r} was granted to this service as {self.access!r}; "
            f"for {action} write {me}.{verb}({self.name}) in infra.py and run `klotho up`)"
        )
        raise AwsError(denied.service, denied.code, text, denied.status, denied.request_id) from denied
