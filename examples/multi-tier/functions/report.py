"""What was sold, straight from the database."""

from __future__ import annotations

import json
from typing import Any

import pg8000.native

import klotho


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    database = klotho.config.datastores.get("orders_db")
    connection = pg8000.native.Connection(
        database.user, host=database.host, port=database.port, database=database.database, password=database.password,
        ssl_context=database.ssl,
    )  # fmt: skip
    try:
        rows = connection.run("select item, sum(quantity), sum(cents) from orders group by item order by item")
    finally:
        connection.close()
    sold = [{"item": item, "quantity": int(quantity), "cents": int(cents)} for item, quantity, cents in rows]
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"sold": sold}),
    }
